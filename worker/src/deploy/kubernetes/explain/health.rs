//! Whether one object is what it should be: its numbers, its pods, its digest.

use serde_json::Value;

use super::read::{is_true, list, number, text};
use super::seen::{Seen, Wanted};
use super::{digest, revision};

/// The state of one object, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Health {
    Healthy(String),
    Not(String),
}

/// The health of an object that was found under its own id.
pub(super) fn of(seen: &Seen, wanted: &Wanted, object: &Value) -> Health {
    let behind = wanted.generation.is_some_and(|generation| {
        object.pointer("/status/observedGeneration").is_some()
            && number(object, "/status/observedGeneration") < generation
    });
    if behind {
        return Health::Not("the controller has not seen the change yet".to_owned());
    }
    match wanted.kind.as_str() {
        "Deployment" | "StatefulSet" | "DaemonSet" => workload(seen, wanted, object),
        "Job" => job(object),
        "Pod" => pod(wanted, object),
        "Service" => service(seen, object),
        "Ingress" => ingress(object),
        "PersistentVolumeClaim" => claim(seen, object),
        _ => Health::Healthy("applied".to_owned()),
    }
}

/// What is wanted, updated, ready and available.
fn numbers(kind: &str, object: &Value) -> [i64; 4] {
    let at = |pointer: &str| number(object, pointer);
    if kind == "DaemonSet" {
        return [
            at("/status/desiredNumberScheduled"),
            at("/status/updatedNumberScheduled"),
            at("/status/numberReady"),
            at("/status/numberAvailable"),
        ];
    }
    let wanted = object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    // Releases before 1.22 do not count the available pods of a stateful set.
    let available = object.pointer("/status/availableReplicas").and_then(Value::as_i64);
    let available = match available {
        None if kind == "StatefulSet" => at("/status/readyReplicas"),
        available => available.unwrap_or_default(),
    };
    [wanted, at("/status/updatedReplicas"), at("/status/readyReplicas"), available]
}

fn workload(seen: &Seen, wanted: &Wanted, object: &Value) -> Health {
    if object.pointer("/status/observedGeneration").is_none() {
        return Health::Not("the controller has not seen it yet".to_owned());
    }
    let [want, mut updated, ready, available] = numbers(&wanted.kind, object);
    let on_delete = text(object, "/spec/updateStrategy/type") == "OnDelete";
    let (current, old) = revision::pods(seen, wanted, object);
    let partition = number(object, "/spec/updateStrategy/rollingUpdate/partition");
    // A stateful set whose pods are all of the update revision may not count them as updated.
    if wanted.kind == "StatefulSet"
        && text(object, "/status/currentRevision") == text(object, "/status/updateRevision")
    {
        updated = updated.max(number(object, "/status/currentReplicas"));
    }
    let replicas = object.pointer("/status/replicas").and_then(Value::as_i64).unwrap_or(want);
    let numbers = format!("{updated} of {want} updated, {ready} ready, {available} available");
    let target = (want - partition).max(0);
    let enough = updated >= target && ready >= want && available >= want && replicas <= want;
    if !enough || (on_delete && !old.is_empty()) {
        return Health::Not(numbers);
    }
    let good = |pod: &&&Value| is_true(pod, "Ready") && digest::runs(pod, &wanted.images);
    let running = i64::try_from(current.iter().filter(good).count()).unwrap_or(i64::MAX);
    if running < target {
        return Health::Not(format!("{running} of {target} pods of this version run"));
    }
    Health::Healthy(match wanted.images.is_empty() {
        true => numbers,
        false => format!("{numbers}, {running} run our image"),
    })
}

fn job(object: &Value) -> Health {
    if is_true(object, "Complete") {
        return Health::Healthy("complete".to_owned());
    }
    let done = number(object, "/status/succeeded");
    let active = number(object, "/status/active");
    Health::Not(format!("{done} succeeded, {active} run"))
}

fn pod(wanted: &Wanted, object: &Value) -> Health {
    let phase = text(object, "/status/phase");
    if phase == "Succeeded" {
        return Health::Healthy("succeeded".to_owned());
    }
    if is_true(object, "Ready") && digest::runs(object, &wanted.images) {
        return Health::Healthy("ready".to_owned());
    }
    Health::Not(if phase.is_empty() { "not seen yet".to_owned() } else { phase.to_lowercase() })
}

/// The ready addresses behind a service.
pub(super) fn endpoints(seen: &Seen, service: &Value) -> usize {
    let (name, place) = (super::read::name(service), super::read::namespace(service));
    let Some(endpoints) = seen.named("Endpoints", place, name) else { return 0 };
    list(endpoints, "/subsets").iter().map(|subset| list(subset, "/addresses").len()).sum()
}

fn service(seen: &Seen, object: &Value) -> Health {
    if text(object, "/spec/type") == "LoadBalancer"
        && list(object, "/status/loadBalancer/ingress").is_empty()
    {
        return Health::Not("the load balancer has no address yet".to_owned());
    }
    let selects = object.pointer("/spec/selector").and_then(Value::as_object);
    if selects.is_none_or(serde_json::Map::is_empty) || text(object, "/spec/type") == "ExternalName"
    {
        return Health::Healthy("applied; it selects no pods by itself".to_owned());
    }
    match endpoints(seen, object) {
        0 => Health::Not("no ready endpoint".to_owned()),
        1 => Health::Healthy("1 ready endpoint".to_owned()),
        more => Health::Healthy(format!("{more} ready endpoints")),
    }
}

fn ingress(object: &Value) -> Health {
    if list(object, "/status/loadBalancer/ingress").is_empty() {
        return Health::Not("no address yet".to_owned());
    }
    Health::Healthy("has an address".to_owned())
}

fn claim(seen: &Seen, object: &Value) -> Health {
    if text(object, "/status/phase") == "Bound" {
        return Health::Healthy("bound".to_owned());
    }
    // With WaitForFirstConsumer it is bound by its first pod, and the set may have none.
    let (name, place) = (super::read::name(object), super::read::namespace(object));
    let mounts = |pod: &Value| {
        let mut volumes = list(pod, "/spec/volumes").iter();
        super::read::namespace(pod) == place
            && volumes.any(|one| text(one, "/persistentVolumeClaim/claimName") == name)
    };
    let events = seen.events(super::read::uid(object));
    let waits = events.iter().any(|event| text(event, "/reason") == "WaitForFirstConsumer");
    if waits && !seen.of("Pod").any(mounts) {
        return Health::Healthy("waits for its first pod".to_owned());
    }
    Health::Not("no volume yet".to_owned())
}
