//! Commits, by the git program: one mirror for each repo, never a hook, never a prompt.

mod command;
mod mirror;

pub(crate) use mirror::{CommitInfo, Mirrors};
