//! `cache: [bundler, some/folder]`

use super::Work;
use super::scalars::{Kind, kind, list, map, plain, text};
use crate::language::{Entry, Node, Span, Value};
use crate::schema::{Map, Shape};

impl Work {
    /// Names of switches and folders are the map that has them.
    pub(super) fn caches(&mut self, table: &'static Map, node: &Node) -> Node {
        match kind(node) {
            Kind::Text => self.named_cache(table, node),
            Kind::List => caches(table, node),
            _ => node.clone(),
        }
    }

    fn named_cache(&mut self, table: &'static Map, node: &Node) -> Node {
        let Some(written) = node.text() else { return node.clone() };
        let known: Vec<&str> = switches(table).filter(|name| *name != "edge").collect();
        let name = match known.iter().find(|name| **name == written) {
            Some(name) => *name,
            None => match self.nearest(written, &known) {
                Some(near) => {
                    let message = format!("{} is read as `{near}`", crate::plan::quote(written));
                    self.warn("repaired-value", node.span, message, format!("write `{near}`"));
                    near
                }
                None => return node.clone(),
            },
        };
        map(vec![switch(name, node.span)], node.span)
    }
}

fn switches(table: &'static Map) -> impl Iterator<Item = &'static str> {
    table.keys().filter(|key| matches!(key.shape, Shape::Bool)).map(|key| key.name)
}

fn switch(name: &str, span: Span) -> Entry {
    Entry { key: name.to_owned(), key_span: span, value: plain("true", span) }
}

fn caches(table: &'static Map, node: &Node) -> Node {
    let Value::List(nodes) = &node.value else { return node.clone() };
    let mut entries: Vec<Entry> = Vec::new();
    let mut folders: Vec<Node> = Vec::new();
    let mut put = |entry: Entry| match entries.iter_mut().find(|other| other.key == entry.key) {
        Some(other) => other.value = entry.value,
        None => entries.push(entry),
    };
    for item in super::change::flat(nodes.clone()) {
        match (kind(&item), item.text()) {
            (Kind::Text, Some(word)) => match switches(table).find(|name| *name == word) {
                Some(name) => put(switch(name, item.span)),
                None => folders.push(item),
            },
            (Kind::Map, _) => {
                for entry in item.entries() {
                    if entry.key == "directories" || entry.key == "directory" {
                        folders.extend(entry.value.items().iter().cloned());
                    } else {
                        put(entry.clone());
                    }
                }
            }
            (Kind::Number | Kind::Bool, Some(word)) => folders.push(text(word, item.span)),
            _ => {}
        }
    }
    if let Some(first) = folders.first() {
        let span = first.span;
        put(Entry { key: "directories".to_owned(), key_span: span, value: list(folders, span) });
    }
    map(entries, node.span)
}
