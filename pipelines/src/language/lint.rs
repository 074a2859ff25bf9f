//! What can be said of a file without a trigger: is it YAML, are its keys known, does each value
//! have a shape that its key takes. All problems at once.

use super::keys::KeyCheck;
use super::other_products;
use super::parse::{Parsed, collect};
use super::schema::{JOBS_KEYS, Key, ROOT_KEYS, ROW_KEYS};
use super::source::Source;
use super::tree::{Node, Value};
use super::{Diagnostic, Severity};

/// Everything there is to say about the bytes of `file`, in the order of the text.
#[must_use]
pub fn lint(file: &str, bytes: &[u8]) -> Vec<Diagnostic> {
    let examined = examine(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Source { file, text }.tell(examined.diagnostics),
        // One sentence about the whole file: there is no text to underline.
        Err(_) => examined.diagnostics,
    }
}

/// As [`lint`], with the tree, and the diagnostics still bare. No root that is not a map.
pub(crate) fn examine(bytes: &[u8]) -> Parsed {
    let mut parsed = collect(bytes);
    let mut check = KeyCheck::default();
    match parsed.root.as_ref().map(|root| (&root.value, root)) {
        Some((Value::Map(_), root)) => match other_products::recognise(root) {
            Some(diagnostic) => {
                check.found.push(diagnostic);
                parsed.root = None;
            }
            None => check_root(&mut check, root),
        },
        Some((Value::Scalar { .. } | Value::List(_), root)) => {
            let message = format!("the file must be a map of keys; this is {}", root.kind());
            let diagnostic = Diagnostic::about(Severity::Error, "not-a-map", root.span, message);
            check.found.push(diagnostic.help("write `script: make test`"));
            parsed.root = None;
        }
        None => {}
    }
    parsed.diagnostics.append(&mut check.found);
    parsed
}

fn check_root(check: &mut KeyCheck, root: &Node) {
    for entry in root.entries() {
        check.entry(entry, "", &[ROOT_KEYS]);
        if matches!(entry.key.as_str(), "jobs" | "matrix") {
            check_jobs(check, &entry.key, &entry.value);
        }
    }
}

/// `jobs`, or its shorthand: a list of rows.
fn check_jobs(check: &mut KeyCheck, name: &str, jobs: &Node) {
    match &jobs.value {
        Value::Map(entries) => {
            for entry in entries {
                check.entry(entry, name, &[JOBS_KEYS]);
                if entry.key == "include" {
                    check_rows(check, &format!("{name}.include"), &entry.value);
                }
            }
        }
        Value::List(_) => check_rows(check, name, jobs),
        Value::Scalar { .. } if jobs.is_null() => {}
        Value::Scalar { .. } => {
            let message = format!("`{name}` takes a map or a list of jobs; this is a text");
            let diagnostic = Diagnostic::about(Severity::Error, "wrong-shape", jobs.span, message);
            check.found.push(diagnostic.at(name).help("write `jobs: {include: [{script: make}]}`"));
        }
    }
}

/// The rows of `jobs.include`; one row may stand for the list.
fn check_rows(check: &mut KeyCheck, path: &str, rows: &Node) {
    let in_job: Vec<Key> = ROOT_KEYS.iter().filter(|key| key.in_job).copied().collect();
    for (index, row) in rows.items().iter().enumerate() {
        let path = format!("{path}[{index}]");
        match &row.value {
            Value::Map(entries) => {
                entries.iter().for_each(|entry| check.entry(entry, &path, &[ROW_KEYS, &in_job]));
            }
            Value::Scalar { .. } if row.is_null() => {}
            Value::Scalar { .. } | Value::List(_) => {
                let message = format!("a job is a map of keys; this is {}", row.kind());
                let diagnostic = Diagnostic::about(Severity::Error, "not-a-map", row.span, message);
                check.found.push(diagnostic.at(path).help("write `- script: make`"));
            }
        }
    }
}
