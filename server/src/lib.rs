//! The server decides and remembers: the only room that knows Postgres and the forge. It never
//! runs a user's code, and never parses tenant text beyond webhook JSON and the typed plan.

mod access;
pub mod config;
pub mod db;
pub mod error;
pub mod flow;
pub mod github;
pub mod http;
pub mod secrets;
mod shell_exchange;
mod start;
pub mod state;
pub mod store;
mod text;

pub use config::{Config, GithubConfig, GithubCredential, LoginConfig, MasterKey};
pub use start::{spawn_loops, start};
