//! Where pushes come from: the forge, and bare repositories on this machine.

pub(crate) mod bare;
mod checks;
mod client;
mod credential;
pub(crate) mod deployments;
mod error;
pub mod events;
mod heads;
mod hooks;
mod markdown;
pub(crate) mod oauth;
pub(crate) mod payloads;
pub(crate) mod people;
pub(crate) mod reports;
mod repos;
pub mod skip_mark;
pub(crate) mod statuses;

pub use client::Github;
pub use error::GithubError;
pub(crate) use hooks::Webhook;
pub use repos::ForgeRepo;
