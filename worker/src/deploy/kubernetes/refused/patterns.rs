//! Finding names in what the API says.

use regex::Regex;

use super::Said;

/// The groups of the first match.
pub(super) fn first<const N: usize>(pattern: &str, text: &str) -> Option<[String; N]> {
    let found = Regex::new(pattern).ok()?.captures(text)?;
    let groups: Vec<_> =
        (1..=N).map(|at| found.get(at).map_or("", |group| group.as_str()).to_owned()).collect();
    groups.try_into().ok()
}

/// The first group of every match, each once.
pub(super) fn all(pattern: &str, text: &str) -> Vec<String> {
    let Ok(pattern) = Regex::new(pattern) else { return Vec::new() };
    let mut found = Vec::new();
    for groups in pattern.captures_iter(text) {
        let name = groups.get(1).map_or("", |group| group.as_str()).to_owned();
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

/// The fields that the API does not know, as old and new releases say it.
pub(super) fn unknown_fields(message: &str) -> Option<String> {
    let mut fields = all(r#"unknown field "([^"]+)""#, message);
    fields.extend(all(r"(\.[^\s:]+): field not declared in schema", message));
    (!fields.is_empty()).then(|| fields.join(", "))
}

/// The message and those of its causes.
pub(super) fn with_causes(said: &Said) -> String {
    let mut text = said.message.clone();
    for (_, message) in &said.causes {
        text.push('\n');
        text.push_str(message);
    }
    text
}

/// The fields it is about.
pub(super) fn fields(said: &Said) -> String {
    let mut fields: Vec<&str> = Vec::new();
    for (field, _) in &said.causes {
        let field = field.trim_start_matches('.');
        if !field.is_empty() && !fields.contains(&field) {
            fields.push(field);
        }
    }
    match fields.len() {
        0 => "a field".to_owned(),
        1..=5 => fields.join(", "),
        more => format!("{} and {} more fields", fields[..4].join(", "), more - 4),
    }
}

/// What it says, short enough for a sentence.
pub(super) fn short(said: &Said) -> String {
    let text = said.message.trim();
    let short: String = text.chars().take(300).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}
