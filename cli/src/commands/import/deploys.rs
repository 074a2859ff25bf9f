//! `deploy`: the branch that Travis means where none is written.

use slipway_pipelines::language::{Node, Value};

use super::edits::{Edits, entry, is_secure, rows};

/// Tests that are there drop the test of the branch, or are it.
const OF_BRANCH: [&str; 4] = ["branch", "branches", "all_branches", "tags"];

pub(super) fn edit(edits: &mut Edits<'_>, root: &Node) {
    for map in std::iter::once(root).chain(rows(root)) {
        for deploy in map.get("deploy").map(Node::items).unwrap_or_default() {
            one(edits, deploy);
        }
    }
}

fn one(edits: &mut Edits<'_>, deploy: &Node) {
    let branches = branches(deploy);
    match &deploy.value {
        // `deploy: heroku`
        Value::Scalar { text, .. } if !deploy.is_null() && text != "false" => {
            let (start, end) = (deploy.span.start, edits.end_of(deploy));
            let map =
                format!("{{provider: {}, on: {{branch: {branches}}}}}", &edits.text[start..end]);
            if !edits.is_alias(deploy) && edits.replace(start, end, map) {
                told(edits, deploy.span.line, &branches);
            }
        }
        Value::Scalar { .. } | Value::List(_) => {}
        Value::Map(_) => match entry(deploy, "on").or_else(|| entry(deploy, "true")) {
            None => beside_provider(edits, deploy, &branches),
            Some(on) if matches!(on.value.value, Value::Map(_)) => {
                let tested = |key: &str| OF_BRANCH.contains(&key);
                if !on.value.entries().iter().any(|entry| tested(&entry.key)) {
                    into_on(edits, &on.value, &branches);
                }
            }
            // `on: main` names its branch.
            Some(on) if !on.value.is_null() => {}
            Some(on) => {
                let at = edits.text[on.key_span.end..].find(':').map(|at| on.key_span.end + at + 1);
                if let Some(at) = at
                    && edits.replace(at, at, format!(" {{branch: {branches}}}"))
                {
                    told(edits, on.key_span.line, &branches);
                }
            }
        },
    }
}

/// The value of `on.branch`: `master`, or the branches that options have values for.
fn branches(deploy: &Node) -> String {
    let mut named: Vec<&str> = Vec::new();
    let options = deploy.entries().iter().filter(|entry| entry.key != "on" && entry.key != "true");
    for option in options.filter(|option| !is_secure(&option.value)) {
        let keys = option.value.entries().iter().map(|entry| entry.key.as_str());
        keys.for_each(|key| {
            if !named.contains(&key) {
                named.push(key)
            }
        });
    }
    match named.as_slice() {
        [] => "master".to_owned(),
        [only] => quoted(only),
        several => {
            let names: Vec<String> = several.iter().map(|name| quoted(name)).collect();
            format!("[{}]", names.join(", "))
        }
    }
}

fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '.' | '-');
    let safe = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(plain);
    if safe { name.to_owned() } else { format!("'{}'", name.replace('\'', "''")) }
}

/// Behind the provider, which is a text on one line.
fn beside_provider(edits: &mut Edits<'_>, deploy: &Node, branches: &str) {
    let Some(provider) = entry(deploy, "provider") else { return };
    let (start, end) = (provider.key_span.start, edits.entry_end(provider));
    let line = edits.line_start(start);
    let block = edits.text[line..start].trim().trim_start_matches("- ").trim();
    // `- ` or an anchor may stand before it.
    let is_block = block.is_empty() || block == "-" || block.starts_with('&');
    let placed = if is_block {
        let indent = edits.indent(start);
        let end = edits.line_end(end);
        edits.replace(end, end, format!("\n{indent}on:\n{indent}  branch: {branches}"))
    } else {
        edits.replace(end, end, format!(", on: {{branch: {branches}}}"))
    };
    if placed {
        told(edits, provider.key_span.line, branches);
    }
}

/// In front of the tests that are there.
fn into_on(edits: &mut Edits<'_>, on: &Node, branches: &str) {
    let first = on.entries().iter().map(|entry| entry.key_span).min_by_key(|span| span.start);
    let Some(first) = first else { return };
    let with = if edits.is_flow(on) {
        format!("branch: {branches}, ")
    } else {
        format!("branch: {branches}\n{}", edits.indent(first.start))
    };
    if edits.replace(first.start, first.start, with) {
        told(edits, first.line, branches);
    }
}

fn told(edits: &mut Edits<'_>, line: usize, branches: &str) {
    edits.reason(
        "A deploy without `on.branch` is for `master` on Travis, and here for the repo's default branch.",
    );
    edits.remark(line, format!("`on: {{branch: {branches}}}` is added to the deploy"));
}
