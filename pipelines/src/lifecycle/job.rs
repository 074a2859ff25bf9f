//! The life of a job and of its attempts.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Rejected;
use crate::ids::{AttemptNumber, WorkerId};
use crate::wire::JobOutcome;

/// Where a job is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum JobState {
    /// Something before it is not done.
    Waiting,
    /// Any worker may take it.
    Queued,
    /// A worker has it.
    Running {
        /// Which try: the fence of every write.
        attempt: AttemptNumber,
        /// Who has it.
        worker: WorkerId,
        /// When this try started.
        started_at: DateTime<Utc>,
    },
    /// Its script passed and its deploys went well.
    Passed,
    /// A command of its script failed: the user's code.
    Failed {
        /// One sentence: the first failing command.
        reason: String,
    },
    /// It could not be done: the set-up, not the code.
    Errored {
        /// One sentence.
        reason: String,
    },
    /// Somebody canceled it.
    Canceled {
        /// One sentence.
        reason: String,
    },
    /// It was never started.
    Skipped {
        /// One sentence.
        reason: String,
    },
}

/// What can happen to a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobEvent {
    /// Everything before it is done.
    BecameReady,
    /// A worker claimed it.
    Claimed {
        /// The new try's number.
        attempt: AttemptNumber,
        /// Who.
        worker: WorkerId,
        /// When.
        at: DateTime<Utc>,
    },
    /// The worker fell silent or gave it back; it may be tried again.
    AttemptLost {
        /// Which try was lost.
        attempt: AttemptNumber,
    },
    /// The attempt ended, and the file wants another one after such an end.
    TryAgain {
        /// Which try ended.
        attempt: AttemptNumber,
    },
    /// The worker reported the end.
    Finished {
        /// Which try.
        attempt: AttemptNumber,
        /// What it came to.
        outcome: JobOutcome,
    },
    /// The server gives up on it: tries used up, or a deploy whose end is unknown.
    GiveUp {
        /// One sentence.
        reason: String,
    },
    /// Somebody canceled it.
    Cancel {
        /// One sentence.
        reason: String,
    },
    /// What it waits for will never come.
    Skip {
        /// One sentence.
        reason: String,
    },
}

/// Where one attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptState {
    /// A worker holds its lease.
    Running,
    /// It ended well.
    Passed,
    /// The user's code failed.
    Failed,
    /// The set-up failed.
    Errored,
    /// It was canceled.
    Canceled,
    /// The worker fell silent.
    Lost,
}

impl AttemptState {
    /// The word that is stored and shown.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Errored => "errored",
            Self::Canceled => "canceled",
            Self::Lost => "lost",
        }
    }
}

impl JobState {
    /// The word that is stored and shown.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Queued => "queued",
            Self::Running { .. } => "running",
            Self::Passed => "passed",
            Self::Failed { .. } => "failed",
            Self::Errored { .. } => "errored",
            Self::Canceled { .. } => "canceled",
            Self::Skipped { .. } => "skipped",
        }
    }

    /// Nothing changes it any more.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        match self {
            Self::Waiting | Self::Queued | Self::Running { .. } => false,
            Self::Passed
            | Self::Failed { .. }
            | Self::Errored { .. }
            | Self::Canceled { .. }
            | Self::Skipped { .. } => true,
        }
    }

    /// The sentence that explains the state, where it has one.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Failed { reason }
            | Self::Errored { reason }
            | Self::Canceled { reason }
            | Self::Skipped { reason } => Some(reason),
            Self::Waiting | Self::Queued | Self::Running { .. } | Self::Passed => None,
        }
    }

    /// The state after `event`.
    ///
    /// # Errors
    /// [`Rejected`] if a job in this state can not take it: terminal states take nothing, and an
    /// event of another attempt than the running one is stale.
    pub fn apply(&self, event: JobEvent) -> Result<Self, Rejected> {
        match (self, event) {
            (Self::Waiting, JobEvent::BecameReady) => Ok(Self::Queued),
            (Self::Waiting, JobEvent::Skip { reason }) => Ok(Self::Skipped { reason }),
            (Self::Queued, JobEvent::Claimed { attempt, worker, at }) => {
                Ok(Self::Running { attempt, worker, started_at: at })
            }
            (
                Self::Running { attempt: current, .. },
                JobEvent::AttemptLost { attempt } | JobEvent::TryAgain { attempt },
            ) if *current == attempt => Ok(Self::Queued),
            (Self::Running { attempt: current, .. }, JobEvent::Finished { attempt, outcome })
                if *current == attempt =>
            {
                Ok(match outcome {
                    JobOutcome::Passed => Self::Passed,
                    JobOutcome::Failed { reason } => Self::Failed { reason },
                    JobOutcome::Errored { reason } => Self::Errored { reason },
                    JobOutcome::Canceled { reason } => Self::Canceled { reason },
                })
            }
            (Self::Queued | Self::Running { .. }, JobEvent::GiveUp { reason }) => {
                Ok(Self::Errored { reason })
            }
            (Self::Waiting | Self::Queued | Self::Running { .. }, JobEvent::Cancel { reason }) => {
                Ok(Self::Canceled { reason })
            }
            (state, event) => {
                Err(Rejected { what: "job", state: state.word(), event: format!("{event:?}") })
            }
        }
    }
}
