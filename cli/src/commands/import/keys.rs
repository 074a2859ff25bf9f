//! Keys that have another name now, that no longer do anything, or whose default was another.

use slipway_pipelines::language::{Entry, Node, Value};

use super::edits::{Edits, entry, rows};

pub(super) fn edit(edits: &mut Edits<'_>, root: &Node) {
    language(edits, root);
    jobs(edits, root);
    if let Some(env) = root.get("env")
        && let Some(matrix) = entry(env, "matrix")
        && entry(env, "jobs").is_none()
    {
        rename(edits, matrix, "jobs", "env.matrix");
    }
    for key in ["sudo", "group"] {
        idle(edits, root, key);
    }
    npm(edits, root);
}

fn language(edits: &mut Edits<'_>, root: &Node) {
    let first = root.entries().iter().map(|entry| entry.key_span.start).min();
    let (Some(first), None, None) = (first, root.get("language"), root.get("image")) else {
        return;
    };
    let indent = edits.indent(first);
    edits.replace(first, first, format!("language: ruby\n{indent}"));
    edits.remark(1, "`language: ruby` is added: it is Travis' default; here it would be `generic`");
}

/// Travis keeps what npm fetched without being asked.
fn npm(edits: &mut Edits<'_>, root: &Node) {
    let Some(language) = entry(root, "language") else { return };
    if language.value.text() != Some("node_js")
        || root.get("cache").is_some()
        || edits.is_flow(root)
    {
        return;
    }
    let (start, line) = (language.key_span.start, language.key_span.line);
    let indent = edits.indent(start);
    if edits.replace(start, start, format!("cache: npm\n{indent}")) {
        edits
            .remark(line, "`cache: npm` is added: Travis has it for `language: node_js` by itself");
    }
}

/// `matrix` is the old name of `jobs`, and wins where both are written.
fn jobs(edits: &mut Edits<'_>, root: &Node) {
    let Some(matrix) = entry(root, "matrix") else { return };
    if let Some(jobs) = entry(root, "jobs")
        && edits.comment_out(jobs)
    {
        let line = jobs.key_span.line;
        edits.remark(line, "`jobs` is made a comment: Travis passes it over beside `matrix`");
    }
    rename(edits, matrix, "jobs", "matrix");
}

fn rename(edits: &mut Edits<'_>, entry: &Entry, name: &str, old: &str) {
    let span = entry.key_span;
    if edits.replace(span.start, span.end, name) {
        edits.remark(span.line, format!("`{old}` is `{name}` now: that is its old name"));
    }
}

/// Left out where nothing asks for it.
fn idle(edits: &mut Edits<'_>, root: &Node, key: &str) {
    let jobs = root.get("matrix").or_else(|| root.get("jobs"));
    let filters =
        jobs.into_iter().flat_map(|jobs| [jobs.get("exclude"), jobs.get("allow_failures")]);
    let filtered = filters.flatten().flat_map(Node::items).any(|row| row.get(key).is_some());
    if filtered || asked(root, key) {
        return;
    }
    let why = match key {
        "sudo" => "a job is root in a container of its own",
        _ => "there are no groups of machines here",
    };
    for found in std::iter::once(root).chain(rows(root)).filter_map(|map| entry(map, key)) {
        let value = found.value.text().unwrap_or_default().to_owned();
        if edits.remove(found) {
            edits.remark(found.key_span.line, format!("`{key}: {value}` is left out: {why}"));
        }
    }
}

/// Does a condition of the file name it?
fn asked(node: &Node, key: &str) -> bool {
    let named = |text: &str| {
        let mut words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        words.any(|word| word == key)
    };
    match &node.value {
        Value::Scalar { .. } => false,
        Value::List(items) => items.iter().any(|item| asked(item, key)),
        Value::Map(entries) => entries.iter().any(|entry| {
            let condition = entry.key == "if" && entry.value.text().is_some_and(named);
            condition || asked(&entry.value, key)
        }),
    }
}
