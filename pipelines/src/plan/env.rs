//! `env:`: global variables, and the rows that make the matrix (TRAVIS_SEMANTICS §4).

use super::EnvVar;
use super::reader::{At, Reader, is_secure, quote};
use super::words::{self, BadWords, as_word, unquote};
use crate::language::{Entry, Severity};

/// `env:` at the top of the file.
#[derive(Debug, Default)]
pub(super) struct EnvFile<'n> {
    /// In front of every job's own.
    pub(super) global: Vec<EnvVar>,
    /// Each makes a job.
    pub(super) rows: Vec<EnvRow<'n>>,
}

/// The variables of one cell of the matrix.
#[derive(Clone, Debug)]
pub(super) struct EnvRow<'n> {
    pub(super) vars: Vec<EnvVar>,
    pub(super) at: At<'n>,
}

/// `env:` at the top: a list makes a matrix, a text or map is one row.
pub(super) fn read_file<'n>(reader: &mut Reader, at: &At<'n>) -> EnvFile<'n> {
    let (global, jobs) = (at.get("global"), at.first_of(&["matrix", "jobs"]));
    if global.is_none() && jobs.is_none() {
        return EnvFile { global: Vec::new(), rows: rows(reader, at) };
    }
    let global = global.map_or_else(Vec::new, |global| all(reader, &global));
    let mut rows = jobs.map_or_else(Vec::new, |jobs| rows(reader, &jobs));
    // What stands beside `global` belongs to every job.
    let beside: Vec<EnvVar> = at
        .entries()
        .iter()
        .filter(|entry| !matches!(entry.key.as_str(), "global" | "jobs" | "matrix"))
        .filter_map(|entry| pair(reader, at, entry))
        .map(quoted)
        .collect();
    if !beside.is_empty() && rows.is_empty() {
        rows.push(EnvRow { vars: beside, at: at.clone() });
    } else {
        rows.iter_mut().for_each(|row| row.vars.extend(beside.iter().cloned()));
    }
    EnvFile { global, rows }
}

fn rows<'n>(reader: &mut Reader, at: &At<'n>) -> Vec<EnvRow<'n>> {
    let mut rows = Vec::new();
    for item in at.items() {
        let vars = all(reader, &item);
        // A row of nothing but unreadable secrets makes no job of its own.
        if !vars.is_empty() {
            rows.push(EnvRow { vars, at: item });
        }
    }
    rows
}

/// All variables of a text, a map, or a list of them: as shell text.
pub(super) fn all(reader: &mut Reader, at: &At<'_>) -> Vec<EnvVar> {
    let mut vars = Vec::new();
    for item in at.items() {
        if is_secure(item.node) {
            reader.secure(&item, Severity::Warning);
        } else if item.is_map() {
            let pairs = item.entries().iter().filter_map(|entry| pair(reader, &item, entry));
            vars.extend(pairs.map(quoted));
        } else {
            vars.extend(assigned(reader, &item));
        }
    }
    vars
}

/// `env:` of a row of `jobs.include`: a map may have `global` and `jobs`, all of it is the row's.
pub(super) fn read_row(reader: &mut Reader, at: &At<'_>) -> Vec<EnvVar> {
    let file = read_file(reader, at);
    file.global.into_iter().chain(file.rows.into_iter().flat_map(|row| row.vars)).collect()
}

/// Variables of something that is no shell (a service, a container, build arguments): the quotes
/// of `A="x y"` are gone, the values of a map stay as they are.
pub(super) fn literal(reader: &mut Reader, at: &At<'_>) -> Vec<EnvVar> {
    let mut vars = Vec::new();
    for item in at.items() {
        if is_secure(item.node) {
            reader.secure(&item, reader.passed_over());
        } else if item.is_map() {
            vars.extend(item.entries().iter().filter_map(|entry| pair(reader, &item, entry)));
        } else {
            let unquoted = |var: EnvVar| EnvVar { value: unquote(&var.value), ..var };
            vars.extend(assigned(reader, &item).into_iter().map(unquoted));
        }
    }
    vars
}

fn quoted(var: EnvVar) -> EnvVar {
    EnvVar { value: as_word(&var.value), ..var }
}

/// `NAME: value` of a map.
fn pair<'n>(reader: &mut Reader, map: &At<'n>, entry: &'n Entry) -> Option<EnvVar> {
    let (name, at) = (entry.key.as_str(), &map.key(entry));
    if !words::is_variable(name) {
        let message = format!("{} can not be the name of a variable", quote(name));
        reader.error(at, "bad-variable", message, NAME_RULE);
        return None;
    }
    if at.node.is_null() {
        return Some(EnvVar { name: name.to_owned(), value: String::new() });
    }
    if is_secure(at.node) {
        reader.secure(at, Severity::Warning);
        return None;
    }
    let Some(value) = at.node.text() else {
        reader.wrong_shape(at, "a text", "write `NAME: value`");
        return None;
    };
    Some(EnvVar { name: name.to_owned(), value: value.to_owned() })
}

const NAME_RULE: &str = "use letters, digits and `_`, not starting with a digit";

/// `A=1 B="x y"`
fn assigned(reader: &mut Reader, at: &At<'_>) -> Vec<EnvVar> {
    let Some(text) = at.node.text() else {
        reader.wrong_shape(at, "texts like `NAME=value`", "take the inner list out");
        return Vec::new();
    };
    match words::assignments(text) {
        Ok(vars) => vars,
        Err(BadWords::Open(open)) => {
            let message = format!("{} has a `{open}` without its partner", quote(text));
            reader.say(
                reader.passed_over(),
                at,
                "bad-variable",
                message,
                "close it, or put a `\\` before it",
            );
            Vec::new()
        }
        Err(BadWords::NotAssigned(word)) => {
            let message = format!("{} is no `NAME=value`", quote(&word));
            let help = match word.split_once('=') {
                Some(_) => NAME_RULE.to_owned(),
                None if text.contains('=') => {
                    "a value with spaces needs quotes: `NAME=\"a value\"`".to_owned()
                }
                None => format!("write `{word}=value`, or `{word}: value`"),
            };
            reader.say(reader.passed_over(), at, "bad-variable", message, help);
            Vec::new()
        }
    }
}
