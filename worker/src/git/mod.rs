//! Commits, by the git program: one mirror for each repo, never a hook, never a prompt.

mod command;
mod mirror;
mod pack;

pub(crate) use mirror::{CommitInfo, Mirrors, TreeRequest};
pub(crate) use pack::{Extra, pack_one};
