//! A namespace with one deployment `web`, as the API tells of it; each story changes a part.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use slipway_pipelines::wire::{FindingCode, FindingVerdict};

use super::super::{Judged, Seen, Wanted, judge};

pub(super) const DIGEST: &str =
    "reg.example/web@sha256:1111111111111111111111111111111111111111111111111111111111111111";

/// What was seen, and what must be told of it.
pub(super) struct Case {
    pub code: FindingCode,
    pub verdict: FindingVerdict,
    pub says: &'static str,
    pub world: World,
}

impl Case {
    pub(super) fn judge(&self) -> Judged {
        self.world.judge()
    }
}

pub(super) fn case(
    code: FindingCode,
    verdict: FindingVerdict,
    says: &'static str,
    world: World,
) -> Case {
    Case { code, verdict, says, world }
}

/// Objects, in the order in which they were told.
#[derive(Clone)]
pub(super) struct World {
    pub objects: Vec<(String, Value)>,
    pub wanted: Vec<Wanted>,
    pub everywhere: Option<Vec<Value>>,
}

pub(super) fn now() -> DateTime<Utc> {
    "2026-11-27T10:10:00Z".parse().unwrap()
}

impl World {
    pub(super) fn seen(&self) -> Seen {
        let began = "2026-11-27T10:00:00Z".parse().unwrap();
        let mut seen = Seen::since(began);
        seen.everywhere.clone_from(&self.everywhere);
        for (kind, object) in &self.objects {
            seen.put(kind, object.clone());
        }
        seen
    }

    pub(super) fn judge(&self) -> Judged {
        judge(&self.seen(), &self.wanted, None, now())
    }

    pub(super) fn with(mut self, kind: &str, object: Value) -> Self {
        self.objects.push((kind.to_owned(), object));
        self
    }

    /// A part of an object changes; the object before stays told.
    pub(super) fn change(mut self, id: &str, patch: Value) -> Self {
        let found = self.objects.iter().rev().find(|(_, one)| one["metadata"]["uid"] == id);
        let (kind, mut object) = found.cloned().unwrap();
        merge(&mut object, patch);
        self.objects.push((kind, object));
        self
    }

    /// An object is so from the beginning.
    pub(super) fn patch(mut self, id: &str, patch: Value) -> Self {
        let mut all = self.objects.iter_mut();
        let (_, object) = all.find(|(_, one)| one["metadata"]["uid"] == id).unwrap();
        merge(object, patch);
        self
    }

    pub(super) fn event(self, about: (&str, &str), reason: &str, message: &str) -> Self {
        let event = event(about, reason, message);
        self.with("Event", event)
    }
}

pub(super) fn merge(object: &mut Value, patch: Value) {
    match (object, patch) {
        (Value::Object(all), Value::Object(patch)) => {
            for (key, value) in patch {
                merge(all.entry(key).or_insert(Value::Null), value);
            }
        }
        (object, patch) => *object = patch,
    }
}

pub(super) fn wanted(kind: &str, name: &str, uid: &str) -> Wanted {
    Wanted {
        kind: kind.into(),
        namespace: Some("shop".into()),
        name: name.into(),
        uid: uid.into(),
        generation: Some(2),
        images: vec![],
    }
}

pub(super) fn event((kind, id): (&str, &str), reason: &str, message: &str) -> Value {
    json!({
        "metadata": { "uid": format!("event-{id}-{reason}-{}", message.len()), "namespace": "shop" },
        "involvedObject": { "kind": kind, "uid": id, "fieldPath": "spec.containers{app}" },
        "reason": reason, "message": message, "type": "Warning", "count": 3,
        "firstTimestamp": "2026-11-27T10:05:00Z", "lastTimestamp": "2026-11-27T10:09:00Z",
    })
}

fn template() -> Value {
    json!({
        "metadata": { "labels": { "app": "web" } },
        "spec": { "containers": [{ "name": "app", "image": DIGEST }] },
    })
}

pub(super) fn pod(id: &str, owner: &str) -> Value {
    json!({
        "metadata": {
            "uid": id, "name": format!("web-{id}"), "namespace": "shop",
            "labels": { "app": "web" }, "creationTimestamp": "2026-11-27T10:04:00Z",
            "ownerReferences": [{ "uid": owner, "controller": true }],
        },
        "spec": {
            "nodeName": "node1", "restartPolicy": "Always",
            "containers": [{
                "name": "app", "image": DIGEST, "command": ["serve"],
                "resources": { "requests": { "cpu": "500m", "memory": "256Mi" },
                               "limits": { "memory": "256Mi" } },
            }],
        },
        "status": {
            "phase": "Running",
            "conditions": [{ "type": "Ready", "status": "False", "reason": "ContainersNotReady" }],
            "containerStatuses": [{
                "name": "app", "image": DIGEST, "imageID": DIGEST, "ready": false,
                "restartCount": 0,
                "state": { "running": { "startedAt": "2026-11-27T10:04:30Z" } },
            }],
        },
    })
}

/// The deployment of two, with one pod `p1` of our revision that runs and is not ready.
pub(super) fn world() -> World {
    let deployment = json!({
        "metadata": { "uid": "d", "name": "web", "namespace": "shop", "generation": 2 },
        "spec": {
            "replicas": 2, "template": template(), "progressDeadlineSeconds": 600,
            "selector": { "matchLabels": { "app": "web" } },
            "strategy": { "type": "RollingUpdate",
                          "rollingUpdate": { "maxSurge": "25%", "maxUnavailable": "25%" } },
        },
        "status": { "observedGeneration": 2, "replicas": 1, "updatedReplicas": 1 },
    });
    let mut own = template();
    own["metadata"]["labels"]["pod-template-hash"] = "abc".into();
    let set = json!({
        "metadata": {
            "uid": "r", "name": "web-abc", "namespace": "shop",
            "ownerReferences": [{ "uid": "d", "controller": true }],
        },
        "spec": { "replicas": 2, "template": own },
        "status": { "replicas": 1 },
    });
    let mut wanted = wanted("Deployment", "web", "d");
    wanted.images = vec![("app".into(), DIGEST.into())];
    World { objects: vec![], wanted: vec![wanted], everywhere: None }
        .with("Deployment", deployment)
        .with("ReplicaSet", set)
        .with("Pod", pod("p1", "r"))
}

/// The same, with the status of its container.
pub(super) fn container(status: Value) -> World {
    let mut all = pod("p1", "r")["status"]["containerStatuses"][0].clone();
    all["state"] = json!({});
    merge(&mut all, status);
    world().patch("p1", json!({ "status": { "containerStatuses": [all] } }))
}

/// The same, with a pod that has no node for this reason.
pub(super) fn unscheduled(message: &str) -> World {
    let mut world = world();
    let (_, pod) = world.objects.iter_mut().find(|(kind, _)| kind == "Pod").unwrap();
    pod["spec"]["nodeName"] = Value::Null;
    pod["status"] = json!({
        "phase": "Pending",
        "conditions": [{
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
            "message": message, "lastTransitionTime": "2026-11-27T10:04:00Z",
        }],
    });
    world
}

pub(super) fn node(name: &str, pods: &str) -> Value {
    json!({
        "metadata": { "uid": name, "name": name },
        "spec": {},
        "status": {
            "allocatable": { "cpu": "2", "memory": "4096Mi", "pods": pods },
            "conditions": [{ "type": "Ready", "status": "True" }],
        },
    })
}

/// A pod of another namespace that takes room.
pub(super) fn taker(node: &str, cpu: &str, memory: &str) -> Value {
    json!({
        "spec": { "nodeName": node, "containers": [
            { "resources": { "requests": { "cpu": cpu, "memory": memory } } } ] },
        "status": { "phase": "Running" },
    })
}
