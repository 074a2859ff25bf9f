//! Stories of a worker: real engine, real git, and a server that follows a script.

mod builds;
mod engine;
mod engine_bench;
mod engine_escapes;
mod engine_registry;
mod fixture;
mod git_server;
mod images;
mod jobs;
mod limits;
mod phases;
mod planning;
mod remotes;
mod repository;
mod server;
mod services;
mod weather;
