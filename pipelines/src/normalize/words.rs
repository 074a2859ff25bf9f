//! Scalars are brought into the shape that is wanted.

use super::Work;
use super::scalars::{Kind, kind, plain, text};
use crate::language::{Node, Span};
use crate::plan::quote;
use crate::schema::Words;

const YES: &[&str] = &["true", "on", "yes", "enabled", "required"];
const NO: &[&str] = &["false", "off", "no", "disabled", "not required"];

impl Work {
    /// A boolean for the words that mean one; anything else as it is.
    pub(super) fn boolean(&mut self, node: &Node) -> Node {
        let Some(word) = node.text().filter(|_| kind(node) == Kind::Text) else {
            return node.clone();
        };
        if let Some(value) = truth(word) {
            return plain(value, node.span);
        }
        let bare: String = word.chars().filter(|c| c.is_alphanumeric() || *c == '_').collect();
        let known: Vec<&str> = YES.iter().chain(NO).copied().collect();
        if bare != word
            && let Some(value) = truth(&bare)
        {
            return plain(value, node.span);
        }
        let Some(near) = self.nearest(&bare, &known) else { return node.clone() };
        self.repaired_value(word, near, node.span);
        plain(truth(near).unwrap_or("false"), node.span)
    }

    /// One of the words, if it is another spelling of one.
    pub(super) fn word(&mut self, words: &Words, node: &Node) -> Node {
        let Some(given) = node.text().filter(|_| kind(node) == Kind::Text) else {
            return node.clone();
        };
        let given = if words.downcase { given.to_lowercase() } else { given.to_owned() };
        let is_known = |word: &str| words.values.iter().any(|value| value.name == word);
        if is_known(&given) {
            return text(given, node.span);
        }
        let alias = words.values.iter().find(|value| value.aliases.contains(&given.as_str()));
        if let Some(value) = alias {
            return text(value.name, node.span);
        }
        let first = given.lines().next().unwrap_or_default();
        if is_known(first) {
            return text(first, node.span);
        }
        // `redis:6` is a word and its version, for who reads it.
        if words.open && first.contains(':') {
            return text(first, node.span);
        }
        let known: Vec<&str> = words.values.iter().map(|value| value.name).collect();
        let near = match super::keys::is_stopped(first) {
            true => None,
            false => self.nearest(first, &known),
        };
        let near = near.or_else(|| cleaned(first, &known));
        match near {
            Some(near) => {
                self.repaired_value(&given, near, node.span);
                text(near, node.span)
            }
            None => text(first, node.span),
        }
    }

    fn repaired_value(&mut self, written: &str, meant: &str, span: Span) {
        let message = format!("{} is read as `{meant}`", quote(written));
        self.warn("repaired-value", span, message, format!("write `{meant}`"));
    }
}

/// `true` or `false` for a word that means it.
pub(super) fn truth(word: &str) -> Option<&'static str> {
    match word {
        _ if YES.contains(&word) => Some("true"),
        _ if NO.contains(&word) => Some("false"),
        _ => None,
    }
}

/// `node_js - 9` is `node_js`.
fn cleaned<'k>(given: &str, known: &[&'k str]) -> Option<&'k str> {
    let part = given.split_whitespace().next().unwrap_or_default();
    let letters =
        |text: &str, keep: fn(&char) -> bool| text.chars().filter(keep).collect::<String>();
    let all = letters(given, |c| c.is_alphanumeric() || *c == '_').to_lowercase();
    let small = letters(part, |c| c.is_ascii_lowercase());
    known.iter().find(|word| [part, &all, &small].contains(word)).copied()
}

/// A text for a boolean or a number.
pub(super) fn as_text(node: &Node) -> Node {
    match (kind(node), node.text()) {
        (Kind::Bool | Kind::Number, Some(written)) => text(written, node.span),
        _ => node.clone(),
    }
}

/// A number for a text of digits.
pub(super) fn as_number(node: &Node) -> Node {
    let Some(written) = node.text().filter(|_| kind(node) == Kind::Text) else {
        return node.clone();
    };
    let digits = written.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let number =
        written.strip_prefix('0').filter(|rest| !rest.is_empty() && !rest.starts_with('.'));
    let number = number.map_or(written, |_| written.trim_start_matches('0'));
    let number = if number.is_empty() { "0" } else { number };
    match serde_json::from_str::<serde_json::Number>(number) {
        Ok(_) if digits => plain(number, node.span),
        _ => node.clone(),
    }
}
