//! The memory of a worker, and what its jobs have of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use slipway_pipelines::wire::{Assignment, Work};

/// Shared by the claims and the jobs that run. Jobs are few, so there is no queue in here: who finds
/// no room is told so by the server, which has the queue.
#[derive(Clone, Debug)]
pub(super) struct Room {
    /// All that its jobs may use together, in bytes; none: it does not count.
    whole: Option<u64>,
    /// What a job counts that does not say what it wants: an equal share.
    usual: u64,
    used: Arc<AtomicU64>,
}

/// A job's part, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    bytes: u64,
    used: Arc<AtomicU64>,
}

impl Room {
    /// Of a worker with so much memory for so many jobs at once.
    pub(super) fn new(whole: Option<u64>, slots: u32) -> Self {
        let usual = whole.unwrap_or(0) / u64::from(slots.max(1));
        Self { whole, usual, used: Arc::default() }
    }

    /// What no job has now; none: all of it, or it does not count.
    pub(super) fn left(&self) -> Option<u64> {
        match self.used.load(Ordering::Acquire) {
            0 => None,
            used => self.whole.map(|whole| whole.saturating_sub(used)),
        }
    }

    /// Sets aside what the job counts: what its file asks for, as far as the operator gives it.
    pub(super) fn take(&self, assignment: &Assignment) -> Share {
        let bytes = match &assignment.work {
            Work::Plan(_) => 0,
            Work::Deploy(_) => self.usual,
            Work::Job(job) => match job.plan.machine.resources.memory {
                Some(_) => job.limits.memory_bytes,
                None => self.usual,
            },
        };
        self.used.fetch_add(bytes, Ordering::AcqRel);
        Share { bytes, used: Arc::clone(&self.used) }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.used.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}
