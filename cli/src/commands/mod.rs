//! The commands.

pub(crate) mod artifacts;
mod attempts;
pub(crate) mod bench;
mod blob_settings;
pub(crate) mod cache;
pub(crate) mod deploy;
mod dialect;
pub(crate) mod doctor;
pub(crate) mod down;
mod github_settings;
pub(crate) mod hook;
pub(crate) mod import;
mod imports;
pub(crate) mod init;
pub(crate) mod job;
pub(crate) mod lint;
pub(crate) mod login;
pub(crate) mod plan;
pub(crate) mod repo;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod secret;
pub(crate) mod server;
mod stop;
pub(crate) mod trigger;
pub(crate) mod up;
pub(crate) mod worker;
