//! An expansion in the names and shapes of Travis' own tools.

use serde_json::{Map, Value as Json, json};

use crate::language::Node;

use super::{Expansion, Job, Stage};

/// Keys of the file that Travis' tools have used up by now.
const USED_UP: [&str; 3] = ["import", "merge_mode", "notifications"];

/// The configuration, its jobs and its stages as Travis' own tools would print them.
#[must_use]
pub fn travis_json(config: &Node, expansion: &Expansion) -> Json {
    let mut root: Map<String, Json> = config
        .entries()
        .iter()
        .filter(|entry| !USED_UP.contains(&entry.key.as_str()))
        .map(|entry| (entry.key.clone(), entry.value.json()))
        .collect();
    let notifications = expansion.notifications.as_ref();
    root.extend(notifications.map(|node| ("notifications".to_owned(), node.json())));
    json!({
        "config": root,
        "jobs": expansion.jobs.iter().map(job).collect::<Vec<_>>(),
        "stages": expansion.stages.iter().map(stage).collect::<Vec<_>>(),
    })
}

fn job(job: &Job) -> Json {
    let keys = job.config.iter().map(|(key, node)| (key.clone(), node.json()));
    let allowed = job.allow_failure.then(|| ("allow_failure".to_owned(), Json::Bool(true)));
    Json::Object(keys.chain(allowed).collect())
}

fn stage(stage: &Stage) -> Json {
    match &stage.condition {
        Some(condition) => json!({ "name": stage.name, "if": condition }),
        None => json!({ "name": stage.name }),
    }
}

/// The value of an axis on one line: `3.11`, `A=1 B=2`.
pub(super) fn inline(node: &Node) -> String {
    let told = node.items().iter().flat_map(|item| match item.text() {
        Some(text) => vec![text.to_owned()],
        None => item
            .entries()
            .iter()
            .map(|entry| format!("{}={}", entry.key, entry.value.text().unwrap_or("…")))
            .collect(),
    });
    told.collect::<Vec<_>>().join(" ")
}
