//! Files that were written for another product: everything in them is unknown here, and one
//! sentence helps more than one for each key.

use super::{Diagnostic, Node, Severity, Value};

/// What is said of a file that is another product's, if it looks like one.
pub(crate) fn recognise(root: &Node) -> Option<Diagnostic> {
    let (product, span) = product(root)?;
    let message =
        format!("this looks like a file of {product}, and Slipway reads Travis' language");
    let help = "`slipway init` writes a file to begin with; each command goes under `script:`";
    Some(Diagnostic::about(Severity::Error, "other-product", span, message).help(help))
}

fn product(root: &Node) -> Option<(&'static str, super::Span)> {
    let any_job = |wanted: &[&str]| {
        let jobs = root.get("jobs")?;
        jobs.entries().iter().find(|job| wanted.iter().any(|key| job.value.get(key).is_some()))
    };
    if root.get("script").is_some() {
        return None;
    }
    // <https://docs.github.com/en/actions/reference/workflow-syntax-for-github-actions>
    if let Some(job) = any_job(&["runs-on", "uses"]) {
        return Some(("GitHub Actions", job.key_span));
    }
    // <https://circleci.com/docs/configuration-reference/>
    if root.get("workflows").is_some() || root.get("orbs").is_some() || circle_jobs(root) {
        return Some(("CircleCI", root.span));
    }
    // <https://docs.gitlab.com/ci/yaml/>: jobs stand at the top under any name.
    let known = ["image", "stages", "variables", "default", "workflow", "include", "cache"];
    let job = root.entries().iter().find(|entry| {
        !known.contains(&entry.key.as_str())
            && entry.value.get("script").is_some()
            && (entry.value.get("stage").is_some() || root.get("variables").is_some())
    });
    if let Some(job) = job {
        return Some(("GitLab CI", job.key_span));
    }
    // <https://learn.microsoft.com/azure/devops/pipelines/yaml-schema/>
    (root.get("pool").is_some() || root.get("trigger").is_some() && root.get("steps").is_some())
        .then_some(("Azure Pipelines", root.span))
}

fn circle_jobs(root: &Node) -> bool {
    let executors = ["docker", "machine", "macos", "executor"];
    let jobs = root.get("jobs").map_or(&[][..], Node::entries);
    jobs.iter().any(|job| {
        let steps = job.value.get("steps").map(|steps| &steps.value);
        matches!(steps, Some(Value::List(_)))
            && executors.iter().any(|key| job.value.get(key).is_some())
    })
}
