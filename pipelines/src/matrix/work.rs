//! What all rules share: the configuration, what was found, what it has cost.

use std::collections::HashMap;
use std::rc::Rc;

use crate::condition::Facts;
use crate::language::{Diagnostic, Dialect, Node, Severity, Span};

use super::conditions::If;
use super::same::Sameness;
use super::{Dropped, Options};

/// One expansion on its way.
pub(super) struct Work<'a> {
    pub(super) config: &'a Node,
    pub(super) options: Options<'a>,
    pub(super) found: Vec<Diagnostic>,
    pub(super) dropped: Vec<Dropped>,
    pub(super) same: Sameness,
    /// What conditions have cost so far.
    pub(super) spent: usize,
    /// What is known of the run, once it was asked for.
    pub(super) run: Option<Facts>,
    /// Conditions of jobs, by the address of a node that is kept.
    pub(super) conditions: HashMap<*const Node, (Rc<Node>, Option<Rc<If>>)>,
}

impl<'a> Work<'a> {
    pub(super) fn new(config: &'a Node, options: Options<'a>) -> Self {
        Self {
            config,
            options,
            found: Vec::new(),
            dropped: Vec::new(),
            same: Sameness::default(),
            spent: 0,
            run: None,
            conditions: HashMap::new(),
        }
    }

    /// The value of a key of the file, if it is more than blanks.
    pub(super) fn root(&self, key: &str) -> Option<&'a Node> {
        self.config.get(key).filter(|node| !super::keys::is_hollow(node))
    }

    /// The value of a key of `jobs:`.
    pub(super) fn of_jobs(&self, key: &str) -> &'a [Node] {
        let node = self.config.get("jobs").and_then(|jobs| jobs.get(key));
        node.filter(|node| !node.is_null()).map(Node::items).unwrap_or_default()
    }

    pub(super) fn say(
        &mut self,
        severity: Severity,
        code: &str,
        (path, span): (&str, Span),
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let diagnostic = Diagnostic::about(severity, code, span, message.into());
        self.found.push(diagnostic.at(path).help(help));
    }

    /// How bad a value is that Travis passes over: a file that worked there works here.
    pub(super) fn passed_over(&self) -> Severity {
        match self.options.dialect {
            Dialect::Ci => Severity::Error,
            Dialect::Travis => Severity::Warning,
        }
    }
}
