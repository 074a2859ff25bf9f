//! `stages:` and which stage a job is in.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use crate::language::{FileIndex, Node, Severity, Span, Value, nearest};
use crate::plan::quote;

use super::work::Work;
use super::{Dropped, Job, Stage};

/// Where jobs are whose stage is nowhere written.
pub(super) const DEFAULT_STAGE: &str = "test";

/// Puts each job into its stage and drops those of stages whose `if` does not hold. The stages
/// that are left are those with jobs: first the listed ones, then the others as they appear. None,
/// if nothing in the file speaks of stages.
pub(super) fn assign(work: &mut Work<'_>, jobs: &mut Vec<Job>) -> Vec<Stage> {
    let listed = listed(work);
    if listed.is_empty() && !jobs.iter().any(|job| stage_of(job).is_some()) {
        return Vec::new();
    }
    inherit(&listed, jobs);
    tell_slips(work, &listed, jobs);
    let used: HashSet<String> = jobs.iter().filter_map(stage_of).map(key).collect();
    let mut stages = Vec::new();
    // By name: its place, or none if it was dropped.
    let mut places: HashMap<String, Option<usize>> = HashMap::new();
    for (index, (name, node)) in listed.iter().enumerate() {
        if places.contains_key(&key(name)) {
            continue;
        }
        let condition = work.condition_of(node, &format!("stages[{index}]"));
        if !used.contains(&key(name)) {
            continue;
        }
        let facts = work.facts_of_run();
        let refusal = condition.as_ref().and_then(|condition| work.refusal(condition, &facts));
        if let Some(reason) = refusal {
            places.insert(key(name), None);
            work.dropped.push(Dropped { name: format!("stage {name}"), reason });
            continue;
        }
        places.insert(key(name), Some(stages.len()));
        let condition = node.get("if").and_then(Node::text).map(str::to_owned);
        stages.push(Stage { name: (*name).to_owned(), condition });
    }
    jobs.retain_mut(|job| {
        let name = stage_of(job).unwrap_or(DEFAULT_STAGE).to_owned();
        let place = places.entry(key(&name)).or_insert_with(|| {
            stages.push(Stage { name, condition: None });
            Some(stages.len() - 1)
        });
        job.stage = *place;
        place.is_some()
    });
    stages
}

/// A stage that is almost one of the list runs after all of them: that is seldom meant.
fn tell_slips(work: &mut Work<'_>, listed: &[(&str, &Node)], jobs: &[Job]) {
    let known: HashSet<String> = listed.iter().map(|(name, _)| key(name)).collect();
    let mut told = HashSet::new();
    for job in jobs {
        let Some(stage) = job.config.get("stage") else { continue };
        let Some(name) = stage.text() else { continue };
        if known.contains(&key(name)) || !told.insert(key(name)) {
            continue;
        }
        if let Some(near) = nearest(name, listed.iter().map(|(name, _)| *name)) {
            let message = format!("the stage {} is not in `stages:`, so it runs last", quote(name));
            let at = (job.path_of("stage"), stage.span);
            let help = format!("did you mean `{near}`?");
            work.say(Severity::Warning, "unlisted-stage", (&at.0, at.1), message, help);
        }
    }
}

/// The entries of `stages:` that have a name.
fn listed<'a>(work: &Work<'a>) -> Vec<(&'a str, &'a Node)> {
    let stages = work.root("stages").map(Node::items).unwrap_or_default();
    let named = stages.iter().filter_map(|stage| match &stage.value {
        Value::Map(_) => Some((stage.get("name")?.text()?, stage)),
        Value::Scalar { text, .. } => Some((text.as_str(), stage)),
        Value::List(_) => None,
    });
    named.collect()
}

/// Names are the same whatever their capitals.
fn key(name: &str) -> String {
    name.to_lowercase()
}

fn stage_of(job: &Job) -> Option<&str> {
    job.config.get("stage").and_then(|node| node.text())
}

/// A job without a stage is in that of the job before it; the first is in `test`, in the spelling
/// that the file has for it.
fn inherit(listed: &[(&str, &Node)], jobs: &mut [Job]) {
    let names = listed.iter().map(|(name, _)| *name).chain(jobs.iter().filter_map(stage_of));
    let mut names = names.filter(|name| key(name) == DEFAULT_STAGE);
    let text = names.next().unwrap_or(DEFAULT_STAGE).to_owned();
    let span = Span { start: 0, end: 0, line: 1, column: 1, file: FileIndex::MAIN };
    let mut current = Rc::new(Node { value: Value::Scalar { text, plain: false }, span });
    for job in jobs {
        match job.config.get("stage") {
            Some(stage) if stage.text().is_some() => current = Rc::clone(stage),
            Some(_) | None => {
                job.config.insert("stage".to_owned(), Rc::clone(&current));
            }
        }
    }
}
