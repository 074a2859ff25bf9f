//! Where more is to be read of a key.

use crate::schema::{Key, Map, ROOT, Shape, providers};

/// The page about the key at a path like `jobs.include[1].addons.apt`: that of the innermost key
/// that is known. Of our own keys it is a section of the reference, `docs/ci-yml.md`.
#[must_use]
pub fn doc_of(path: &str) -> Option<String> {
    let mut shape = Shape::Map(&ROOT);
    let mut found: Vec<&Key> = Vec::new();
    for part in path.split('.') {
        let name = part.split('[').next().unwrap_or_default();
        let Some(key) = look(shape, name) else { break };
        found.push(key);
        shape = key.shape;
    }
    let innermost = found.last()?;
    if !found.iter().any(|key| key.own) {
        return Some(innermost.doc.to_owned());
    }
    // A row's keys are told where those of a job are; a key that holds no map, in its table.
    let rows = found.iter().take_while(|key| matches!(key.name, "jobs" | "include")).count();
    let mut names: Vec<&str> = found[rows..].iter().map(|key| key.name).collect();
    if !holds_a_map(innermost.shape) {
        names.pop();
    }
    let section = if names.is_empty() { "Slipway's own keys".to_owned() } else { names.join(".") };
    Some(format!("docs/ci-yml.md#{}", anchor(&section)))
}

fn holds_a_map(shape: Shape) -> bool {
    match shape {
        Shape::Map(_) => true,
        Shape::List(element) | Shape::Free(element) => holds_a_map(*element),
        Shape::OneOf(shapes) => shapes.iter().any(|shape| holds_a_map(*shape)),
        _ => false,
    }
}

/// As a heading of this name is linked to.
pub(super) fn anchor(name: &str) -> String {
    name.chars()
        .filter(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-' | ' '))
        .map(|letter| if letter == ' ' { '-' } else { letter.to_ascii_lowercase() })
        .collect()
}

/// The key of this name in a value of this shape.
fn look(shape: Shape, name: &str) -> Option<&'static Key> {
    match shape {
        Shape::Map(map) => known(map, name),
        Shape::List(element) => look(*element, name),
        Shape::OneOf(shapes) => shapes.iter().find_map(|shape| look(*shape, name)),
        Shape::Deploy => {
            let mut providers = providers();
            providers.find_map(|provider| known(&provider.map, name))
        }
        _ => None,
    }
}

fn known(map: &Map, name: &str) -> Option<&'static Key> {
    map.keys().find(|key| key.name == name || key.aliases.contains(&name))
}
