//! Stories of a worker: real engine, real git, and a server that follows a script.

mod builds;
mod fixture;
mod jobs;
mod limits;
mod server;
mod services;
mod weather;
