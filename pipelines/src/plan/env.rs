//! Environment variables: those of a job, and those of its services and builds.

use super::EnvVar;
use super::reader::{At, Reader, is_secure, quote};
use super::words::{self, BadWords, as_word, unquote};
use crate::language::{Entry, Severity};

/// The variables that all jobs have. Those of the matrix are read as well, so that what is wrong
/// with them is said where it stands.
pub(super) fn of_file(reader: &mut Reader, root: &At<'_>) -> Vec<EnvVar> {
    let Some(env) = root.get("env") else { return Vec::new() };
    let (global, jobs) = (env.get("global"), env.first_of(&["jobs", "matrix"]));
    if let Some(jobs) = jobs {
        all(reader, &jobs);
    }
    global.map_or_else(Vec::new, |global| all(reader, &global))
}

/// All variables of a text, a map, or a list of them: as shell text. Jobs share theirs, so each
/// has its say once.
pub(super) fn all(reader: &mut Reader, at: &At<'_>) -> Vec<EnvVar> {
    let mut vars = Vec::new();
    for item in at.items() {
        reader.heard_once("env", item.span, |reader| {
            if is_secure(item.node) {
                reader.secure(&item, Severity::Warning);
            } else if item.is_map() {
                let pairs = item.entries().iter().filter_map(|entry| pair(reader, &item, entry));
                vars.extend(pairs.map(quoted));
            } else {
                vars.extend(assigned(reader, &item));
            }
        });
    }
    vars
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
        reader.say(reader.passed_over(), at, "bad-variable", message, NAME_RULE);
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
