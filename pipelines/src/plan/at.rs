//! Places of the configuration: a node, its path, and the keys of a job.

use std::collections::HashMap;

use crate::language::{Entry, Node, Span, Value, join};
use crate::matrix::Job;

/// A node and the path that leads to it.
#[derive(Clone, Debug)]
pub(super) struct At<'n> {
    pub(super) node: &'n Node,
    pub(super) path: String,
    /// What is underlined.
    pub(super) span: Span,
}

impl<'n> At<'n> {
    pub(super) fn new(node: &'n Node, path: String) -> Self {
        Self { node, path, span: node.span }
    }

    /// The value of `key`, unless it is null: that is as if it were not written.
    pub(super) fn get(&self, key: &str) -> Option<Self> {
        let node = self.node.get(key).filter(|node| !node.is_null())?;
        Some(Self::new(node, join(&self.path, key)))
    }

    /// The value of the first of `keys` that is there.
    pub(super) fn first_of(&self, keys: &[&str]) -> Option<Self> {
        keys.iter().find_map(|key| self.get(key))
    }

    /// The elements; anything but a list stands for a list of itself. Nulls are passed over.
    pub(super) fn items(&self) -> Vec<Self> {
        match &self.node.value {
            Value::List(nodes) => nodes
                .iter()
                .enumerate()
                .filter(|(_, node)| !node.is_null())
                .map(|(index, node)| Self::new(node, format!("{}[{index}]", self.path)))
                .collect(),
            Value::Scalar { .. } | Value::Map(_) => vec![self.clone()],
        }
    }

    pub(super) fn entries(&self) -> &'n [Entry] {
        self.node.entries()
    }

    /// The entry as a place: its key is what is underlined.
    pub(super) fn key(&self, entry: &'n Entry) -> Self {
        let path = join(&self.path, &entry.key);
        Self { node: &entry.value, path, span: entry.key_span }
    }

    pub(super) fn is_map(&self) -> bool {
        matches!(self.node.value, Value::Map(_))
    }

    pub(super) fn is_list(&self) -> bool {
        matches!(self.node.value, Value::List(_))
    }

    /// The key that it is the value of, for sentences.
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('.').next().unwrap_or_default()
    }
}

/// The keys of a job, or those of the file that no job has.
#[derive(Debug)]
pub(super) struct Keys<'n>(HashMap<&'n str, At<'n>>);

impl<'n> Keys<'n> {
    pub(super) fn of_job(job: &'n Job) -> Self {
        let at = |(key, node): (&'n String, &'n std::rc::Rc<Node>)| {
            (key.as_str(), At::new(node, job.path_of(key)))
        };
        Self(job.config.iter().map(at).collect())
    }

    pub(super) fn of_entries(at: &At<'n>, entries: impl Iterator<Item = &'n Entry>) -> Self {
        let at = |entry: &'n Entry| {
            (entry.key.as_str(), At::new(&entry.value, join(&at.path, &entry.key)))
        };
        Self(entries.map(at).collect())
    }

    /// The value of `key`, unless it is null: that is as if it were not written.
    pub(super) fn get(&self, key: &str) -> Option<At<'n>> {
        self.0.get(key).filter(|at| !at.node.is_null()).cloned()
    }

    /// Its text, if it is one; of a list its first.
    pub(super) fn text(&self, key: &str) -> Option<&'n str> {
        self.0.get(key)?.node.items().first().and_then(Node::text)
    }
}
