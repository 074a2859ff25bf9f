//! Commits, by the git program: one mirror for each repo, never a hook, never a prompt.

mod access;
mod changed;
mod command;
mod explain;
mod folder;
mod gather;
mod mirror;
mod named;
mod pack;
mod pull;
mod submodules;
mod tree;

pub(crate) use folder::{Folder, FolderRequest};
pub(crate) use mirror::{CommitInfo, Mirrors};
pub(crate) use pack::{Extra, Pieces, pack_all, pack_one};
pub(crate) use tree::{Packed, TreeRequest, WorkTree};
