//! From the work tree to the objects that are to be applied. Nothing here asks the cluster.

mod documents;
mod files;
mod images;
mod variables;

pub(super) use documents::{Document, documents, store};
pub(super) use files::{Source, pick};
pub(super) use images::{Overrides, pinned};
pub(super) use variables::{Variables, fill};
