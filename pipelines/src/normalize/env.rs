//! Variables: `A=1 B="x y"`, maps, and lists of both.

use super::Work;
use super::change::flat;
use super::scalars::{self, Kind, kind, list, map, text};
use super::words::as_text;
use crate::language::{Entry, Node, Span, Value};
use crate::plan::quote;

impl Work {
    /// Rows of variables: each a map.
    pub(super) fn env(&mut self, node: &Node) -> Node {
        let nodes = match &node.value {
            Value::List(nodes) => flat(nodes.clone()),
            Value::Scalar { .. } | Value::Map(_) => vec![node.clone()],
        };
        if let [only] = nodes.as_slice()
            && !scalars::is_given(only)
            && kind(node) != Kind::List
        {
            return node.clone();
        }
        list(nodes.iter().map(|row| self.row(row)).collect(), node.span)
    }

    fn row(&mut self, node: &Node) -> Node {
        match kind(node) {
            Kind::Map => self.variables(node),
            Kind::Nothing => map(Vec::new(), node.span),
            Kind::Text => self.assigned(node),
            Kind::Bool | Kind::Number => as_text(node),
            Kind::Secure | Kind::List => node.clone(),
        }
    }

    fn variables(&mut self, node: &Node) -> Node {
        let value = |entry: &Entry| Entry { value: as_text(&entry.value), ..entry.clone() };
        map(node.entries().iter().map(value).collect(), node.span)
    }

    fn assigned(&mut self, node: &Node) -> Node {
        let written = node.text().unwrap_or_default();
        let pairs = match pairs(written) {
            Ok(pairs) => pairs,
            Err(open) => {
                let severity = self.passed_over();
                let message = format!("{} has a `{open}` without its partner", quote(written));
                let help = "close it, or put a `\\` before it";
                self.say(severity, "bad-variable", node.span, message, help);
                Vec::new()
            }
        };
        let mut entries: Vec<Entry> = Vec::new();
        for (name, value) in pairs {
            let entry = Entry { key: name, key_span: node.span, value: text(value, node.span) };
            match entries.iter_mut().find(|other| other.key == entry.key) {
                Some(other) => other.value = entry.value,
                None => entries.push(entry),
            }
        }
        map(entries, whole(node))
    }
}

fn whole(node: &Node) -> Span {
    node.span
}

/// Names and values; quotes stay, since a shell will read them. The quote that is left open.
fn pairs(written: &str) -> Result<Vec<(String, String)>, char> {
    let mut pairs = Vec::new();
    for word in split(written.trim())? {
        // All of it in quotes: what is inside is the pair.
        let inner = word.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let word = inner.unwrap_or(&word);
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        if !name.is_empty() {
            pairs.push((name.to_owned(), value.to_owned()));
        }
    }
    Ok(pairs)
}

/// The words of a shell: blanks inside quotes, `$(…)` and `${…}` belong to them.
fn split(written: &str) -> Result<Vec<String>, char> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote: Option<char> = None;
    let mut parens: Vec<char> = Vec::new();
    let mut letters = written.chars().peekable();
    while let Some(letter) = letters.next() {
        let inside = quote.is_some() || !parens.is_empty();
        match letter {
            '\\' if quote != Some('\'') => {
                word.push(letter);
                word.extend(letters.next());
                continue;
            }
            '"' | '\'' | '`' if quote == Some(letter) => quote = None,
            '"' | '\'' | '`' if quote.is_none() => quote = Some(letter),
            '$' if quote.is_none() && matches!(letters.peek(), Some('(' | '{')) => {
                parens.push(if letters.peek() == Some(&'(') { ')' } else { '}' });
                word.push(letter);
                word.extend(letters.next());
                continue;
            }
            _ if quote.is_none() && parens.last() == Some(&letter) => {
                parens.pop();
            }
            _ if letter.is_whitespace() && !inside => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                continue;
            }
            _ => {}
        }
        word.push(letter);
    }
    if !word.is_empty() {
        words.push(word);
    }
    quote.map_or(Ok(words), Err)
}
