//! The worker acts: the only room that knows the container engine and the deploy targets. It
//! never sees Postgres, nor a secret of a job that it is not running.

// A job's future holds those of every provider, and AWS' and Kubernetes' nest deeply: whether it may
// be sent to another thread is asked through more than the usual 128 levels.
#![recursion_limit = "256"]

mod client;
mod config;
pub mod deploy;
mod engine_proxy;
mod git;
mod guard;
pub mod image;
mod job;
mod local;
pub mod log;
mod operator;
mod runner;
mod sandbox;
mod script;
mod snapshots;

pub use config::{Config, DRAIN, KEEP_FAILED_MOST};
pub use guard::{Guard, Wanted};
pub use local::{Artifact, KeptJob, LocalRun, News, Stop, run_local};
pub use operator::{HostFolder, Operator};
pub use runner::{run, run_until};
pub use snapshots::{SnapshotRegistry, SnapshotSettings};
