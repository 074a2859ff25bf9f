//! From the tree as it was written to the configuration: the same tree with every key under its
//! own name and every value in its full shape (TRAVIS_SEMANTICS §3), and with everything that is
//! to be said of it. All of it by the one table in [`crate::schema`].
//!
//! Two passes, as in Travis: `change` brings values into shape and never loses any, `settle`
//! drops what is empty and says what is wrong.

mod caches;
mod change;
mod defaults;
mod env;
mod fits;
mod hints;
mod keys;
mod maps;
mod nearest;
mod scalars;
mod settle;
mod words;

use crate::language::{Diagnostic, Dialect, Node, Severity, Span};
use crate::schema::{ROOT, Shape};

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
    let mut work =
        Work { dialect: options.dialect, found: Vec::new(), path: Vec::new(), searches: 0 };
    let root = scalars::canonical(root);
    let mut config = work.change(Shape::Map(&ROOT), &root);
    if options.defaults {
        defaults::fill(&mut config, options.dialect);
    }
    let config = work.settle_root(config);
    Normalized { config, found: work.found }
}

/// Normalising, as it goes on.
#[derive(Debug)]
struct Work {
    dialect: Dialect,
    found: Vec<Diagnostic>,
    /// The keys that lead here, as they are called in the configuration.
    path: Vec<String>,
    /// Searches for the word that a slip may have meant, so far.
    searches: usize,
}

impl Work {
    fn say(
        &mut self,
        severity: Severity,
        code: &str,
        span: Span,
        message: String,
        help: impl Into<String>,
    ) {
        let path = self.path.join(".").replace(".[", "[");
        self.found.push(Diagnostic::about(severity, code, span, message).at(path).help(help));
    }

    fn warn(&mut self, code: &str, span: Span, message: String, help: impl Into<String>) {
        self.say(Severity::Warning, code, span, message, help);
    }

    /// How bad a value is that Travis passes over: a file that worked there works here.
    fn passed_over(&self) -> Severity {
        match self.dialect {
            Dialect::Ci => Severity::Error,
            Dialect::Travis => Severity::Warning,
        }
    }

    /// Does `work` one key further in.
    fn within<T>(&mut self, step: String, work: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step);
        let done = work(self);
        self.path.pop();
        done
    }
}
