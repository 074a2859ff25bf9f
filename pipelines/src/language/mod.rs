//! The language of `.ci.yml`: text to tree, with every problem found at once.

mod diagnostic;
mod dialect;
mod json;
mod keys;
mod lint;
mod parse;
pub(crate) mod schema;
mod source;
mod tree;

pub use diagnostic::{Diagnostic, FileIndex, Severity, Span};
pub use dialect::Dialect;
pub(crate) use keys::{KeyCheck, join, nearest};
pub use lint::lint;
pub(crate) use lint::{check_keys, read};
pub(crate) use parse::Weight;
pub use parse::{MAX_BYTES, MAX_DEPTH, MAX_NODES, MAX_TEXT, Parsed, count_events, parse};
pub use schema::{Key, ROOT_KEYS, Shape, Status};
pub use source::{MAX_DIAGNOSTICS, Source, tell};
pub(crate) use source::{conceal, part_of};
pub use tree::{Entry, Node, Value};
