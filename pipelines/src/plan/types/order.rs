//! When a job runs, and how often.

use serde::{Deserialize, Serialize};

use crate::ids::JobNumber;
use crate::names::EnvironmentName;

/// A job's place beside the other jobs of its run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Order {
    /// `needs`: the jobs that must have passed before it starts. None is in a later stage, and no
    /// two jobs need each other.
    pub needs: Vec<JobNumber>,
    /// `parallel`: which of the copies it is.
    pub copy: Option<ParallelCopy>,
    /// `retry`: when it is tried again.
    pub retry: Option<RetryPolicy>,
    /// `environment`: the deploy environment that it changes.
    pub environment: Option<EnvironmentName>,
}

/// One of the copies that `parallel: N` makes. It finds both numbers in `CI_NODE_INDEX` and
/// `CI_NODE_TOTAL`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParallelCopy {
    /// From 1.
    pub index: u32,
    /// How many there are.
    pub total: u32,
}

/// `retry:`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// How often it is tried again, at most.
    pub max: u32,
    /// After which ends; never empty.
    pub when: Vec<RetryWhen>,
}

/// What a job is tried again after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryWhen {
    /// Its worker or its machine failed, not its commands.
    Infrastructure,
    /// Its script failed.
    Failed,
    /// A command of its script ended with this code.
    ExitCode(u8),
}

/// `concurrency:` of a file: runs of one group take turns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concurrency {
    /// Whose turn it is: text in which `$NAME` stands for the run's variables.
    pub group: super::Template,
    /// What a new run does to an older one of its group.
    pub cancel: CancelOlder,
}

/// `concurrency.cancel`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelOlder {
    /// `false`: it waits for it.
    #[default]
    Never,
    /// `queued`: it takes the place of one that has not started.
    Queued,
    /// `running`: it ends it.
    Running,
}
