//! `env`: what makes cells of the matrix, and the variables of each job.

use std::collections::HashSet;
use std::rc::Rc;

use crate::language::{Entry, FileIndex, Node, Severity, Span, Value};

use super::same::Id;
use super::work::Work;

/// Most that the variables of all jobs may weigh: `env.global` stands in front of each, and many
/// rows of a long one would be a bomb.
const MAX_WEIGHT: usize = 48 * 1024 * 1024;
/// What a node weighs besides its text, in bytes.
const NODE: usize = 300;

/// The `env` of the file.
pub(super) struct Env<'a> {
    global: Option<&'a [Node]>,
    /// Each makes a cell, in its own place.
    pub(super) rows: Vec<&'a Node>,
    /// Do the rows tell jobs from one another? Not if all there is are global variables.
    pub(super) is_axis: bool,
    /// What a row of `jobs.include` has that says nothing of its own.
    first: Option<&'a Node>,
    span: Span,
}

impl<'a> Env<'a> {
    pub(super) fn read(work: &Work<'a>) -> Self {
        let none = Span { start: 0, end: 0, line: 1, column: 1, file: FileIndex::MAIN };
        let Some(env) = work.root("env") else {
            return Self {
                global: None,
                rows: Vec::new(),
                is_axis: false,
                first: None,
                span: none,
            };
        };
        let part = |key: &str| env.get(key).filter(|node| !super::keys::is_hollow(node));
        let jobs = match &env.value {
            Value::Map(_) => part("jobs"),
            Value::List(_) => Some(env),
            Value::Scalar { .. } => None,
        };
        let rows: Vec<&Node> = jobs.map_or(vec![env], |jobs| jobs.items().iter().collect());
        let is_axis = jobs.is_some() || part("global").is_none();
        let first = jobs.and_then(|jobs| jobs.items().first());
        Self { global: part("global").map(Node::items), rows, is_axis, first, span: env.span }
    }

    /// Would giving each of `rows` jobs its variables take too much room? Then it has been said.
    pub(super) fn is_too_heavy(&self, work: &mut Work<'_>, rows: usize) -> bool {
        let global: usize = self.global.unwrap_or_default().iter().map(weight).sum();
        let all = global.saturating_mul(rows);
        if all <= MAX_WEIGHT {
            return false;
        }
        let message = format!(
            "`env.global` in front of {rows} rows of variables makes about {} MiB; at most {} MiB",
            all >> 20,
            MAX_WEIGHT >> 20
        );
        let help = "give long values in a file of the repo instead";
        work.say(Severity::Error, "too-many-variables", ("env.global", self.span), message, help);
        true
    }

    /// All variables of a job whose own are `own`; none: it has none at all.
    pub(super) fn of_job(&self, work: &mut Work<'_>, own: Option<&Node>) -> Option<Rc<Node>> {
        let given = own.or(self.first);
        if given.is_none() && self.global.is_none() {
            return None;
        }
        let span = given.map_or(self.span, |node| node.span);
        let mut vars = Vec::new();
        given.into_iter().for_each(|node| flatten(node, &mut vars));
        let mut seen = HashSet::new();
        let all = self.global.unwrap_or_default().iter().cloned().chain(vars);
        let nodes = all.filter(|node| seen.insert(work.same.of(node))).collect();
        Some(Rc::new(Node { value: Value::List(nodes), span }))
    }

    pub(super) fn global_ids(&self, work: &mut Work<'_>) -> HashSet<Id> {
        self.global.unwrap_or_default().iter().map(|node| work.same.of(node)).collect()
    }
}

fn weight(node: &Node) -> usize {
    match &node.value {
        Value::Scalar { text, .. } => NODE + text.len(),
        Value::List(nodes) => NODE + nodes.iter().map(weight).sum::<usize>(),
        Value::Map(entries) => {
            let inside = |entry: &Entry| NODE + entry.key.len() + weight(&entry.value);
            NODE + entries.iter().map(inside).sum::<usize>()
        }
    }
}

/// The variables of a row: a list of maps, whatever its shape. What is global stands apart.
fn flatten(node: &Node, vars: &mut Vec<Node>) {
    match &node.value {
        Value::List(nodes) => nodes.iter().for_each(|node| flatten(node, vars)),
        Value::Map(entries) => {
            let own: Vec<Entry> =
                entries.iter().filter(|entry| entry.key != "global").cloned().collect();
            if !own.is_empty() {
                vars.push(Node { value: Value::Map(own), span: node.span });
            }
        }
        Value::Scalar { .. } if node.is_null() => {}
        Value::Scalar { .. } => vars.push(node.clone()),
    }
}
