//! Why something has not started, as exactly as the rows tell.

use super::format::memory;
use crate::db::views::jobs::JobRow;
use crate::db::views::queue::{WaitingRow, WorkerRow};

/// What a queued job asks of a worker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    /// A worker's label; empty: any will do.
    requires: &'a str,
    /// Memory; 0: it does not say.
    memory_mib: i32,
}

impl Asked<'_> {
    /// What every job asks for that says nothing.
    pub(super) const NOTHING: Self = Self { requires: "", memory_mib: 0 };
}

impl<'a> From<&'a JobRow> for Asked<'a> {
    fn from(job: &'a JobRow) -> Self {
        Self { requires: &job.requires, memory_mib: job.memory_mib }
    }
}

impl<'a> From<&'a WaitingRow> for Asked<'a> {
    fn from(job: &'a WaitingRow) -> Self {
        Self { requires: &job.requires, memory_mib: job.memory_mib }
    }
}

/// What a queued job waits for.
pub(super) fn queued(asked: Asked<'_>, workers: &[WorkerRow]) -> String {
    let there: Vec<&WorkerRow> = workers.iter().filter(|worker| !worker.silent).collect();
    if there.is_empty() {
        return "waits for a worker: none is connected".to_owned();
    }
    let taking: Vec<&WorkerRow> = there.into_iter().filter(|worker| !worker.draining).collect();
    if taking.is_empty() {
        return "waits for a worker: those that are connected are about to stop".to_owned();
    }
    let has_label = |worker: &&WorkerRow| {
        asked.requires.is_empty() || worker.labels.iter().any(|label| label == asked.requires)
    };
    let fitting: Vec<&WorkerRow> = taking.into_iter().filter(has_label).collect();
    if fitting.is_empty() {
        return format!("waits: no worker with {} is connected", asked.requires);
    }
    let large: Vec<&WorkerRow> = fitting
        .iter()
        .copied()
        .filter(|worker| worker.mib().is_none_or(|mib| i64::from(asked.memory_mib) <= mib))
        .collect();
    if large.is_empty() {
        let largest = fitting.iter().filter_map(|worker| worker.mib()).max().unwrap_or(0);
        let (wants, has) = (memory(asked.memory_mib.into()), memory(largest));
        return format!("waits: it asks for {wants} of memory, and the largest worker has {has}");
    }
    slots(asked, &large)
}

fn slots(asked: Asked<'_>, workers: &[&WorkerRow]) -> String {
    let slots: i64 = workers.iter().map(|worker| i64::from(worker.slots)).sum();
    let free: i64 = workers.iter().map(|worker| worker.free()).sum();
    if free <= 0 {
        return match slots {
            1 => "waits for the only slot: it is busy".to_owned(),
            _ => format!("waits for a slot: all {slots} are busy"),
        };
    }
    let has_room = |worker: &&WorkerRow| worker.free() > 0 && worker.has_room(asked.memory_mib);
    if !workers.iter().any(has_room) {
        let wants = match asked.memory_mib {
            0 => "an equal share of a worker's memory".to_owned(),
            mib => memory(mib.into()),
        };
        return format!("waits for memory: it counts {wants}, which other jobs have now");
    }
    match free {
        1 => "waits to be claimed: one slot is free".to_owned(),
        _ => format!("waits to be claimed: {free} of {slots} slots are free"),
    }
}

impl WorkerRow {
    /// All that its jobs may use together.
    fn mib(&self) -> Option<i64> {
        self.memory_bytes.map(|bytes| bytes >> 20)
    }

    fn free(&self) -> i64 {
        (i64::from(self.slots) - self.busy).max(0)
    }

    fn has_room(&self, memory_mib: i32) -> bool {
        let Some(mib) = self.mib() else { return true };
        let counts = match memory_mib {
            0 => mib / i64::from(self.slots.max(1)),
            asked => asked.into(),
        };
        self.used_mib + counts <= mib
    }
}

/// What a waiting job waits for: the stages before it, then the jobs that it needs.
pub(super) fn waiting(job: &JobRow, all: &[JobRow]) -> String {
    let required = |other: &&JobRow| other.stage < job.stage && !other.over();
    let open: Vec<&JobRow> =
        all.iter().filter(required).filter(|other| !other.allow_failure).collect();
    let needed: Vec<&JobRow> =
        all.iter().filter(|other| job.needs.contains(&other.number) && !other.over()).collect();
    match (open.as_slice(), needed.as_slice()) {
        ([], []) => "is about to be queued".to_owned(),
        ([], [only]) => format!("waits for the job {}, which it needs", only.name),
        ([], [first, rest @ ..]) => {
            format!("waits for the job {} and {} more that it needs", first.name, rest.len())
        }
        ([only], _) => format!("waits for the job {} of the stage {}", only.name, only.stage_name),
        ([first, .., last], _) if first.stage == last.stage => {
            format!("waits for {} jobs of the stage {}", open.len(), first.stage_name)
        }
        ([first, ..], _) => {
            format!("waits for {} jobs of the stages from {} on", open.len(), first.stage_name)
        }
    }
}

/// The same of a job in the list of all that wait.
pub(super) fn listed(job: &WaitingRow, workers: &[WorkerRow]) -> String {
    match (job.state.as_str(), job.open_needs.as_slice()) {
        ("queued", _) => queued(job.into(), workers),
        (_, []) => format!("waits for the stages before {}", job.stage_name),
        (_, [only]) => format!("waits for the job {only}, which it needs"),
        (_, [first, rest @ ..]) => {
            format!("waits for the job {first} and {} more that it needs", rest.len())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker(slots: i32, busy: i64) -> WorkerRow {
        WorkerRow {
            name: "w".to_owned(),
            version: "1".to_owned(),
            engine: None,
            slots,
            busy,
            silent: false,
            draining: false,
            labels: vec!["arch=amd64".to_owned()],
            memory_bytes: Some(8 << 30),
            used_mib: 0,
            last_seen_at: chrono::DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_queued_job_says_what_is_missing() {
        let says = |workers: &[WorkerRow]| queued(Asked::NOTHING, workers);
        assert_eq!(says(&[]), "waits for a worker: none is connected");
        let silent = WorkerRow { silent: true, ..worker(1, 0) };
        assert_eq!(says(&[silent]), "waits for a worker: none is connected");
        assert_eq!(says(&[worker(4, 4), worker(2, 2)]), "waits for a slot: all 6 are busy");
        assert_eq!(says(&[worker(1, 1)]), "waits for the only slot: it is busy");
        assert_eq!(says(&[worker(4, 1)]), "waits to be claimed: 3 of 4 slots are free");
        let draining = WorkerRow { draining: true, ..worker(4, 1) };
        let sentence = "waits for a worker: those that are connected are about to stop";
        assert_eq!(says(&[draining]), sentence);
        let full = WorkerRow { used_mib: 7000, ..worker(4, 1) };
        let sentence = "waits for memory: it counts an equal share of a worker's memory, which \
                        other jobs have now";
        assert_eq!(says(&[full]), sentence);
    }

    #[test]
    fn a_queued_job_says_which_machine_is_missing() {
        let arm = Asked { requires: "arch=arm64", memory_mib: 0 };
        assert_eq!(queued(arm, &[worker(4, 0)]), "waits: no worker with arch=arm64 is connected");
        let own = Asked { requires: "arch=amd64", memory_mib: 0 };
        assert_eq!(queued(own, &[worker(1, 0)]), "waits to be claimed: one slot is free");
        let large = |memory_mib| Asked { requires: "", memory_mib };
        assert_eq!(
            queued(large(12 << 10), &[worker(4, 0)]),
            "waits: it asks for 12 GiB of memory, and the largest worker has 8 GiB"
        );
        let busy = WorkerRow { used_mib: 4096, ..worker(4, 2) };
        assert_eq!(
            queued(large(6 << 10), &[busy]),
            "waits for memory: it counts 6 GiB, which other jobs have now"
        );
    }
}
