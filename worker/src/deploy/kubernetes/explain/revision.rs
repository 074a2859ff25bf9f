//! Which pods are of the revision that was applied.

use serde_json::Value;

use super::read::{owner, text, uid};
use super::seen::{Seen, Wanted};

/// The replica set of the deployment's present template.
pub(super) fn replica_set<'a>(seen: &'a Seen, deployment: &Value) -> Option<&'a Value> {
    let template = deployment.pointer("/spec/template")?;
    let equal = |set: &&Value| {
        let mut own = set.pointer("/spec/template").cloned().unwrap_or_default();
        if let Some(labels) = own.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
            labels.remove("pod-template-hash");
        }
        own.get("spec") == template.get("spec") && same_labels(&own, template)
    };
    let id = uid(deployment);
    let ours = seen.of("ReplicaSet").filter(|set| owner(set) == Some(id));
    let mut sets: Vec<&Value> = ours.filter(equal).collect();
    sets.sort_by_key(|set| text(set, "/metadata/creationTimestamp"));
    sets.first().copied()
}

fn same_labels(one: &Value, other: &Value) -> bool {
    ["/metadata/labels", "/metadata/annotations"].iter().all(|part| {
        let empty = |value: Option<&Value>| {
            value.is_none_or(|all| all.as_object().is_none_or(serde_json::Map::is_empty))
        };
        let (one, other) = (one.pointer(part), other.pointer(part));
        one == other || (empty(one) && empty(other))
    })
}

/// The pods of the workload: those of our revision that are not on their way out, and the others.
pub(super) fn pods<'a>(
    seen: &'a Seen,
    wanted: &Wanted,
    workload: &'a Value,
) -> (Vec<&'a Value>, Vec<&'a Value>) {
    let going = |pod: &Value| pod.pointer("/metadata/deletionTimestamp").is_some();
    let all: Vec<&Value> = match wanted.kind.as_str() {
        "Pod" => seen.get("Pod", uid(workload)).into_iter().collect(),
        "Deployment" => {
            let sets: Vec<&str> = seen.owned("ReplicaSet", uid(workload)).map(uid).collect();
            let ours = |pod: &&Value| owner(pod).is_some_and(|id| sets.contains(&id));
            seen.of("Pod").filter(ours).collect()
        }
        _ => {
            let id = uid(workload);
            seen.of("Pod").filter(|pod| owner(pod) == Some(id)).collect()
        }
    };
    let current = replica_set(seen, workload).map(uid);
    all.into_iter().partition(|pod| {
        let ours = match wanted.kind.as_str() {
            "Deployment" => current.is_some() && owner(pod) == current,
            "StatefulSet" => {
                label(pod, "controller-revision-hash") == text(workload, "/status/updateRevision")
            }
            "DaemonSet" => daemon(pod, workload),
            _ => true,
        };
        ours && !going(pod)
    })
}

fn label<'a>(object: &'a Value, key: &str) -> &'a str {
    let labels = object.pointer("/metadata/labels");
    labels.and_then(|all| all.get(key)).and_then(Value::as_str).unwrap_or_default()
}

fn daemon(pod: &Value, set: &Value) -> bool {
    let annotations = set.pointer("/metadata/annotations");
    let generation = annotations
        .and_then(|all| all.get("deprecated.daemonset.template.generation"))
        .and_then(Value::as_str);
    generation.is_none_or(|generation| label(pod, "pod-template-generation") == generation)
}
