//! What a run without a server tells.

use std::path::PathBuf;

use slipway_pipelines::ids::JobNumber;
use slipway_pipelines::lifecycle::JobState;
use slipway_pipelines::wire::{AttemptEvent, BlobFile, TestReport};

/// Something happened. Of one job, all comes in order: an event stands where it was between the
/// bytes of the log.
#[derive(Clone, Debug)]
pub enum News {
    /// A job's state changed.
    Job {
        /// Which.
        job: JobNumber,
        /// To what.
        state: JobState,
    },
    /// A step began or ended, an image was found, a service changed.
    Event {
        /// In which job.
        job: JobNumber,
        /// What.
        event: AttemptEvent,
    },
    /// The log goes on with these bytes.
    Log {
        /// Of which job.
        job: JobNumber,
        /// They; not cut at lines or characters.
        bytes: Vec<u8>,
    },
    /// What a job's reports say of its tests.
    Tests {
        /// Which.
        job: JobNumber,
        /// They.
        report: TestReport,
    },
    /// A job made an artifact.
    Artifact(Artifact),
    /// The containers of a job that did not pass stay.
    Kept(KeptJob),
}

/// Files that a job leaves for people.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// Which job.
    pub job: JobNumber,
    /// Its name.
    pub name: String,
    /// What is in it.
    pub files: Vec<BlobFile>,
    /// Where it lies; none: it was not asked for, and is gone.
    pub at: Option<PathBuf>,
}

/// A job that can be looked into after its end.
#[derive(Clone, Debug)]
pub struct KeptJob {
    /// Which job.
    pub job: JobNumber,
    /// Its container first, then those of its services.
    pub containers: Vec<String>,
    /// The network that they are on.
    pub network: String,
    /// The work tree in its container.
    pub folder: String,
}
