//! What an error answer carries.

use serde::{Deserialize, Serialize};

/// What every error answer of the worker API carries (RFC 9457 `application/problem+json`).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Problem {
    /// A few words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// One sentence for the reader.
    pub detail: String,
    /// Finds the log line that has the cause.
    #[serde(default)]
    pub request_id: Option<String>,
}
