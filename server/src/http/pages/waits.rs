//! Why something has not started, as exactly as the rows tell.

use crate::db::views::jobs::JobRow;
use crate::db::views::queue::Capacity;

/// What a queued job waits for.
pub(super) fn queued(capacity: &Capacity) -> String {
    let Capacity { workers, slots, busy } = *capacity;
    match (workers, slots - busy) {
        (0, _) => "waits for a worker: none is connected".to_owned(),
        (_, ..=0) if slots == 1 => "waits for the only slot: it is busy".to_owned(),
        (_, ..=0) => format!("waits for a slot: all {slots} are busy"),
        (_, 1) => "waits to be claimed: one slot is free".to_owned(),
        (_, free) => format!("waits to be claimed: {free} of {slots} slots are free"),
    }
}

/// What a waiting job waits for: the stages before it.
pub(super) fn waiting(job: &JobRow, all: &[JobRow]) -> String {
    let open: Vec<&JobRow> =
        all.iter().filter(|other| other.stage < job.stage && !other.over()).collect();
    match open.as_slice() {
        [] => "is about to be queued".to_owned(),
        [only] => format!("waits for the job {} of the stage {}", only.name, only.stage_name),
        [first, .., last] if first.stage == last.stage => {
            format!("waits for {} jobs of the stage {}", open.len(), first.stage_name)
        }
        [first, ..] => {
            format!("waits for {} jobs of the stages from {} on", open.len(), first.stage_name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queued_job_says_what_is_missing() {
        let says = |workers, slots, busy| queued(&Capacity { workers, slots, busy });
        assert_eq!(says(0, 0, 0), "waits for a worker: none is connected");
        assert_eq!(says(2, 6, 6), "waits for a slot: all 6 are busy");
        assert_eq!(says(1, 1, 1), "waits for the only slot: it is busy");
        assert_eq!(says(1, 4, 1), "waits to be claimed: 3 of 4 slots are free");
    }
}
