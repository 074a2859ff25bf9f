//! The worker acts: the only room that knows the container engine and the deploy targets. It
//! never sees Postgres, nor a secret of a job that it is not running.

mod client;
mod config;
pub mod deploy;
mod git;
pub mod image;
mod job;
pub mod log;
mod runner;
mod sandbox;
mod script;

pub use config::{Config, HostFolder, Operator};
pub use runner::run;
