//! The life of a run.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Rejected;
use super::ready::Verdict;

/// Where a run is. The stored word is [`RunState::word`]; the evidence lies beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RunState {
    /// Its file is being read and compiled.
    Planning,
    /// Planned; no job has started.
    Queued,
    /// A job has started.
    Running {
        /// When the first job started.
        started_at: DateTime<Utc>,
    },
    /// Every required job passed.
    Passed,
    /// A required job failed.
    Failed,
    /// The file is bad, or a required job could not be done.
    Errored {
        /// One sentence.
        reason: String,
    },
    /// Somebody canceled it.
    Canceled {
        /// One sentence: who or what.
        reason: String,
    },
    /// There was nothing to do.
    Skipped {
        /// One sentence.
        reason: String,
    },
}

/// What can happen to a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEvent {
    /// The file compiled to at least one job.
    Planned,
    /// The file could not be read or has errors.
    PlanErrored {
        /// One sentence.
        reason: String,
    },
    /// The file compiled to no job.
    NothingToDo {
        /// One sentence.
        reason: String,
    },
    /// A worker began the run's first job.
    JobStarted {
        /// When.
        at: DateTime<Utc>,
    },
    /// No job is left that could still change the verdict.
    JobsDone {
        /// What the jobs came to.
        verdict: Verdict,
    },
    /// Somebody canceled it.
    Cancel {
        /// One sentence.
        reason: String,
    },
}

impl RunState {
    /// The word that is stored and shown.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Planning => "planning",
            Self::Queued => "queued",
            Self::Running { .. } => "running",
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Errored { .. } => "errored",
            Self::Canceled { .. } => "canceled",
            Self::Skipped { .. } => "skipped",
        }
    }

    /// Nothing changes it any more.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        match self {
            Self::Planning | Self::Queued | Self::Running { .. } => false,
            Self::Passed
            | Self::Failed
            | Self::Errored { .. }
            | Self::Canceled { .. }
            | Self::Skipped { .. } => true,
        }
    }

    /// The sentence that explains the state, where it has one.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Errored { reason } | Self::Canceled { reason } | Self::Skipped { reason } => {
                Some(reason)
            }
            Self::Planning | Self::Queued | Self::Running { .. } | Self::Passed | Self::Failed => {
                None
            }
        }
    }

    /// The state after `event`.
    ///
    /// # Errors
    /// [`Rejected`] if a run in this state can not take it; terminal states take nothing.
    pub fn apply(&self, event: RunEvent) -> Result<Self, Rejected> {
        match (self, event) {
            (Self::Planning, RunEvent::Planned) => Ok(Self::Queued),
            (Self::Planning, RunEvent::PlanErrored { reason }) => Ok(Self::Errored { reason }),
            (Self::Planning, RunEvent::NothingToDo { reason }) => Ok(Self::Skipped { reason }),
            (Self::Queued, RunEvent::JobStarted { at }) => Ok(Self::Running { started_at: at }),
            // A run can end without a job ever starting: all of them canceled or skipped.
            (Self::Queued | Self::Running { .. }, RunEvent::JobsDone { verdict }) => {
                Ok(match verdict {
                    Verdict::Passed => Self::Passed,
                    Verdict::Failed => Self::Failed,
                    Verdict::Errored { reason } => Self::Errored { reason },
                    Verdict::Canceled { reason } => Self::Canceled { reason },
                })
            }
            (Self::Planning | Self::Queued | Self::Running { .. }, RunEvent::Cancel { reason }) => {
                Ok(Self::Canceled { reason })
            }
            (state, event) => {
                Err(Rejected { what: "run", state: state.word(), event: format!("{event:?}") })
            }
        }
    }
}
