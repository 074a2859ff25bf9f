//! A file, normalised.

use serde_json::Value;
use slipway_pipelines::language::{Diagnostic, Dialect, Node, parse};
use slipway_pipelines::normalize::{Normalized, Options, normalize};

pub(crate) fn normalized(file: &str, text: &str, defaults: bool) -> Normalized {
    let root: Node = parse(file, text.as_bytes()).root.expect("the file is YAML");
    normalize(&root, Options { dialect: Dialect::of(file), defaults })
}

/// The configuration as Travis' own tools would print it.
pub(crate) fn config(text: &str) -> Value {
    normalized(".travis.yml", text, false).config.json()
}

/// What is said: severity, code and path.
pub(crate) fn said(file: &str, text: &str) -> Vec<String> {
    let line =
        |found: &Diagnostic| format!("{}[{}] {}", found.severity.word(), found.code, found.path);
    normalized(file, text, false).found.iter().map(line).collect()
}
