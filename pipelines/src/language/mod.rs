//! The language of `.ci.yml`: text to tree, with every problem found at once.

mod diagnostic;
mod dialect;
mod json;
mod nearest;
mod parse;
mod read;
mod source;
mod tree;

pub use diagnostic::{Diagnostic, FileIndex, Severity, Span};
pub use dialect::Dialect;
pub(crate) use nearest::nearest;
pub(crate) use parse::Weight;
pub use parse::{MAX_BYTES, MAX_DEPTH, MAX_NODES, MAX_TEXT, Parsed, parse};
pub(crate) use read::read;
pub use source::{MAX_DIAGNOSTICS, Source, tell};
pub(crate) use source::{conceal, part_of};
pub(crate) use tree::join;
pub use tree::{Entry, Node, Value};
