//! Why one pod is not ready.

use chrono::{DateTime, Utc};
use serde_json::Value;
use slipway_pipelines::wire::{FindingCode, FindingVerdict};

use super::cause::Cause;
use super::read::{condition, is_true, list, name, text, time, truth, uid};
use super::seen::{Seen, Wanted};
use super::{containers, digest, nodes, probes, room, schedule};

/// Ready pods lost as often flap.
const FLAPS: u32 = 2;

/// The causes of this pod, root first; none for one that is as it should be.
pub(super) fn causes(seen: &Seen, pod: &Value, wanted: &Wanted, now: DateTime<Utc>) -> Vec<Cause> {
    let mut causes = all(seen, pod, wanted, now);
    let events = seen.events(uid(pod));
    for event in events.iter().filter(|event| text(event, "/type") == "Warning") {
        let said = text(event, "/message");
        let told = causes.iter().any(|cause| cause.evidence.iter().any(|seen| seen.text == said));
        if causes.is_empty() && !told && !is_true(pod, "Ready") {
            let reason = text(event, "/reason");
            // A probe that said no and does not any more, a scheduler that has found a node.
            if !matches!(reason, "Unhealthy" | "FailedScheduling" | "BackOff" | "Failed") {
                let cause = Cause::transient(
                    FindingCode::Unexplained,
                    format!("the cluster warns of {reason}"),
                    "Read the warning in the evidence.",
                );
                causes.push(cause.event(event));
            }
        }
    }
    causes
}

fn all(seen: &Seen, pod: &Value, wanted: &Wanted, now: DateTime<Utc>) -> Vec<Cause> {
    if let Some(cause) = put_out(seen, pod) {
        return vec![cause];
    }
    if let Some(cause) = digest::differs(pod, &wanted.images) {
        return vec![cause];
    }
    let flaps = seen.lost_ready(uid(pod));
    if is_true(pod, "Ready") && flaps < FLAPS {
        return Vec::new();
    }
    let scheduling = schedule::causes(seen, pod);
    if !scheduling.is_empty() {
        return scheduling;
    }
    let events = seen.events(uid(pod));
    let mut stuck = containers::causes(pod, &events, now);
    if !stuck.is_empty() {
        // Nobody makes a bare pod anew.
        if wanted.kind == "Pod" && text(pod, "/status/phase") == "Failed" {
            for cause in &mut stuck {
                cause.verdict = FindingVerdict::Fatal;
            }
        }
        return stuck;
    }
    if let Some(cause) = nodes::of_pod(seen, pod) {
        return vec![cause];
    }
    let mut causes = running(pod, &events);
    if flaps >= FLAPS {
        let mut cause = Cause::transient(
            FindingCode::Flapping,
            "the pod becomes ready and loses it again",
            "See what its readiness probe asks for, and the log of the time when it was lost.",
        );
        cause.count = flaps;
        if let Some(ready) = condition(pod, "Ready") {
            cause = cause.condition(ready);
        }
        causes.push(cause);
    }
    causes
}

/// What runs and does not answer as healthy: the newest word of a probe, with the log.
fn running(pod: &Value, events: &[&Value]) -> Vec<Cause> {
    let unready: Vec<&Value> = list(pod, "/status/containerStatuses")
        .iter()
        .filter(|status| status.pointer("/state/running").is_some() && !truth(status, "/ready"))
        .collect();
    let ours = |event: &&&Value| {
        unready.iter().any(|status| {
            let began = time(status, "/state/running/startedAt");
            text(status, "/name") == probes::container(event)
                && super::read::event_times(event).0 >= began
        })
    };
    let events: Vec<&Value> = events.iter().filter(ours).copied().collect();
    let causes = probes::causes(&events).into_iter();
    causes
        .map(|cause| match unready.first() {
            Some(status) => cause.log(containers::log(pod, status)),
            None => cause,
        })
        .collect()
}

/// A pod that failed as a whole.
fn put_out(seen: &Seen, pod: &Value) -> Option<Cause> {
    let reason = text(pod, "/status/reason");
    let said = text(pod, "/status/message");
    let cause = match reason {
        "Evicted" | "Preempting" | "TerminationByKubelet" => Cause::transient(
            FindingCode::Evicted,
            format!("{} put the pod out: {said}", text(pod, "/spec/nodeName")),
            "Ask for what the pod needs (requests), or free the node.",
        ),
        "DeadlineExceeded" => Cause::fatal(
            FindingCode::PodDeadlineExceeded,
            "the pod ran into its activeDeadlineSeconds",
            "Raise activeDeadlineSeconds, or make the work shorter.",
        ),
        "NodeLost" => return nodes::of_pod(seen, pod),
        "OutOfpods" => {
            let sentence = room::left(seen, pod, "pods");
            let sentence =
                sentence.unwrap_or_else(|| "the node runs as many pods as it may".into());
            let next = "Let the scheduler choose the node (no nodeName), or add nodes.";
            Cause::waiting(FindingCode::TooManyPods, sentence, next)
        }
        "OutOfcpu" => out_of(seen, pod, FindingCode::InsufficientCpu, "cpu"),
        "OutOfmemory" => out_of(seen, pod, FindingCode::InsufficientMemory, "memory"),
        "NodeAffinity" | "NodePorts" | "NodeName" | "UnexpectedAdmissionError" | "NodeShutdown" => {
            Cause::transient(
                FindingCode::NodeUnsuitable,
                format!("{} does not take the pod ({reason})", text(pod, "/spec/nodeName")),
                "Let the scheduler choose the node, or correct what the message names.",
            )
        }
        _ => return None,
    };
    Some(cause.with(format!("pod {}", name(pod)), &format!("{reason}: {said}")))
}

fn out_of(seen: &Seen, pod: &Value, code: FindingCode, resource: &str) -> Cause {
    let asks = super::quantity::shown(resource, room::asked(pod, resource));
    let left = room::left(seen, pod, resource).unwrap_or_else(|| "the node has less left".into());
    let next = format!("Ask for less {resource}, or let the scheduler choose the node.");
    Cause::waiting(code, format!("each pod asks for {asks} {resource}; {left}"), &next)
}
