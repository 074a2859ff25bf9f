//! The worker acts: the only room that knows the container engine and the deploy targets. It
//! never sees Postgres, nor a secret of a job that it is not running.

mod client;
pub mod deploy;
pub mod image;
pub mod log;
