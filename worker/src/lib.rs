//! The worker: acts. The only room that knows the container engine and the deploy targets.
//!
//! It dials in to a server, claims assignments and executes each in its own sandbox. What it
//! knows of a job is the plan that travels with the assignment; what it says goes back as events,
//! log bytes and one outcome.

pub mod deploy;
pub mod image;
pub mod log;
