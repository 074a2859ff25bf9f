//! Does a value have a shape?

use super::scalars::{Kind, kind};
use crate::language::Node;
use crate::schema::{Map, Shape, providers};

/// Nothing fits everywhere but where a secret is wanted.
pub(super) fn fits(shape: Shape, node: &Node) -> bool {
    let kind = kind(node);
    if kind == Kind::Nothing {
        return !matches!(shape, Shape::Secure);
    }
    match shape {
        Shape::Text | Shape::Template | Shape::Condition | Shape::Word(_) => kind == Kind::Text,
        Shape::Duration => matches!(kind, Kind::Text | Kind::Number),
        Shape::Bool => kind == Kind::Bool,
        Shape::Number => kind == Kind::Number,
        Shape::Secure => matches!(kind, Kind::Text | Kind::Secure),
        Shape::List(element) => {
            kind == Kind::List && node.items().iter().all(|item| fits(*element, item))
        }
        Shape::Map(map) => kind == Kind::Map && fits_map(map, node),
        Shape::Free(value) => {
            kind == Kind::Map && node.entries().iter().all(|entry| fits(*value, &entry.value))
        }
        Shape::OneOf(shapes) => shapes.iter().any(|shape| fits(*shape, node)),
        Shape::Env => kind == Kind::List && node.items().iter().all(fits_row),
        Shape::Deploy => {
            kind == Kind::Map
                && provider(node).is_some_and(|provider| fits_map(&provider.map, node))
        }
        Shape::Anything => true,
    }
}

fn fits_map(map: &Map, node: &Node) -> bool {
    node.entries().iter().all(|entry| match map.find(&entry.key) {
        Some(key) => fits(map.shape(key), &entry.value),
        None => map.open || is_free(&entry.key),
    })
}

/// Values of variables are texts, booleans, numbers or secrets.
fn fits_row(row: &Node) -> bool {
    match kind(row) {
        Kind::Secure => true,
        Kind::Map => row.entries().iter().all(|entry| {
            let reserved = ["global", "jobs", "matrix"];
            !reserved.iter().any(|word| entry.key.starts_with(word))
                && !matches!(kind(&entry.value), Kind::List | Kind::Map)
        }),
        Kind::Nothing | Kind::Bool | Kind::Number | Kind::Text | Kind::List => false,
    }
}

/// Keys that start with `_` or `.` hold anchors by convention and mean nothing.
pub(super) fn is_free(key: &str) -> bool {
    key.starts_with(['_', '.'])
}

/// The provider that a deploy names exactly.
pub(super) fn provider(node: &Node) -> Option<&'static crate::schema::Provider> {
    let name = node.get("provider").unwrap_or(node).text()?;
    providers().find(|provider| provider.name == name)
}
