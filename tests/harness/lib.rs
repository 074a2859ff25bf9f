//! What the stories share: scratch databases, whole installations that may be killed, servers
//! and workers of their own, and waiting with a deadline.

pub mod aws;
mod caller;
pub mod cluster;
mod database;
pub mod github;
mod installation;
mod poll;
mod postgres;
mod process;
pub mod proxy;
mod repository;
mod s3;
pub mod server;
pub mod worker;

pub use caller::{Caller, Repo};
pub use database::Database;
pub use installation::{Installation, Settings, containers_of};
pub use poll::{eventually, until};
pub use postgres::Postgres;
pub use process::{Process, slipway};
pub use repository::{Delivery, Repository, git};
pub use s3::S3;
pub use server::Scene;
pub use worker::Worker;
