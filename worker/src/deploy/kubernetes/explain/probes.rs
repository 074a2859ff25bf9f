//! Containers that run and do not answer as healthy.

use serde_json::Value;
use slipway_pipelines::wire::FindingCode;

use super::cause::Cause;
use super::read::text;

/// The probes that say no, by the events about the pod, newest first.
pub(super) fn causes(events: &[&Value]) -> Vec<Cause> {
    let mut causes: Vec<Cause> = Vec::new();
    for event in events {
        let told = text(event, "/message");
        let Some(cause) = cause(event, told) else { continue };
        match causes.iter_mut().find(|known| known.code == cause.code) {
            Some(known) => {
                let merged = known.clone().event(event);
                *known = merged;
            }
            None => causes.push(cause.event(event)),
        }
    }
    causes
}

fn cause(event: &Value, told: &str) -> Option<Cause> {
    if text(event, "/reason") == "Killing" && told.contains("failed liveness probe") {
        return Some(liveness(event));
    }
    if text(event, "/reason") == "Killing" && told.contains("failed startup probe") {
        return Some(startup(event));
    }
    if !matches!(text(event, "/reason"), "Unhealthy" | "ProbeWarning") {
        return None;
    }
    let lower = told.to_lowercase();
    if lower.starts_with("startup probe") {
        Some(startup(event))
    } else if lower.starts_with("liveness probe") {
        Some(liveness(event))
    } else if lower.starts_with("readiness probe") {
        let sentence = format!("the readiness probe of container {} says no", container(event));
        let next = "See what the probe asks for, and the container's log.";
        Some(Cause::transient(FindingCode::ReadinessProbeFailing, sentence, next))
    } else {
        None
    }
}

fn liveness(event: &Value) -> Cause {
    Cause::transient(
        FindingCode::LivenessProbeFailing,
        format!("the liveness probe of container {} says no", container(event)),
        "See what the probe asks for; give a slow start a startup probe.",
    )
}

fn startup(event: &Value) -> Cause {
    Cause::transient(
        FindingCode::StartupProbeFailing,
        format!("the startup probe of container {} says no", container(event)),
        "Give the container more time to start (failureThreshold), or see its log.",
    )
}

/// The container that an event is about: `spec.containers{app}`.
pub(super) fn container(event: &Value) -> &str {
    let path = text(event, "/involvedObject/fieldPath");
    path.split_once('{').map_or("", |(_, rest)| rest.trim_end_matches('}'))
}
