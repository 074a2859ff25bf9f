//! The language of `.ci.yml`: text to tree, with every problem found at once.

mod diagnostic;
mod dialect;
mod json;
mod keys;
mod lint;
mod not_yaml;
mod other_products;
mod parse;
pub(crate) mod schema;
mod source;
mod tree;

pub use diagnostic::{Diagnostic, Severity, Span};
pub use dialect::Dialect;
pub(crate) use keys::{KeyCheck, join, nearest};
pub(crate) use lint::examine;
pub use lint::lint;
pub use parse::{MAX_BYTES, MAX_DEPTH, MAX_NODES, MAX_TEXT, Parsed, parse};
pub use schema::{Key, ROOT_KEYS, Shape, Status};
pub(crate) use source::conceal;
pub use source::{MAX_DIAGNOSTICS, Source};
pub use tree::{Entry, Node, Value};
