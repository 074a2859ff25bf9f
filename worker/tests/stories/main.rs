//! Stories of a worker: real engine, real git, and a server that follows a script.

mod builds;
mod fixture;
mod git_server;
mod images;
mod jobs;
mod limits;
mod phases;
mod planning;
mod remotes;
mod repository;
mod room;
mod server;
mod services;
mod weather;
