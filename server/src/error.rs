//! How a step of the flow can fail, as far as a caller acts on the difference.

use slipway_pipelines::lifecycle::Rejected;

/// Why the flow did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// A stale attempt tried to write: 409, and the worker drops it.
    #[error("the attempt is no longer current")]
    Fenced,
    /// There is no such thing, or the caller may not know of it.
    #[error("there is no such thing")]
    NotFound,
    /// Something before this is missing.
    #[error("there is a gap after {length}")]
    Gap {
        /// How far what is stored reaches.
        length: u64,
    },
    /// It can not be done now; the sentence says why.
    #[error("{0}")]
    Conflict(String),
    /// They may not; the sentence says what it takes: 403.
    #[error("{0}")]
    Forbidden(String),
    /// A limit is reached; the sentence says which: 413.
    #[error("{0}")]
    TooLarge(String),
    /// What is said makes no sense; the sentence says why: 422.
    #[error("{0}")]
    Invalid(String),
    /// Where the bytes are kept can not be read or written now: 503, and the job goes on.
    #[error("the store of caches and artifacts is away")]
    StoreAway(#[source] object_store::Error),
    /// Postgres can not be reached or asked to try again: 503, and the caller tries again.
    #[error("the database is away")]
    Away(#[source] sqlx::Error),
    /// A bug, or a broken row.
    #[error("{0:#}")]
    Internal(anyhow::Error),
}

impl From<sqlx::Error> for FlowError {
    fn from(error: sqlx::Error) -> Self {
        let away = match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => true,
            sqlx::Error::Database(database) => {
                // 08: connection; 53: resources (disk full, too many connections); 57P0x: shutdown
                // and crash; 40: deadlock or serialisation, where another try is the remedy.
                let code = database.code().unwrap_or_default();
                ["08", "53", "57P0", "40"].iter().any(|class| code.starts_with(class))
            }
            _ => false,
        };
        if away { Self::Away(error) } else { Self::Internal(error.into()) }
    }
}

impl From<anyhow::Error> for FlowError {
    fn from(error: anyhow::Error) -> Self {
        Self::Internal(error)
    }
}

impl From<serde_json::Error> for FlowError {
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(error.into())
    }
}

impl From<Rejected> for FlowError {
    fn from(rejected: Rejected) -> Self {
        Self::Conflict(rejected.to_string())
    }
}

impl From<slipway_pipelines::names::InvalidName> for FlowError {
    fn from(error: slipway_pipelines::names::InvalidName) -> Self {
        Self::Internal(error.into())
    }
}

impl From<crate::access::NoRole> for FlowError {
    /// Of a stored row: what a caller says is read where it comes in.
    fn from(error: crate::access::NoRole) -> Self {
        Self::Internal(error.into())
    }
}
