//! Expansions as texts.

use slipway_pipelines::condition::{Facts, Variable};
use slipway_pipelines::language::{Dialect, Node, parse};
use slipway_pipelines::matrix::{Expansion, Job, Options, expand};

pub(crate) fn config(text: &str) -> Node {
    parse(".ci.yml", text.as_bytes()).root.expect("well-formed YAML")
}

pub(crate) fn facts(branch: &str) -> Facts {
    Facts::default().with(Variable::Branch, branch).with(Variable::Type, "push")
}

pub(crate) fn expanded_on(branch: &str, text: &str) -> Expansion {
    let facts = facts(branch);
    let options =
        Options { dialect: Dialect::Travis, facts: &facts, everything: false, defaults: false };
    expand(&config(text), options)
}

pub(crate) fn expanded(text: &str) -> Expansion {
    expanded_on("main", text)
}

/// What is looked at without a trigger.
pub(crate) fn everything(text: &str) -> Expansion {
    let facts = Facts::default();
    let options =
        Options { dialect: Dialect::Ci, facts: &facts, everything: true, defaults: false };
    expand(&config(text), options)
}

/// The jobs, one a line: their keys in alphabetical order.
pub(crate) fn jobs(text: &str) -> Vec<String> {
    expanded(text).jobs.iter().map(told).collect()
}

pub(crate) fn told(job: &Job) -> String {
    let mut keys: Vec<String> =
        job.config.iter().map(|(key, node)| format!("{key}: {}", short(node))).collect();
    keys.sort();
    keys.extend(job.allow_failure.then(|| "may fail".to_owned()));
    keys.extend(job.copy.map(|copy| format!("copy {} of {}", copy.index, copy.total)));
    keys.join(", ")
}

fn short(node: &Node) -> String {
    node.json().to_string().replace('"', "")
}

/// What is said, `code line:column path: message`.
pub(crate) fn said(expansion: &Expansion) -> Vec<String> {
    let line = |found: &slipway_pipelines::language::Diagnostic| {
        let at = found.span.map_or("-".to_owned(), |span| format!("{}:{}", span.line, span.column));
        format!("{} {at} {}: {}", found.code, found.path, found.message)
    };
    expansion.found.iter().map(line).collect()
}

/// What was left out, one a line.
pub(crate) fn dropped(expansion: &Expansion) -> Vec<String> {
    expansion.dropped.iter().map(|it| format!("{}: {}", it.name, it.reason)).collect()
}
