//! What jobs and workers count where memory is shared out.

use crate::db::claims::Wanted;
use crate::db::workers::Held;
use slipway_pipelines::wire::Lane;

/// More than any machine has.
const ANY: i32 = i32::MAX;

/// A size as the queue knows it, in MiB: rounded down to one of sixteen steps from each power of two
/// to the next. So there are few queues, whatever sizes people write; what a job may use stays what
/// it asked for.
pub(crate) fn rounded_mib(bytes: u64) -> i32 {
    let mib = (bytes >> 20).max(1);
    let spare = mib.ilog2().saturating_sub(4);
    i32::try_from((mib >> spare) << spare).unwrap_or(ANY)
}

/// What a worker with this much room can take. One that does not count its memory takes all.
pub(crate) fn wanted(lane: Lane, held: &Held, room_bytes: Option<u64>) -> Wanted {
    let anything = Wanted { lane, requires: vec![String::new()], room: ANY, whole: ANY, usual: 0 };
    match lane {
        // Planning needs no engine and hardly any memory.
        Lane::Plan => anything,
        Lane::Job => {
            let labels = held.labels.iter().cloned();
            let requires = std::iter::once(String::new()).chain(labels).collect();
            let sizes = held.memory_bytes.and_then(|whole| u64::try_from(whole).ok());
            let Some(whole) = sizes else { return Wanted { requires, ..anything } };
            let room = room_bytes.unwrap_or(whole);
            // Not rounded: a job that wants all of it is to fit.
            let mib = |bytes: u64| i32::try_from(bytes >> 20).unwrap_or(ANY);
            let usual = mib(whole) / held.slots.max(1);
            Wanted { lane, requires, room: mib(room), whole: mib(whole), usual }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_down_by_less_than_a_sixteenth() {
        for (bytes, mib) in [(0, 1), (6 << 20, 6), (1 << 30, 1024), (31 << 20, 31), (33 << 20, 32)]
        {
            assert_eq!(rounded_mib(bytes), mib, "{bytes}");
        }
        for mib in 1..100_000_u64 {
            let rounded = u64::try_from(rounded_mib(mib << 20)).expect("it is positive");
            assert!(
                rounded <= mib && mib < rounded + rounded.div_ceil(16).max(1),
                "{mib} {rounded}"
            );
        }
        assert_eq!(rounded_mib(u64::MAX), i32::MAX);
    }

    #[test]
    fn a_worker_shares_its_memory_out_among_the_jobs_that_do_not_say() {
        let held = Held {
            due: false,
            draining: false,
            labels: vec!["arch=amd64".to_owned()],
            memory_bytes: Some(8 << 30),
            slots: 4,
        };
        let some = wanted(Lane::Job, &held, Some(3 << 30));
        assert_eq!((some.room, some.whole, some.usual), (3072, 8192, 2048));
        assert_eq!(some.requires, ["", "arch=amd64"]);
        assert_eq!(wanted(Lane::Job, &held, None).room, 8192, "none of its jobs runs");
        assert_eq!(wanted(Lane::Plan, &held, Some(0)).requires, [""]);
        let older = wanted(Lane::Job, &Held { memory_bytes: None, ..held }, Some(1));
        assert_eq!((older.room, older.usual), (i32::MAX, 0));
    }
}
