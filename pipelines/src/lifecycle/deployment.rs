//! The life of a deployment.

use serde::{Deserialize, Serialize};

use super::Rejected;

/// Where a deployment is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum DeploymentState {
    /// Another deployment of the environment runs, or an approval is missing.
    Waiting,
    /// It may start.
    Approved,
    /// The target is being changed.
    Running,
    /// The target was changed; the verdict rules are being watched.
    Verifying,
    /// It is what the environment runs, and stayed healthy.
    Live,
    /// It did not become healthy, and nothing of it serves.
    Failed {
        /// One sentence.
        reason: String,
    },
    /// It did not become healthy; the version before it serves again (or still).
    RolledBack {
        /// One sentence.
        reason: String,
    },
    /// Its worker was lost in the middle: a `verify` will find out.
    Unknown {
        /// One sentence.
        reason: String,
    },
    /// A newer one took its place before it started.
    Superseded {
        /// One sentence.
        reason: String,
    },
}

/// What can happen to a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeploymentEvent {
    /// Its turn came, and nobody has to approve it (or somebody did).
    Approve,
    /// A worker began to change the target.
    Start,
    /// The target took the change.
    Applied,
    /// The verdict rules held through the soak.
    Verified,
    /// It did not become healthy.
    Fail {
        /// One sentence.
        reason: String,
    },
    /// It did not become healthy, and the version before it serves.
    RollBack {
        /// One sentence.
        reason: String,
    },
    /// Its worker was lost.
    Lose {
        /// One sentence.
        reason: String,
    },
    /// A newer one takes its place.
    Supersede {
        /// One sentence.
        reason: String,
    },
}

impl DeploymentState {
    /// The word that is stored and shown.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Running => "running",
            Self::Verifying => "verifying",
            Self::Live => "live",
            Self::Failed { .. } => "failed",
            Self::RolledBack { .. } => "rolled_back",
            Self::Unknown { .. } => "unknown",
            Self::Superseded { .. } => "superseded",
        }
    }

    /// Nothing changes it any more. `unknown` is not terminal: a `verify` settles it.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        match self {
            Self::Live
            | Self::Failed { .. }
            | Self::RolledBack { .. }
            | Self::Superseded { .. } => true,
            Self::Waiting
            | Self::Approved
            | Self::Running
            | Self::Verifying
            | Self::Unknown { .. } => false,
        }
    }

    /// The sentence that explains the state, where it has one.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Failed { reason }
            | Self::RolledBack { reason }
            | Self::Unknown { reason }
            | Self::Superseded { reason } => Some(reason),
            Self::Waiting | Self::Approved | Self::Running | Self::Verifying | Self::Live => None,
        }
    }

    /// The state after `event`.
    ///
    /// # Errors
    /// [`Rejected`] if a deployment in this state can not take it.
    pub fn apply(&self, event: DeploymentEvent) -> Result<Self, Rejected> {
        match (self, event) {
            (Self::Waiting, DeploymentEvent::Approve) => Ok(Self::Approved),
            (Self::Waiting | Self::Approved, DeploymentEvent::Supersede { reason }) => {
                Ok(Self::Superseded { reason })
            }
            (Self::Approved, DeploymentEvent::Start) => Ok(Self::Running),
            (Self::Running, DeploymentEvent::Applied) => Ok(Self::Verifying),
            (Self::Verifying | Self::Unknown { .. }, DeploymentEvent::Verified) => Ok(Self::Live),
            (
                Self::Waiting
                | Self::Approved
                | Self::Running
                | Self::Verifying
                | Self::Unknown { .. },
                DeploymentEvent::Fail { reason },
            ) => Ok(Self::Failed { reason }),
            (
                Self::Running | Self::Verifying | Self::Unknown { .. },
                DeploymentEvent::RollBack { reason },
            ) => Ok(Self::RolledBack { reason }),
            (Self::Running | Self::Verifying, DeploymentEvent::Lose { reason }) => {
                Ok(Self::Unknown { reason })
            }
            (state, event) => Err(Rejected {
                what: "deployment",
                state: state.word(),
                event: format!("{event:?}"),
            }),
        }
    }
}
