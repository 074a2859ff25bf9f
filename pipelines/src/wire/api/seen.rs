//! Which secrets a commit saw (S9): what somebody asks who has to know what to replace.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{AttemptId, RunId};

/// The secrets that the runs of one commit were given, the newest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SeenSecrets {
    /// One per attempt and value.
    pub seen: Vec<SeenSecret>,
    /// There are older ones, which are not listed.
    pub more: bool,
}

/// One value that one attempt was given. The value itself is never told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SeenSecret {
    /// The secret's name.
    pub name: String,
    /// The value is still the one that jobs get: whoever read it can use it until it is replaced.
    pub current: bool,
    /// The run's id inside.
    pub run_id: RunId,
    /// The run's number.
    pub run: i32,
    /// The job's number.
    pub job: Option<i32>,
    /// The attempt's id inside.
    pub attempt_id: AttemptId,
    /// Which try of the job, or of its deploy.
    pub attempt: i32,
    /// The worker that it was sent to.
    pub worker: String,
    /// When it was sent.
    pub at: DateTime<Utc>,
}
