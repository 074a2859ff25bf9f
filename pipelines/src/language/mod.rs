//! The language of `.ci.yml`: text to tree, with every problem found at once.

mod diagnostic;
mod lint;
mod parse;
mod schema;
mod source;
mod tree;

pub use diagnostic::{Diagnostic, Severity, Span};
pub use lint::lint;
pub use parse::{MAX_BYTES, MAX_DEPTH, MAX_NODES, Parsed, parse};
pub use schema::{Key, ROOT_KEYS, Shape};
pub use source::{MAX_DIAGNOSTICS, Source};
pub use tree::{Entry, Node, Value};
