//! Shell words, as far as a list of assignments needs them: `A=1 B="x y" C=$(date +%s)`.

use super::EnvVar;
pub(super) use crate::condition::unquote;

/// Why a text is no list of assignments.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BadWords {
    /// This quote or bracket is never closed.
    Open(char),
    /// This word has no `NAME=` in front.
    NotAssigned(String),
}

/// The words of `text` as written, with their quotes.
pub(super) fn split(text: &str) -> Result<Vec<&str>, BadWords> {
    let mut words = Vec::new();
    let mut start = None;
    // What is still open, by the character that closes it.
    let mut open: Vec<char> = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c.is_whitespace() && open.is_empty() {
            if let Some(start) = start.take() {
                words.push(&text[start..at]);
            }
            continue;
        }
        start.get_or_insert(at);
        let inside = open.last().copied();
        match c {
            '\'' if inside == Some('\'') => drop(open.pop()),
            // Nothing has a meaning inside single quotes.
            _ if inside == Some('\'') => {}
            '\\' => drop(chars.next()),
            _ if inside == Some(c) => drop(open.pop()),
            '\'' if inside != Some('"') => open.push('\''),
            '"' | '`' => open.push(c),
            '$' => match chars.peek() {
                Some((_, '(')) => {
                    chars.next();
                    open.push(')');
                }
                Some((_, '{')) => {
                    chars.next();
                    open.push('}');
                }
                _ => {}
            },
            '(' if inside == Some(')') => open.push(')'),
            _ => {}
        }
    }
    if let Some(unclosed) = open.first() {
        return Err(BadWords::Open(*unclosed));
    }
    words.extend(start.map(|start| &text[start..]));
    Ok(words)
}

/// The assignments of `text`, values as written.
pub(super) fn assignments(text: &str) -> Result<Vec<EnvVar>, BadWords> {
    let assigned = |word: &&str| match word.split_once('=') {
        Some((name, value)) if is_variable(name) => {
            Ok(EnvVar { name: name.to_owned(), value: value.to_owned() })
        }
        Some(_) | None => Err(BadWords::NotAssigned((*word).to_owned())),
    };
    split(text)?.iter().map(assigned).collect()
}

/// May it stand left of the `=`?
pub(super) fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A value of a map as shell text: `A: x y` means `A="x y"`, while what already is one word
/// stays as it was written.
pub(super) fn as_word(value: &str) -> String {
    let expands = |word: &str| word.contains(['"', '\'', '`', '$', '\\']);
    let meta = |c: char| matches!(c, ';' | '&' | '|' | '<' | '>' | '(' | ')' | '#');
    match split(value).as_deref() {
        Ok([]) => String::new(),
        Ok([word]) if *word == value && (expands(word) || !word.contains(meta)) => value.to_owned(),
        Ok(_) | Err(_) => {
            let mut quoted = String::from("\"");
            for c in value.chars() {
                if matches!(c, '"' | '\\' | '`') {
                    quoted.push('\\');
                }
                quoted.push(c);
            }
            quoted.push('"');
            quoted
        }
    }
}

/// The names in `$NAME` and `${NAME}`.
pub(super) fn variables(template: &str) -> Vec<&str> {
    let name = |rest: &str| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        end.unwrap_or(rest.len())
    };
    template
        .split('$')
        .skip(1)
        .map(|rest| rest.strip_prefix('{').unwrap_or(rest))
        .map(|rest| &rest[..name(rest)])
        .filter(|name| is_variable(name))
        .collect()
}
