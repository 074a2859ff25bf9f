//! How a worker introduces itself and asks for work.

use serde::{Deserialize, Serialize};

use crate::ids::WorkerId;
use crate::names::WorkerLabel;

use super::SecretText;

/// Raised with every change that an older peer could not read.
pub const PROTOCOL_VERSION: u32 = 3;

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
    /// What is true of it: what its operator says (`gpu`) and its own facts (`arch=arm64`). None
    /// from a worker that is older than labels.
    #[serde(default)]
    pub labels: Vec<WorkerLabel>,
    /// The memory that its jobs may use together; none: it does not know.
    #[serde(default)]
    pub memory_bytes: Option<u64>,
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
    /// How much of its memory no job of its own has, where some run; none: all of it, or it does not
    /// count. Since it changes with each job that ends, such a claim is answered sooner than others.
    #[serde(default)]
    pub room_bytes: Option<u64>,
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
