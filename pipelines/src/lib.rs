//! What a Slipway run *is*: ids and names, the language of `.ci.yml`
//! and its conditions, the plan it compiles to,
//! the lifecycle of runs, jobs and deployments, and the messages between server and worker.
//!
//! This room is pure: no runtime, no network, no database, no file system and no clock. Times
//! enter as arguments, so every rule here can be tested as a function.

pub mod condition;
pub mod ids;
pub mod imports;
pub mod language;
pub mod lifecycle;
pub mod matrix;
pub mod names;
pub mod normalize;
pub mod plan;
pub mod schema;
pub mod wire;
