//! How a worker introduces itself and asks for work.

use serde::{Deserialize, Serialize};

use crate::ids::WorkerId;

use super::SecretText;

/// Raised with every change that an older peer could not read.
pub const PROTOCOL_VERSION: u32 = 2;

/// `POST /api/worker/v1/register`, with the registration token as bearer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RegisterRequest {
    /// [`PROTOCOL_VERSION`] of the worker.
    pub protocol: u32,
    /// Stable over restarts of the same worker: what it left behind is its own to clean up.
    pub worker: WorkerId,
    /// For people.
    pub name: String,
    /// Slipway's version, for people.
    pub version: String,
    /// Jobs at once.
    pub slots: u32,
    /// The engine it found, for people: `Docker 20.10.24`; none: it can only plan.
    pub engine: Option<String>,
}

/// Answer: what the worker was running before is lost now, since this is a new process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RegisterResponse {
    /// Bearer for claims.
    pub token: SecretText,
    /// Seconds until it must register again.
    pub expires_in: u64,
}

/// `POST /api/worker/v1/claim`: answered with an [`Assignment`](super::Assignment), or 204 after a while.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClaimRequest {
    /// [`PROTOCOL_VERSION`] of the worker.
    pub protocol: u32,
    /// Which kind of work it has room for: planning has its own lane and never waits behind jobs.
    pub lane: Lane,
}

/// Two lanes, so that planning never waits behind jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Reading and compiling files.
    Plan,
    /// Jobs and deploys.
    Job,
}

impl Lane {
    /// The word that is stored.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Job => "job",
        }
    }
}
