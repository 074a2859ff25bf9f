//! What the stories share: scratch databases, and waiting with a deadline.

mod caller;
mod database;
mod installation;
mod poll;
mod postgres;
mod process;
mod repository;

pub use caller::{Caller, Repo};
pub use database::Database;
pub use installation::{Installation, containers_of, until_some};
pub use poll::until;
pub use postgres::Postgres;
pub use process::{Process, slipway};
pub use repository::{Delivery, Repository, git};
