//! Maps with known keys, and what may be written for them.

use super::Work;
use super::fits::fits;
use super::scalars::{self, Kind, kind, map, plain, single};
use super::words::truth;
use crate::language::{Entry, Node, Value};
use crate::schema::{Also, Map, Shape};

impl Work {
    pub(super) fn map(&mut self, table: &'static Map, node: &Node) -> Node {
        let mut node = match kind(node) {
            Kind::Map => self.keys(table, node),
            _ => node.clone(),
        };
        match table.also {
            Also::Caches => node = self.caches(table, &node),
            Also::Enabled => node = self.enabled(table, node),
            Also::Nothing | Also::Inherited(_) => {}
        }
        if let Some(full) = self.prefixed(table, &node) {
            return full;
        }
        if let Some(first) = self.first(Shape::Map(table), &node) {
            return first;
        }
        if let Also::Inherited(keys) = table.also {
            node = self.inherited(table, keys, node);
        }
        self.values(table, node)
    }

    /// Each value in its key's shape.
    fn values(&mut self, table: &'static Map, mut node: Node) -> Node {
        if kind(&node) != Kind::Map {
            return node;
        }
        let Value::Map(entries) = &mut node.value else { return node };
        for entry in entries.iter_mut() {
            if let Some(key) = table.find(&entry.key) {
                let shape = table.shape(key);
                let step = entry.key.clone();
                entry.value = self.within(step, |work| work.change(shape, &entry.value));
            }
        }
        node
    }

    /// The full spelling of a shorter one: `x` is `{only: x}`, and `{a: b, except: c}` is
    /// `{only: {a: b}, except: c}`; if that makes sense.
    fn prefixed(&mut self, table: &'static Map, node: &Node) -> Option<Node> {
        let prefix = table.prefix?;
        let kind = kind(node);
        let excluded = prefix.text_only && kind != Kind::Text;
        if excluded
            || !scalars::is_given(node)
            || node.get(prefix.key).is_some() && kind == Kind::Map
        {
            return None;
        }
        let full = if kind == Kind::Map {
            let (known, other): (Vec<Entry>, Vec<Entry>) =
                node.entries().iter().cloned().partition(|entry| table.find(&entry.key).is_some());
            if other.is_empty() {
                return None;
            }
            let key_span = other.first().map_or(node.span, |entry| entry.key_span);
            let value = map(other, node.span);
            let mut entries = vec![Entry { key: prefix.key.to_owned(), key_span, value }];
            entries.extend(known);
            map(entries, node.span)
        } else {
            single(prefix.key, node.clone())
        };
        self.attempt(|work| {
            let changed = work.map(table, &full);
            fits(Shape::Map(table), &changed).then_some(changed)
        })
    }

    /// `true` is `{enabled: true}`, and `{disabled: true}` is `{enabled: false}`.
    fn enabled(&mut self, table: &'static Map, node: Node) -> Node {
        let has_switch = table.find("enabled").is_some();
        let span = node.span;
        match kind(&node) {
            Kind::Bool | Kind::Number if has_switch => single("enabled", node),
            Kind::Text if has_switch => {
                let switch = self.boolean(&node);
                if kind(&switch) == Kind::Bool { single("enabled", switch) } else { node }
            }
            Kind::Map if node.get("disabled").is_some() => {
                let truth_of = |key: &str| {
                    let text = node.get(key)?.text()?;
                    Some(truth(text) == Some("true"))
                };
                let on = truth_of("enabled").or(truth_of("disabled").map(|off| !off));
                let mut entries: Vec<Entry> = Vec::new();
                for entry in node.entries() {
                    match entry.key.as_str() {
                        "disabled" if node.get("enabled").is_some() => {}
                        "disabled" | "enabled" => {
                            let value = plain(
                                if on == Some(true) { "true" } else { "false" },
                                entry.value.span,
                            );
                            entries.push(Entry {
                                key: "enabled".to_owned(),
                                value,
                                ..entry.clone()
                            });
                        }
                        _ => entries.push(entry.clone()),
                    }
                }
                map(entries, span)
            }
            _ => node,
        }
    }

    /// `keys` are put into each map inside that has none of its own.
    fn inherited(
        &mut self,
        table: &'static Map,
        keys: &'static [&'static str],
        node: Node,
    ) -> Node {
        if kind(&node) != Kind::Map {
            return node;
        }
        let span = node.span;
        let Value::Map(entries) = node.value else { return node };
        let (given, mut rest): (Vec<Entry>, Vec<Entry>) =
            entries.into_iter().partition(|entry| keys.contains(&entry.key.as_str()));
        let given: Vec<Entry> = given
            .into_iter()
            .filter_map(|entry| {
                let shape = table.shape(table.find(&entry.key)?);
                let step = entry.key.clone();
                let value = self.within(step, |work| work.change(shape, &entry.value));
                Some(Entry { value, ..entry })
            })
            .collect();
        for entry in &mut rest {
            if let Some(key) = table.find(&entry.key)
                && !matches!(kind(&entry.value), Kind::Map | Kind::List)
            {
                let shape = table.shape(key);
                let step = entry.key.clone();
                entry.value = self.within(step, |work| work.change(shape, &entry.value));
            }
            match &mut entry.value.value {
                Value::Map(inner) => inherit(inner, &given),
                Value::List(nodes) => nodes.iter_mut().for_each(|node| {
                    if let Value::Map(inner) = &mut node.value {
                        inherit(inner, &given);
                    }
                }),
                Value::Scalar { .. } => {}
            }
        }
        map(rest, span)
    }
}

fn inherit(inner: &mut Vec<Entry>, given: &[Entry]) {
    for entry in given {
        if !inner.iter().any(|own| own.key == entry.key) {
            inner.push(entry.clone());
        }
    }
}
