//! What a scalar is: YAML 1.1 as Travis reads it.

use crate::language::{Entry, Node, Span, Value};

/// What a canonical scalar or another node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Nothing,
    Bool,
    Number,
    Text,
    /// `{secure: …}`
    Secure,
    List,
    Map,
}

pub(super) fn kind(node: &Node) -> Kind {
    match &node.value {
        Value::Scalar { plain: false, .. } => Kind::Text,
        Value::Scalar { text, plain: true } => match text.as_str() {
            "true" | "false" => Kind::Bool,
            _ if node.is_null() => Kind::Nothing,
            _ => Kind::Number,
        },
        Value::List(_) => Kind::List,
        Value::Map(entries) => match entries.as_slice() {
            [only] if only.key == "secure" => Kind::Secure,
            _ => Kind::Map,
        },
    }
}

/// Is there anything? An empty text is something.
pub(super) fn is_missing(node: &Node) -> bool {
    match &node.value {
        Value::Scalar { .. } => node.is_null(),
        Value::List(nodes) => nodes.is_empty(),
        Value::Map(entries) => entries.is_empty(),
    }
}

/// Is there something to speak of? An empty text is not.
pub(super) fn is_given(node: &Node) -> bool {
    !is_missing(node) && node.text() != Some("")
}

pub(super) fn text(text: impl Into<String>, span: Span) -> Node {
    Node { value: Value::Scalar { text: text.into(), plain: false }, span }
}

pub(super) fn plain(text: impl Into<String>, span: Span) -> Node {
    Node { value: Value::Scalar { text: text.into(), plain: true }, span }
}

pub(super) fn list(nodes: Vec<Node>, span: Span) -> Node {
    Node { value: Value::List(nodes), span }
}

pub(super) fn map(entries: Vec<Entry>, span: Span) -> Node {
    Node { value: Value::Map(entries), span }
}

/// A map of one key.
pub(super) fn single(key: &str, value: Node) -> Node {
    let span = value.span;
    map(vec![Entry { key: key.to_owned(), key_span: span, value }], span)
}

/// The same tree with its texts quoted and its booleans and numbers plain. Texts that look like
/// versions (`3.10`, `1e3`) stay as they are written, and so do words like `yes`, which are read
/// as booleans only where one is wanted.
pub(super) fn canonical(node: &Node) -> Node {
    let value = match &node.value {
        Value::Scalar { text, plain: false } => Value::Scalar { text: text.clone(), plain: false },
        Value::Scalar { text, plain: true } => scalar(text),
        Value::List(nodes) => Value::List(nodes.iter().map(canonical).collect()),
        Value::Map(entries) => Value::Map(entries.iter().map(entry).collect()),
    };
    Node { value, span: node.span }
}

/// A key may be written as a symbol of Ruby's: `:script`.
fn entry(entry: &Entry) -> Entry {
    let key = match entry.key.strip_prefix(':') {
        Some(rest) if !rest.is_empty() => rest,
        _ => &entry.key,
    };
    Entry { key: key.to_owned(), key_span: entry.key_span, value: canonical(&entry.value) }
}

fn scalar(text: &str) -> Value {
    let (text, plain) = match text {
        "" | "~" | "null" | "Null" | "NULL" => (text, true),
        "true" | "True" | "TRUE" | "Yes" | "YES" | "On" | "ON" => ("true", true),
        "false" | "False" | "FALSE" | "No" | "NO" | "Off" | "OFF" => ("false", true),
        _ if is_whole(text) => (text, true),
        _ => match text.strip_prefix(':') {
            Some(symbol) if !symbol.is_empty() && !symbol.contains(char::is_whitespace) => {
                (symbol.trim_matches(['"', '\'']), false)
            }
            _ => (text, false),
        },
    };
    Value::Scalar { text: text.to_owned(), plain }
}

/// A whole number in its shortest spelling: one that JSON knows, too.
fn is_whole(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let short = digits == "0" && digits == text || !digits.starts_with('0');
    !digits.is_empty() && digits.len() <= 18 && digits.bytes().all(|b| b.is_ascii_digit()) && short
}
