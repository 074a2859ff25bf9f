//! `parallel: N`: so many copies of a job.

use super::reader::{At, Reader, quote};
use super::{EnvVar, JobPlan, ParallelCopy};

/// Most copies of one job; the jobs of a run are limited as well.
const MAX_COPIES: u32 = 100;

/// How many copies; none: the job itself.
pub(super) fn read(reader: &mut Reader, at: &At<'_>) -> Option<u32> {
    let text = reader.text(at)?;
    let count = text.parse::<u32>().ok().filter(|count| (1..=MAX_COPIES).contains(count));
    if count.is_none() {
        let message = format!("{} is not a number of copies", quote(text));
        let help = format!("write a number from 1 to {MAX_COPIES}");
        reader.error(at, "not-a-number", message, help);
    }
    count
}

/// The copies; each finds its place in its environment.
pub(super) fn of(job: JobPlan, total: Option<u32>) -> Vec<JobPlan> {
    let Some(total) = total else { return vec![job] };
    let copy = |index: u32| {
        let var =
            |name: &str, value: u32| EnvVar { name: name.to_owned(), value: value.to_string() };
        let mut copy = job.clone();
        copy.name = format!("{} ({index} of {total})", job.name);
        copy.env.push(var("CI_NODE_INDEX", index));
        copy.env.push(var("CI_NODE_TOTAL", total));
        copy.order.copy = Some(ParallelCopy { index, total });
        copy
    };
    (1..=total).map(copy).collect()
}
