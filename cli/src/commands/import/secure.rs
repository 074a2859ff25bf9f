//! Values that were encrypted for Travis: nobody else can read them.

use slipway_pipelines::language::{Entry, Node, Value};

use super::edits::{Edits, entry, is_secure, rows};

const WHY: &str = "What was encrypted for Travis (`secure`) nobody else can read: `slipway secret set OWNER/REPO NAME` keeps each value anew, and gives it to the jobs as `$NAME`.";

pub(super) fn edit(edits: &mut Edits<'_>, root: &Node) {
    for entry in root.entries() {
        match entry.key.as_str() {
            "env" => env(edits, entry, true),
            "jobs" | "matrix" => {}
            _ => options(edits, entry, &name(&entry.key)),
        }
    }
    for entry in rows(root).iter().flat_map(Node::entries) {
        match entry.key.as_str() {
            "env" => env(edits, entry, false),
            _ => options(edits, entry, &name(&entry.key)),
        }
    }
}

/// `env`; at the top, a list in it makes rows of the matrix.
fn env(edits: &mut Edits<'_>, env: &Entry, top: bool) {
    let node = &env.value;
    if is_secure(node) {
        leave_out(edits, env);
        return;
    }
    if let Value::Map(entries) = &node.value
        && !entries.is_empty()
        && entries.iter().all(is_spent)
        && edits.remove(env)
    {
        for entry in entries {
            match &entry.value.value {
                _ if is_secure(&entry.value) => tell(edits, entry),
                Value::List(items) => items.iter().for_each(|item| told(edits, item)),
                Value::Map(_) | Value::Scalar { .. } => told(edits, &entry.value),
            }
        }
        return;
    }
    match &node.value {
        Value::List(items) => variables(edits, env, items, top),
        Value::Map(_) => {
            for entry in node.entries() {
                match (entry.key.as_str(), &entry.value.value) {
                    _ if is_secure(&entry.value) => leave_out(edits, entry),
                    ("global", Value::List(items)) => variables(edits, entry, items, false),
                    ("jobs" | "matrix", Value::List(items)) => variables(edits, entry, items, true),
                    ("global" | "jobs" | "matrix", Value::Map(inner)) => {
                        inner
                            .iter()
                            .filter(|var| is_secure(&var.value))
                            .for_each(|var| leave_out(edits, var));
                    }
                    _ => {}
                }
            }
        }
        Value::Scalar { .. } => {}
    }
}

/// A list of variables. One that makes a row must stay, as it is a job.
fn variables(edits: &mut Edits<'_>, list: &Entry, items: &[Node], matrix: bool) {
    let all = items.iter().all(holds_only_secrets);
    if all && !(matrix && items.len() > 1) && edits.remove(list) {
        for item in items {
            told(edits, item);
        }
        return;
    }
    for (index, item) in items.iter().enumerate() {
        if is_secure(item) && matrix {
            let (start, end) = (item.span.start, edits.end_of(item));
            let variable = format!("SECRET_{}", index + 1);
            if edits.replace(start, end, format!("{variable}=${variable}")) {
                let line = item.span.line;
                edits.reason(WHY);
                edits.remark(line, format!("the encrypted row is `{variable}=${variable}` now, since it makes a job: write the true name"));
            }
        } else if holds_only_secrets(item) && !matrix {
            if edits.remove_item(item) {
                told(edits, item);
            }
        } else {
            let vars = item.entries().iter().filter(|var| is_secure(&var.value));
            vars.for_each(|var| leave_out(edits, var));
        }
    }
}

/// Would nothing be left of a key of `env`?
fn is_spent(entry: &Entry) -> bool {
    match (entry.key.as_str(), &entry.value.value) {
        _ if is_secure(&entry.value) => true,
        ("global", Value::List(items)) => items.iter().all(holds_only_secrets),
        ("jobs" | "matrix", Value::List(items)) => {
            items.len() == 1 && items.iter().all(holds_only_secrets)
        }
        ("global" | "jobs" | "matrix", Value::Map(_)) => holds_only_secrets(&entry.value),
        _ => false,
    }
}

fn holds_only_secrets(item: &Node) -> bool {
    let entries = item.entries();
    is_secure(item) || !entries.is_empty() && entries.iter().all(|var| is_secure(&var.value))
}

fn leave_out(edits: &mut Edits<'_>, variable: &Entry) {
    if edits.remove(variable) {
        tell(edits, variable);
    }
}

fn told(edits: &mut Edits<'_>, item: &Node) {
    match item.entries() {
        [entry] if entry.key == "secure" => {
            edits.reason(WHY);
            let comment = edits.comment_above(item.span.start);
            let comment = comment.map_or(String::new(), |said| format!(" below `# {said}`"));
            let line = item.span.line;
            edits.remark(
                line,
                format!(
                    "the encrypted variable{comment} is left out: set it as a secret by its name"
                ),
            );
        }
        vars => vars.iter().for_each(|var| tell(edits, var)),
    }
}

fn tell(edits: &mut Edits<'_>, variable: &Entry) {
    let key = &variable.key;
    let words = match key.as_str() {
        "env" | "global" | "jobs" | "matrix" | "secure" => {
            "the encrypted variable is left out: set it as a secret by its name".to_owned()
        }
        _ => format!("the encrypted `{key}` is left out: `slipway secret set OWNER/REPO {key}`"),
    };
    edits.reason(WHY);
    edits.remark(variable.key_span.line, words);
}

/// A value that is encrypted anywhere else gets the name of a secret.
fn options(edits: &mut Edits<'_>, entry: &Entry, name: &str) {
    if is_secure(&entry.value) {
        // What is not between the colon and the value is a comment, and stays with the file.
        let key_end = entry.key_span.end;
        let colon = edits.text[key_end..].find(':').map_or(key_end, |at| key_end + at + 1);
        if !edits.is_alias(&entry.value)
            && edits.replace(colon, edits.end_of(&entry.value), format!(" ${name}"))
        {
            named(edits, entry.key_span.line, name);
        }
        return;
    }
    let provider = provider(&entry.value);
    let inner = provider.as_deref().unwrap_or(name);
    children(edits, &entry.value, inner);
}

fn children(edits: &mut Edits<'_>, node: &Node, name: &str) {
    match &node.value {
        Value::Scalar { .. } => {}
        Value::List(items) => {
            for item in items {
                if is_secure(item) && !edits.is_alias(item) {
                    if edits.replace(item.span.start, edits.end_of(item), format!("${name}")) {
                        named(edits, item.span.line, name);
                    }
                } else {
                    let provider = provider(item);
                    children(edits, item, provider.as_deref().unwrap_or(name));
                }
            }
        }
        Value::Map(entries) => {
            for entry in entries {
                options(edits, entry, &secret(name, &entry.key));
            }
        }
    }
}

fn named(edits: &mut Edits<'_>, line: usize, name: &str) {
    edits.reason(WHY);
    let set = format!("`slipway secret set OWNER/REPO {name}`");
    edits.remark(line, format!("the encrypted value is `${name}` now: {set}"));
}

fn provider(node: &Node) -> Option<String> {
    Some(name(entry(node, "provider")?.value.text()?))
}

/// What the provider itself looks for, where there is such a name.
fn secret(owner: &str, key: &str) -> String {
    match key {
        "access_key_id" | "secret_access_key" => format!("AWS_{}", name(key)),
        _ => match owner {
            "NOTIFICATIONS" | "ADDONS" => name(key),
            _ => format!("{owner}_{}", name(key)),
        },
    }
}

fn name(key: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    key.chars().map(letter).collect()
}
