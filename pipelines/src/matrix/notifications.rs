//! `notifications`, without those whose `if` does not hold.

use crate::condition::Facts;
use crate::language::{Entry, Node, Value, join};

use super::keys::is_blank;
use super::work::Work;

/// What is left of them.
pub(super) fn kept(work: &mut Work<'_>) -> Option<Node> {
    let node = work.config.get("notifications")?;
    let facts = work.facts_of_run();
    filter(work, &facts, node, "notifications")
}

fn filter(work: &mut Work<'_>, facts: &Facts, node: &Node, path: &str) -> Option<Node> {
    let value = match &node.value {
        Value::Scalar { .. } => return Some(node.clone()).filter(|node| !node.is_null()),
        Value::List(nodes) => {
            let mut kept = Vec::new();
            for (index, node) in nodes.iter().enumerate() {
                kept.extend(filter(work, facts, node, &format!("{path}[{index}]")));
            }
            Value::List(kept)
        }
        Value::Map(entries) => {
            if let Some(condition) = work.condition_of(node, path)
                && work.refusal(&condition, facts).is_some()
            {
                return None;
            }
            let mut kept = Vec::new();
            for entry in entries {
                let value = filter(work, facts, &entry.value, &join(path, &entry.key));
                kept.extend(value.map(|value| Entry { value, ..entry.clone() }));
            }
            Value::Map(kept)
        }
    };
    Some(Node { value, span: node.span }).filter(|node| !is_blank(node))
}
