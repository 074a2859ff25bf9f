//! What can be said of a file without a trigger: is it YAML, are its keys known, does each value
//! have a shape that its key takes. All problems at once.

use super::keys::KeyCheck;
use super::parse::{Parsed, Weight, collect};
use super::schema::{JOBS_KEYS, Key, ROOT_KEYS, ROW_KEYS};
use super::source::Source;
use super::tree::{Node, Value};
use super::{Diagnostic, FileIndex, Severity};

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

fn examine(bytes: &[u8]) -> Parsed {
    let (mut parsed, _) = read(FileIndex::MAIN, bytes, Weight::default());
    if let Some(root) = &parsed.root {
        parsed.diagnostics.append(&mut check_keys(root));
    }
    parsed
}

/// The tree of a file, and the diagnostics still bare. No root that is not a map.
pub(crate) fn read(file: FileIndex, bytes: &[u8], before: Weight) -> (Parsed, Weight) {
    let (mut parsed, weight) = collect(file, bytes, before);
    if let Some(root) = parsed.root.take_if(|root| !matches!(root.value, Value::Map(_))) {
        let message = format!("the file must be a map of keys; this is {}", root.kind());
        let diagnostic = Diagnostic::about(Severity::Error, "not-a-map", root.span, message);
        parsed.diagnostics.push(diagnostic.help("write `script: make test`"));
    }
    (parsed, weight)
}

/// Are the keys of a file known, and has each value a shape that its key takes?
pub(crate) fn check_keys(root: &Node) -> Vec<Diagnostic> {
    let mut check = KeyCheck::default();
    check_root(&mut check, root);
    check.found
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
