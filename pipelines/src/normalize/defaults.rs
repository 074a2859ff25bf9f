//! What holds where nothing is written.

use super::scalars::{self, list, text};
use crate::language::{Dialect, Entry, Node, Value};

/// Fills in `language`, `os` and `dist`.
pub(super) fn fill(config: &mut Node, dialect: Dialect) {
    let span = config.span;
    let missing = |config: &Node, key: &str| config.get(key).is_none_or(scalars::is_missing);
    let only_apple =
        config.get("os").is_some_and(|os| os.items().iter().all(|os| os.text() == Some("osx")));
    let language = match dialect {
        Dialect::Travis if only_apple => Some("objective-c"),
        // An image says all that a language would.
        Dialect::Ci if config.get("image").is_some() => None,
        _ => Some(dialect.default_language()),
    };
    if let Some(language) = language.filter(|_| missing(config, "language")) {
        put(config, "language", text(language, span));
    }
    if missing(config, "os") {
        let language = config.get("language").and_then(Node::text);
        let system = if language == Some("objective-c") { "osx" } else { "linux" };
        put(config, "os", list(vec![text(system, span)], span));
    }
    let on_linux = config.get("os").is_some_and(|os| {
        os.items().iter().any(|os| matches!(os.text(), Some("linux" | "linux-ppc64le")))
    });
    if dialect == Dialect::Travis && on_linux && missing(config, "dist") {
        put(config, "dist", text("focal", span));
    }
}

fn put(config: &mut Node, key: &str, value: Node) {
    let Value::Map(entries) = &mut config.value else { return };
    let entry = Entry { key: key.to_owned(), key_span: value.span, value };
    match entries.iter_mut().find(|other| other.key == key) {
        Some(other) => *other = entry,
        None => entries.push(entry),
    }
}
