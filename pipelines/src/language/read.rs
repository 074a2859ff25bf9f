//! The root of a file: a map of keys.

use super::parse::{Parsed, Weight, collect};
use super::tree::Value;
use super::{Diagnostic, FileIndex, Severity};

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
