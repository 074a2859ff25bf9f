//! Encrypted values in a file of another owner: they are not shared.

use crate::language::{Diagnostic, Node, Severity, Value};

/// Takes the encrypted values out of a tree, and says so of each.
pub(super) fn without_secrets(node: &mut Node, file: &str, found: &mut Vec<Diagnostic>) {
    let mut keep = |node: &mut Node| {
        if node.get("secure").is_none() {
            without_secrets(node, file, found);
            return true;
        }
        let message = format!(
            "the encrypted value is left out: {file} is of another owner, and secrets are shared only within one"
        );
        let help = "keep the secret in this repo: `slipway secret set NAME`";
        let diagnostic = Diagnostic::about(Severity::Warning, "foreign-secret", node.span, message);
        found.push(diagnostic.help(help));
        false
    };
    match &mut node.value {
        Value::Scalar { .. } => {}
        Value::List(nodes) => nodes.retain_mut(keep),
        Value::Map(entries) => entries.retain_mut(|entry| keep(&mut entry.value)),
    }
}
