//! Jobs for machines that there are no workers for: Travis' file leaves them out by itself, this
//! one says so.

use slipway_pipelines::language::{Entry, Node, Value};

use super::edits::{Edits, entry, rows};

/// What workers can be, key by key.
const HERE: [(&str, &[&str]); 2] = [
    ("os", &["linux"]),
    ("arch", &["amd64", "x86_64", "arm64", "arm64-graviton2", "i386", "ppc64le", "s390x"]),
];
/// What every installation has.
const USUAL: [&str; 3] = ["linux", "amd64", "x86_64"];

/// A key and a value that no worker has.
type Foreign<'n> = (&'static str, &'n str);

pub(super) fn edit(edits: &mut Edits<'_>, root: &Node) {
    let mut foreign: Vec<Foreign<'_>> = Vec::new();
    for map in std::iter::once(root).chain(rows(root)) {
        for (key, here) in HERE {
            for value in map.get(key).map(Node::items).unwrap_or_default() {
                let Some(text) = value.text() else { continue };
                if here.contains(&text) {
                    if !USUAL.contains(&text) {
                        let waits =
                            "wait for a worker that has it; leave them out if there is none";
                        edits.remark(value.span.line, format!("jobs of `{key}: {text}` {waits}"));
                    }
                    continue;
                }
                let left_out = "left out by a row of `jobs.exclude`: no worker can run them";
                edits.remark(value.span.line, format!("jobs of `{key}: {text}` are {left_out}"));
                if !foreign.contains(&(key, text)) {
                    foreign.push((key, text));
                }
            }
        }
    }
    if foreign.is_empty() {
        return;
    }
    let jobs = entry(root, "matrix").or_else(|| entry(root, "jobs"));
    match jobs.filter(|jobs| !jobs.value.is_null()) {
        None => at_the_end(edits, &foreign),
        Some(jobs) if !within(edits, jobs, &foreign) => {
            let line = jobs.key_span.line;
            edits.remark(line, "add those rows to `jobs.exclude` by hand");
        }
        Some(_) => {}
    }
}

fn excluded(foreign: &[Foreign<'_>], indent: &str) -> String {
    foreign.iter().map(|(key, value)| format!("{indent}- {key}: {value}\n")).collect()
}

fn at_the_end(edits: &mut Edits<'_>, foreign: &[Foreign<'_>]) {
    let newline = if edits.text.ends_with('\n') { "" } else { "\n" };
    let end = edits.text.len();
    let rows = excluded(foreign, "    ");
    edits.replace(end, end, format!("{newline}jobs:\n  exclude:\n{rows}"));
}

/// Beside what `jobs` has; false where that can not be done by adding lines.
fn within(edits: &mut Edits<'_>, jobs: &Entry, foreign: &[Foreign<'_>]) -> bool {
    let node = &jobs.value;
    if edits.is_flow(node) || edits.is_alias(node) {
        return false;
    }
    match &node.value {
        Value::Scalar { .. } => false,
        Value::List(rows) => above_the_rows(edits, rows, foreign),
        Value::Map(entries) => match entry(node, "exclude") {
            Some(exclude) => above_others(edits, &exclude.value, foreign),
            None => {
                let first = entries.iter().map(|entry| entry.key_span.start).min();
                let first = first.unwrap_or(node.span.start);
                let (line, indent) = (edits.line_start(first), edits.indent(first));
                let rows = excluded(foreign, &format!("{indent}  "));
                edits.replace(line, line, format!("{indent}exclude:\n{rows}"))
            }
        },
    }
}

/// In front of the rows that `exclude` has.
fn above_others(edits: &mut Edits<'_>, exclude: &Node, foreign: &[Foreign<'_>]) -> bool {
    let Value::List(items) = &exclude.value else { return false };
    let Some(first) = items.first().filter(|_| !edits.is_flow(exclude)) else { return false };
    let line = edits.line_start(first.span.start);
    let rows = excluded(foreign, &blanks(&edits.text[line..first.span.start]));
    edits.replace(line, line, rows)
}

/// `jobs: [..]` is `jobs: {include: [..]}`.
fn above_the_rows(edits: &mut Edits<'_>, rows: &[Node], foreign: &[Foreign<'_>]) -> bool {
    let Some(first) = rows.first() else { return false };
    let line = edits.line_start(first.span.start);
    let indent = blanks(&edits.text[line..first.span.start]);
    // At the very left, the list would no longer be below `include`.
    if indent.is_empty() {
        return false;
    }
    let exclude = excluded(foreign, &format!("{indent}  "));
    edits.replace(line, line, format!("{indent}exclude:\n{exclude}{indent}include:\n"))
}

fn blanks(text: &str) -> String {
    " ".repeat(text.len() - text.trim_start().len())
}
