//! What is said of one key, in words.

use crate::schema::{Also, Key, Map, Place, Shape, Status, Words};

/// The value in words: `text`, `list of texts`, `map`.
pub(super) fn value(shape: Shape) -> String {
    match shape {
        Shape::Text | Shape::Template => "text".to_owned(),
        Shape::Condition => "condition".to_owned(),
        Shape::Duration => "time".to_owned(),
        Shape::Bool => "true or false".to_owned(),
        Shape::Number => "number".to_owned(),
        Shape::Secure => "text, `$NAME` of a secret".to_owned(),
        Shape::Word(words) => those(words),
        Shape::List(element) => list(*element),
        Shape::Map(map) => of_map(map),
        Shape::Free(element) => format!("map of names to: {}", value(*element)),
        Shape::OneOf([Shape::Free(each), one]) if value(**each) == value(*one) => {
            format!("{}; or a map with one for each branch", value(*one))
        }
        Shape::OneOf(shapes) => {
            let mut each: Vec<String> = shapes.iter().map(|shape| value(*shape)).collect();
            each.dedup();
            each.join("; or ")
        }
        Shape::Env => "`NAME=value`, a map, or a list of those".to_owned(),
        Shape::Deploy => "a provider with its options".to_owned(),
        Shape::Anything => "anything".to_owned(),
    }
}

fn list(element: Shape) -> String {
    match element {
        Shape::Text | Shape::Template => "texts".to_owned(),
        Shape::Secure => "texts, or `$NAME`s of secrets".to_owned(),
        Shape::Map(map) => match map.prefix {
            Some(prefix) => format!("list of maps; a text is its `{}`", prefix.key),
            None => "list of maps".to_owned(),
        },
        Shape::Deploy => "providers with their options".to_owned(),
        other => format!("list of: {}", value(other)),
    }
}

fn of_map(map: &Map) -> String {
    let mut text = "map".to_owned();
    if let Some(prefix) = map.prefix {
        text.push_str(&format!("; anything else is its `{}`", prefix.key));
    }
    match map.also {
        Also::Enabled => text.push_str("; or true or false"),
        Also::Caches => text.push_str("; or names of its switches, and folders"),
        Also::Nothing | Also::Inherited(_) => {}
    }
    text
}

/// More than these would be no cell.
const FEW: usize = 14;

fn those(words: &Words) -> String {
    if words.values.len() > FEW {
        return "a word of the list below".to_owned();
    }
    let names: Vec<String> = words.values.iter().map(|word| format!("`{}`", word.name)).collect();
    let rest = if words.open { ", or another" } else { "" };
    format!("{}{rest}", names.join(", "))
}

/// What there is to say of a key besides its meaning, each a sentence without its stop.
pub(super) fn remarks(key: &Key) -> Vec<String> {
    let mut remarks = Vec::new();
    if key.own {
        remarks.push("**Slipway**".to_owned());
    }
    match key.status {
        Status::Works => {}
        Status::NotYet => remarks.push("*no effect yet*".to_owned()),
        Status::Idle => remarks.push("*accepted, no effect here*".to_owned()),
        Status::Refused(instead) => remarks.push(format!("*not yet: {instead}*")),
    }
    if let Some(why) = key.deprecated {
        remarks.push(format!("deprecated: {why}"));
    }
    if key.matrix {
        remarks.push("a list multiplies the jobs".to_owned());
    }
    if key.required {
        remarks.push("needed".to_owned());
    }
    if let Some(default) = key.default {
        remarks.push(format!("default `{default}`"));
    }
    if !key.aliases.is_empty() {
        remarks.push(format!("also written {}", quoted(key.aliases)));
    }
    if !key.systems.is_empty() {
        remarks.push(format!("for `os: {}`", key.systems.join("`, `")));
    }
    if !key.languages.is_empty() {
        remarks.push(format!("for `language:` {}", quoted(key.languages)));
    }
    match key.place {
        Place::Everywhere | Place::TopAndInclude => {}
        Place::Top => remarks.push("at the top only".to_owned()),
        Place::Rows => remarks.push("in rows of `jobs` only".to_owned()),
        Place::Include => remarks.push("in rows of `jobs.include` only".to_owned()),
        Place::AllowFailures => remarks.push("in rows of `jobs.allow_failures` only".to_owned()),
    }
    remarks
}

/// Names as code, with commas.
pub(super) fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
