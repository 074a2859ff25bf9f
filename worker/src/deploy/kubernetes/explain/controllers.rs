//! Why a workload does not make or replace its pods.

use chrono::{DateTime, Duration, Utc};
use serde_json::Value;
use slipway_pipelines::wire::FindingCode;

use super::cause::Cause;
use super::read::{condition, is_false, is_true, list, name, namespace, number, text, truth, uid};
use super::seen::{Seen, Wanted};
use super::{refused, revision, rollout, room};

/// A controller that is awake sees a change sooner.
const ASLEEP: Duration = Duration::seconds(10);

/// The causes at the workload itself.
pub(super) fn causes(
    seen: &Seen,
    wanted: &Wanted,
    object: &Value,
    now: DateTime<Utc>,
) -> Vec<Cause> {
    let mut causes: Vec<Cause> = superseded(seen, wanted, object).into_iter().collect();
    causes.extend(behind(seen, wanted, object, now));
    if truth(object, "/spec/paused") {
        causes.push(Cause::waiting(
            FindingCode::RolloutPaused,
            format!("the rollout of {} is paused", wanted.subject()),
            "Resume it: kubectl rollout resume, or remove `paused` from the manifest.",
        ));
    }
    if let Some(told) = condition(object, "Progressing")
        && text(told, "/reason") == "ProgressDeadlineExceeded"
        && is_false(object, "Progressing")
    {
        let seconds = number(object, "/spec/progressDeadlineSeconds");
        let cause = Cause::fatal(
            FindingCode::ProgressDeadlineExceeded,
            format!("the rollout did not get on within its {seconds} seconds"),
            "Correct the causes beside this one; without one, raise progressDeadlineSeconds.",
        );
        causes.push(cause.condition(told));
    }
    causes.extend(uncreated(seen, wanted, object));
    causes.extend(overlap(seen, object));
    causes.extend(rollout::causes(seen, wanted, object));
    causes
}

/// Somebody changed the pods' template after it was applied.
pub(super) fn superseded(seen: &Seen, wanted: &Wanted, object: &Value) -> Option<Cause> {
    let template = object.pointer("/spec/template")?;
    let changed = seen.first_template(uid(object)).is_some_and(|first| first != template);
    let containers = || {
        let init = list(template, "/spec/initContainers").iter();
        init.chain(list(template, "/spec/containers"))
    };
    let other = wanted.images.iter().find_map(|(container, reference)| {
        let found = containers().find(|one| text(one, "/name") == container)?;
        (text(found, "/image") != reference).then(|| text(found, "/image"))
    });
    if !changed && other.is_none() {
        return None;
    }
    let managers: Vec<&str> = list(object, "/metadata/managedFields")
        .iter()
        .map(|one| text(one, "/manager"))
        .filter(|manager| !manager.starts_with("kube-") && *manager != "slipway")
        .collect();
    let who = managers.last().copied().unwrap_or("somebody else");
    let cause = Cause::fatal(
        FindingCode::RolloutSuperseded,
        format!("{who} changed {} after it was applied", wanted.subject()),
        "Deploy again once the other change is done, or take the rights from the other manager.",
    );
    Some(match other {
        Some(image) => cause.with(wanted.subject(), &format!("image {image}")),
        None => cause,
    })
}

fn behind(seen: &Seen, wanted: &Wanted, object: &Value, now: DateTime<Utc>) -> Option<Cause> {
    let observed = number(object, "/status/observedGeneration");
    let asleep = seen.began.is_none_or(|began| now - began > ASLEEP);
    let generation = wanted.generation.filter(|generation| *generation > observed && asleep)?;
    Some(Cause::transient(
        FindingCode::GenerationBehind,
        format!("the controller has seen generation {observed}, and {generation} was applied"),
        "Look after the cluster's controller manager.",
    ))
}

/// The API refuses the pods that the controller asks for.
fn uncreated(seen: &Seen, wanted: &Wanted, object: &Value) -> Option<Cause> {
    let set = revision::replica_set(seen, object);
    let maker = if wanted.kind == "Deployment" { set? } else { object };
    let made = seen.owned("Pod", uid(maker)).count();
    let missing = match wanted.kind.as_str() {
        "Job" => i64::from(number(object, "/status/active") == 0),
        _ => room::missing(maker, made),
    };
    if missing <= 0 || is_true(object, "Complete") {
        return None;
    }
    let events = seen.events(uid(maker));
    let event = events.iter().find(|event| text(event, "/reason") == "FailedCreate");
    let told = [maker, object].into_iter().find_map(|one| {
        is_true(one, "ReplicaFailure").then(|| condition(one, "ReplicaFailure")).flatten()
    });
    let said = told.map(|told| text(told, "/message"));
    let said = said.or_else(|| event.map(|event| text(event, "/message")))?;
    let mut cause = refused::cause(said, missing);
    if let Some(told) = told {
        cause = cause.condition(told);
    }
    Some(match event {
        Some(event) if told.is_none() => cause.event(event),
        _ => cause,
    })
}

/// Another workload of the namespace selects the same pods.
fn overlap(seen: &Seen, object: &Value) -> Option<Cause> {
    let labels = object.pointer("/spec/template/metadata/labels");
    let other = KINDS.iter().find_map(|kind| {
        let mut others = seen.of(kind).filter(|other| {
            uid(other) != uid(object)
                && namespace(other) == namespace(object)
                && list(other, "/spec/selector/matchExpressions").is_empty()
        });
        let other = others.find(|other| {
            let selector = other.pointer("/spec/selector/matchLabels");
            selector.is_some_and(|all| super::read::has_labels(labels, all))
        })?;
        Some(format!("{kind} {}", name(other)))
    })?;
    Some(Cause::transient(
        FindingCode::SelectorOverlap,
        format!("{other} selects the pods of this workload, too"),
        "Give each workload a label of its own in its selector.",
    ))
}

const KINDS: [&str; 3] = ["Deployment", "StatefulSet", "DaemonSet"];
