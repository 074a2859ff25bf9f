//! `needs`: which jobs must have passed before a job starts.

use std::collections::HashMap;

use super::JobPlan;
use super::reader::{At, Reader, quote};
use crate::ids::JobNumber;
use crate::language::{Severity, nearest};

/// Most names in a `needs:`.
const MAX_NEEDS: usize = 200;

/// A name and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Need<'n> {
    name: String,
    at: At<'n>,
}

pub(super) fn read<'n>(reader: &mut Reader, at: &At<'n>) -> Vec<Need<'n>> {
    let mut needs: Vec<Need<'n>> = Vec::new();
    for item in reader.few(at, MAX_NEEDS) {
        let Some(text) = reader.text(&item) else { continue };
        if !needs.iter().any(|need| need.name == text) {
            needs.push(Need { name: text.to_owned(), at: item });
        }
    }
    needs
}

/// The jobs of a plan by the names that others know them by.
pub(super) struct Names<'a> {
    /// Copies of a job, and jobs that look alike, share one.
    numbers: HashMap<String, Vec<JobNumber>>,
    /// Names of the file that this run does not have.
    absent: &'a [String],
}

impl<'a> Names<'a> {
    pub(super) fn new(jobs: &[JobPlan], bases: &[String], absent: &'a [String]) -> Self {
        let mut numbers: HashMap<String, Vec<JobNumber>> = HashMap::new();
        for (job, base) in jobs.iter().zip(bases) {
            numbers.entry(base.clone()).or_default().push(job.number);
            if job.name != *base {
                numbers.entry(job.name.clone()).or_default().push(job.number);
            }
        }
        Self { numbers, absent }
    }
}

/// Puts the numbers of what they need into the jobs, and says which names mean nothing.
pub(super) fn settle(
    reader: &mut Reader,
    jobs: &mut [JobPlan],
    needs: &[Vec<Need<'_>>],
    names: &Names<'_>,
) {
    let places: Vec<_> = jobs.iter().map(|job| (job.stage, job.name.clone())).collect();
    let place = |number: JobNumber| usize::try_from(number.0).unwrap_or(1).saturating_sub(1);
    for (index, needs) in needs.iter().enumerate() {
        for need in needs {
            let Some(numbers) = names.numbers.get(&need.name) else {
                unknown(reader, need, names);
                continue;
            };
            let (stage, name) = &places[index];
            if numbers.iter().any(|number| place(*number) == index) {
                let message = format!("the job {} needs itself", quote(name));
                reader.error(
                    &need.at,
                    "needs-itself",
                    message,
                    "name another job, or leave it out",
                );
                continue;
            }
            if numbers.iter().any(|number| places[place(*number)].0 > *stage) {
                let message = format!(
                    "the job {} needs {}, which is in a later stage",
                    quote(name),
                    quote(&need.name)
                );
                let help = "put both into one stage, or the needed one into an earlier";
                reader.error(&need.at, "needs-later", message, help);
                continue;
            }
            let known = &mut jobs[index].order.needs;
            known.extend(
                numbers
                    .iter()
                    .filter(|number| !known.contains(number))
                    .copied()
                    .collect::<Vec<_>>(),
            );
        }
        jobs[index].order.needs.sort_unstable();
    }
    if let Some((index, circle)) = circle(jobs) {
        let at = needs[index].first().map(|need| need.at.clone());
        let names: Vec<String> = circle.iter().map(|job| quote(&places[*job].1)).collect();
        let message = format!("these jobs wait for each other: {}", names.join(" needs "));
        if let Some(at) = at {
            reader.error(&at, "needs-circle", message, "take one of the names out");
        }
    }
}

fn unknown(reader: &mut Reader, need: &Need<'_>, names: &Names<'_>) {
    if names.absent.contains(&need.name) {
        let message = format!("this run has no job {}, so nothing waits for it", quote(&need.name));
        let help = "give both jobs the same condition if one makes no sense without the other";
        reader.say(Severity::Note, &need.at, "needs-absent", message, help);
        return;
    }
    let help = match nearest(&need.name, names.numbers.keys().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "write the `name:` of a job of this file".to_owned(),
    };
    reader.error(&need.at, "needs-unknown", format!("there is no job {}", quote(&need.name)), help);
}

/// A job that needs itself through others, and the way round.
fn circle(jobs: &[JobPlan]) -> Option<(usize, Vec<usize>)> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    let needs = |job: usize| jobs[job].order.needs.iter();
    let place = |number: &JobNumber| usize::try_from(number.0).unwrap_or(1).saturating_sub(1);
    let mut marks = vec![Mark::New; jobs.len()];
    for start in 0..jobs.len() {
        // The way so far, each with how many of its needs were followed.
        let mut way: Vec<(usize, usize)> = Vec::new();
        if marks[start] == Mark::New {
            marks[start] = Mark::Open;
            way.push((start, 0));
        }
        while let Some((job, followed)) = way.last_mut() {
            let Some(next) = needs(*job).nth(*followed).map(place) else {
                marks[*job] = Mark::Done;
                way.pop();
                continue;
            };
            *followed += 1;
            match marks[next] {
                Mark::Done => {}
                Mark::New => {
                    marks[next] = Mark::Open;
                    way.push((next, 0));
                }
                Mark::Open => {
                    let round = way.iter().map(|(job, _)| *job).skip_while(|job| *job != next);
                    return Some((next, round.chain([next]).collect()));
                }
            }
        }
    }
    None
}
