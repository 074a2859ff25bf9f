//! Values are brought into shape: the other spellings of each are turned into its full one.

use super::fits::{fits, provider};
use super::scalars::{self, Kind, kind, list};
use super::{Work, words};
use crate::language::{Node, Value};
use crate::schema::{Provider, Shape, providers};

impl Work {
    /// `node` in the shape that is wanted, as near as it comes: what does not fit stays.
    pub(super) fn change(&mut self, shape: Shape, node: &Node) -> Node {
        match shape {
            Shape::List(element) => self.list(*element, node),
            Shape::Map(map) => self.map(map, node),
            Shape::Env => self.env(node),
            Shape::Deploy => self.deploy(node),
            Shape::Free(value) => self.free(*value, node),
            Shape::OneOf(shapes) => self.one_of(shapes, node),
            Shape::Anything => node.clone(),
            Shape::Text
            | Shape::Template
            | Shape::Condition
            | Shape::Duration
            | Shape::Bool
            | Shape::Number
            | Shape::Secure
            | Shape::Word(_) => self.scalar(shape, node),
        }
    }

    fn scalar(&mut self, shape: Shape, node: &Node) -> Node {
        if let Some(first) = self.first(shape, node) {
            return first;
        }
        if !scalars::is_given(node) {
            return node.clone();
        }
        match shape {
            Shape::Bool => self.boolean(node),
            Shape::Number => words::as_number(node),
            Shape::Word(known) => self.word(known, &words::as_text(node)),
            Shape::Text | Shape::Template | Shape::Condition => words::as_text(node),
            _ => node.clone(),
        }
    }

    /// Of a list where one value is wanted, the first.
    pub(super) fn first(&mut self, shape: Shape, node: &Node) -> Option<Node> {
        let Value::List(nodes) = &node.value else { return None };
        let changed = self.attempt(|work| {
            let changed = work.change(shape, nodes.first()?);
            fits(shape, &changed).then_some(changed)
        })?;
        if nodes.len() > 1 {
            let name = self.path.last().cloned().unwrap_or_default();
            let message = format!("`{name}` takes one value; only the first is used");
            self.warn("only-first", node.span, message, "keep one");
        }
        Some(changed)
    }

    /// What is found on the way to nothing is not said.
    pub(super) fn attempt<T>(&mut self, work: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let before = self.found.len();
        let done = work(self);
        if done.is_none() {
            self.found.truncate(before);
        }
        done
    }

    fn list(&mut self, element: Shape, node: &Node) -> Node {
        let nodes = match &node.value {
            Value::List(nodes) => nodes.clone(),
            Value::Scalar { .. } | Value::Map(_) => vec![node.clone()],
        };
        let nodes = flat(nodes);
        let many = nodes.len() > 1;
        let changed = nodes.iter().enumerate().map(|(index, item)| match many {
            true => self.within(format!("[{index}]"), |work| work.change(element, item)),
            false => self.within("[0]".to_owned(), |work| work.change(element, item)),
        });
        list(changed.collect(), node.span)
    }

    fn free(&mut self, value: Shape, node: &Node) -> Node {
        if kind(node) != Kind::Map {
            return node.clone();
        }
        let mut changed = node.clone();
        if let Value::Map(entries) = &mut changed.value {
            for entry in entries {
                let key = entry.key.clone();
                entry.value = self.within(key, |work| work.change(value, &entry.value));
            }
        }
        changed
    }

    fn one_of(&mut self, shapes: &'static [Shape], node: &Node) -> Node {
        for shape in shapes {
            let fitting = self.attempt(|work| {
                let changed = work.change(*shape, node);
                fits(*shape, &changed).then_some(changed)
            });
            if let Some(changed) = fitting {
                return changed;
            }
        }
        // A map that has one wrong key is still best read as that map.
        let wanted = |shape: &&Shape| matches!(shape, Shape::Map(_));
        match shapes.iter().find(wanted) {
            Some(shape) if kind(node) == Kind::Map => self.change(*shape, node),
            _ => node.clone(),
        }
    }

    /// A provider's options are its own, so it is found first.
    fn deploy(&mut self, node: &Node) -> Node {
        match self.provider(node) {
            Some((provider, node)) => self.map(&provider.map, &node),
            None => self.map(&super::settle::ANY_PROVIDER, node),
        }
    }

    /// The provider that is meant, and the node with its name.
    fn provider(&mut self, node: &Node) -> Option<(&'static Provider, Node)> {
        if let Some(found) = provider(node) {
            return Some((found, node.clone()));
        }
        let place = node.get("provider").unwrap_or(node);
        let place = place.items().first().filter(|first| kind(first) == Kind::Text)?;
        let written = place.text()?;
        let small = written.to_lowercase();
        let alias =
            providers().find(|one| one.name == small || one.aliases.contains(&small.as_str()));
        let found = match alias {
            Some(found) => found,
            None => {
                let known: Vec<&str> = providers().map(|one| one.name).collect();
                let near = self.nearest(written, &known)?;
                let message = format!("{} is read as `{near}`", crate::plan::quote(written));
                self.warn("repaired-value", place.span, message, format!("write `{near}`"));
                providers().find(|one| one.name == near)?
            }
        };
        let name = scalars::text(found.name, place.span);
        let mut node = node.clone();
        match &mut node.value {
            Value::Map(entries) => {
                entries.iter_mut().filter(|entry| entry.key == "provider").for_each(|entry| {
                    entry.value = name.clone();
                });
            }
            Value::Scalar { .. } | Value::List(_) => node = name,
        }
        Some((found, node))
    }
}

/// Lists within a list are its own elements: that is what an alias inside a list makes.
pub(super) fn flat(nodes: Vec<Node>) -> Vec<Node> {
    if !nodes.iter().any(|node| kind(node) == Kind::List) {
        return nodes;
    }
    let inner = |node: Node| match node.value {
        Value::List(nodes) => flat(nodes),
        value => vec![Node { value, span: node.span }],
    };
    nodes.into_iter().flat_map(inner).collect()
}
