//! `parallel: N` makes N copies of a job, after all other rules; and how many jobs there may be.

use crate::language::{Severity, Span};

use super::work::Work;
use super::{Copy, Job, MAX_JOBS};

/// Makes the copies; if the jobs are too many then, says so and leaves none.
pub(super) fn make(work: &mut Work<'_>, jobs: &mut Vec<Job>) {
    let totals: Vec<Option<usize>> = jobs.iter().map(|job| wanted(work, job)).collect();
    let count = totals.iter().fold(0_usize, |sum, total| sum.saturating_add(total.unwrap_or(1)));
    if count > MAX_JOBS {
        too_many(work, jobs, &totals, count);
        jobs.clear();
        return;
    }
    let copies = |(job, total): (Job, Option<usize>)| -> Vec<Job> {
        let copy = |index: usize, total| Job { copy: Some(Copy { index, total }), ..job.clone() };
        match total {
            None => vec![job],
            Some(total) => (1..=total).map(|index| copy(index, total)).collect(),
        }
    };
    *jobs = std::mem::take(jobs).into_iter().zip(totals).flat_map(copies).collect();
}

/// How many copies a job wants, if it wants any.
fn wanted(work: &mut Work<'_>, job: &Job) -> Option<usize> {
    let node = job.config.get("parallel").filter(|node| !node.is_null())?;
    let number = node.text().and_then(|text| text.parse::<usize>().ok());
    if let Some(number) = number.filter(|number| *number > 0) {
        return Some(number);
    }
    let path = job.path_of("parallel");
    if !work.found.iter().any(|found| found.code == "bad-parallel" && found.path == path) {
        let message = format!("`parallel` takes a number from 1 to {MAX_JOBS}");
        let place = (path.as_str(), node.span);
        work.say(work.passed_over(), "bad-parallel", place, message, "write `parallel: 4`");
    }
    None
}

fn too_many(work: &mut Work<'_>, jobs: &[Job], totals: &[Option<usize>], count: usize) {
    let (path, span) = widest(work, jobs, totals);
    let message = format!("the file makes {count} jobs; at most {MAX_JOBS} run");
    let help = "drop values from the matrix, rows from `jobs.include`, or copies from `parallel`";
    work.say(Severity::Error, "too-many-jobs", (&path, span), message, help);
}

/// What makes most of them: the copies of a job, the rows, or an axis of the matrix.
fn widest(work: &Work<'_>, jobs: &[Job], totals: &[Option<usize>]) -> (String, Span) {
    let copies = jobs.iter().zip(totals).filter_map(|(job, total)| {
        Some(((*total)?, job.path_of("parallel"), job.config.get("parallel")?.span))
    });
    let axes = super::keys::EXPANSION.into_iter().filter_map(|key| {
        let node = work.root(key)?;
        Some((node.items().len(), key.to_owned(), node.span))
    });
    let part = |outer: &str, inner: &str, path: &str| {
        let node = work.root(outer)?.get(inner)?;
        Some((node.items().len(), path.to_owned(), node.span))
    };
    let env = part("env", "jobs", "env");
    let rows = part("jobs", "include", "jobs.include");
    let widest = copies.chain(axes).chain(env).chain(rows).max_by_key(|(size, ..)| *size);
    widest.map_or((String::new(), work.config.span), |(_, path, span)| (path, span))
}
