//! Stories of a worker: real engine, real git, and a server that follows a script.

mod builds;
mod commits;
mod fixture;
mod git_server;
mod images;
mod jobs;
mod limits;
mod phases;
mod planning;
#[path = "../deploys/registry_server.rs"]
mod registry_server;
mod remotes;
mod repository;
mod server;
mod services;
mod snapshots;
mod warm;
mod weather;
