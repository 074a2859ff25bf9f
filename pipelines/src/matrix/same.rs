//! What is the same, wherever it stands in the text: maps whatever the order of their keys.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::rc::Rc;

use crate::language::{Entry, Node, Value};

use super::Job;

/// Equal for values that are the same, and only for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Id(usize);

/// Numbers for values. Each part of the file is written out once, however many jobs share it.
#[derive(Debug, Default)]
pub(super) struct Sameness {
    texts: HashMap<String, Id>,
    /// By address. The node is kept, so that its address is never another's.
    known: HashMap<*const Node, (Rc<Node>, Id)>,
}

impl Sameness {
    pub(super) fn of(&mut self, node: &Node) -> Id {
        let mut text = String::new();
        write(node, &mut text);
        self.of_text(text)
    }

    pub(super) fn of_shared(&mut self, node: &Rc<Node>) -> Id {
        if let Some((_, id)) = self.known.get(&Rc::as_ptr(node)) {
            return *id;
        }
        let id = self.of(node);
        self.known.insert(Rc::as_ptr(node), (Rc::clone(node), id));
        id
    }

    pub(super) fn of_text(&mut self, text: String) -> Id {
        let next = Id(self.texts.len());
        *self.texts.entry(text).or_insert(next)
    }

    /// Leaves the first of jobs that are the same.
    pub(super) fn unique(&mut self, jobs: &mut Vec<Job>) {
        let mut seen = HashSet::new();
        jobs.retain(|job| {
            let ids = job
                .config
                .iter()
                .map(|(key, node)| (self.of_text(format!("key {key}")), self.of_shared(node)));
            let mut ids: Vec<(Id, Id)> = ids.collect();
            ids.sort_unstable();
            seen.insert((ids, job.allow_failure))
        });
    }
}

/// In one spelling, no text of which can be mistaken for another's.
fn write(node: &Node, out: &mut String) {
    match &node.value {
        Value::Scalar { .. } if node.is_null() => out.push('~'),
        Value::Scalar { text, plain } => {
            let _ = write!(out, "{}{}:{text}", if *plain { 'p' } else { 'q' }, text.len());
        }
        Value::List(nodes) => {
            out.push('[');
            nodes.iter().for_each(|node| write(node, out));
            out.push(']');
        }
        Value::Map(entries) => {
            let mut sorted: Vec<&Entry> = entries.iter().collect();
            sorted.sort_by(|one, other| one.key.cmp(&other.key));
            out.push('{');
            for entry in sorted {
                let _ = write!(out, "{}:{}=", entry.key.len(), entry.key);
                write(&entry.value, out);
            }
            out.push('}');
        }
    }
}
