//! What to write instead, in words that name what is there.

use crate::language::{Entry, Node};
use crate::schema::{Map, Shape, View};

/// More would be no sentence.
const MOST: usize = 8;

/// For a value of the wrong shape.
pub(super) fn instead(shape: Shape, takes: &str, node: &Node) -> String {
    match shape {
        Shape::Map(table) if table.view == View::Plain => {
            format!("write a map; {}", keys_of(table))
        }
        Shape::Map(_) => "write a map: `script: make`".to_owned(),
        Shape::List(_) if !node.entries().is_empty() => {
            format!("write {takes}; each entry begins with `- `")
        }
        _ => format!("write {takes}"),
    }
}

/// For a key that nobody knows.
pub(super) fn unknown(table: &Map, entry: &Entry) -> String {
    let holds = |key: &str| entry.value.get(key).is_some();
    // Other products name jobs by keys.
    if table.find("include").is_some() && (holds("script") || holds("stage") || holds("image")) {
        let name = &entry.key;
        return format!("write the job as a row: `include: [{{name: {name}, script: …}}]`");
    }
    match table.view {
        View::Plain if table.keys().next().is_some() => keys_of(table),
        View::Plain
        | View::Top
        | View::Include
        | View::Exclude
        | View::AllowFailures
        | View::On => "leave it out; a key that only holds an anchor may start with `_`".to_owned(),
    }
}

fn keys_of(table: &Map) -> String {
    let names: Vec<String> = table.keys().map(|key| format!("`{}`", key.name)).collect();
    let rest = if names.len() > MOST { " and others" } else { "" };
    format!("its keys are {}{rest}", names[..names.len().min(MOST)].join(", "))
}
