//! What the stories share: scratch databases, and waiting with a deadline.

mod database;
mod poll;

pub use database::Database;
pub use poll::until;
