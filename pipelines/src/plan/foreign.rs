//! Jobs for machines that nobody has.

use std::collections::BTreeMap;

use super::{Dropped, JobPlan, Plan};
use crate::ids::{JobNumber, StageIndex};
use crate::names::WorkerLabel;

impl Plan {
    /// Takes out the jobs that ask for a label which none of these workers has: in a file of
    /// Travis' they are left out, each with the reason. None: no job is left.
    #[must_use]
    pub fn keep_runnable(mut self, labels: &[WorkerLabel]) -> Option<Self> {
        let foreign = |job: &JobPlan| job.machine.requires().filter(|it| !labels.contains(it));
        if !self.jobs.iter().any(|job| foreign(job).is_some()) {
            return Some(self);
        }
        let mut numbers = BTreeMap::new();
        let mut kept = Vec::new();
        for mut job in self.jobs {
            if let Some(label) = foreign(&job) {
                let reason = format!("no worker has `{label}`.");
                self.dropped.push(Dropped { name: format!("job {}", job.name), reason });
                continue;
            }
            let number = JobNumber(i32::try_from(kept.len() + 1).ok()?);
            numbers.insert(job.number, number);
            job.number = number;
            kept.push(job);
        }
        let places: Vec<usize> = (0..self.stages.len())
            .filter(|place| kept.iter().any(|job| is_in(job, *place)))
            .collect();
        for job in &mut kept {
            // What nobody can run is not waited for, as with what the trigger does not want.
            job.order.needs.retain(|needed| numbers.contains_key(needed));
            for needed in &mut job.order.needs {
                *needed = numbers.get(needed).copied()?;
            }
            let place = places.iter().position(|place| is_in(job, *place))?;
            job.stage = StageIndex(i32::try_from(place).ok()?);
        }
        self.stages = places.iter().filter_map(|place| self.stages.get(*place).cloned()).collect();
        self.jobs = kept;
        (!self.jobs.is_empty()).then_some(self)
    }
}

fn is_in(job: &JobPlan, place: usize) -> bool {
    usize::try_from(job.stage.0) == Ok(place)
}
