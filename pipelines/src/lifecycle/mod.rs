//! How runs, jobs and deployments change: pure transitions, `apply(state, event)`.
//!
//! A state carries its evidence; terminal is final. Whoever stores a change names the state it
//! came from, so two writers can never both win.

mod deployment;
mod job;
mod ready;
mod retry;
mod run;

pub use deployment::{DeploymentEvent, DeploymentState};
pub use job::{AttemptState, JobEvent, JobState};
pub use ready::{JobView, Readiness, Verdict, ready_jobs};
pub use retry::Ending;
pub use run::{RunEvent, RunState};

/// A transition that is not allowed: the state stays as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a {what} that is {state} can not take {event}")]
pub struct Rejected {
    /// `run`, `job` or `deployment`.
    pub what: &'static str,
    /// The word of the state it is in.
    pub state: &'static str,
    /// What was asked of it.
    pub event: String,
}
