//! When a set is healthy, when it is doomed, and in which order its causes stand.

use serde_json::{Value, json};
use slipway_pipelines::wire::FindingCode as Code;

use super::world::{DIGEST, World, container, merge, pod, unscheduled, wanted, world};

fn ready(mut pod: Value) -> Value {
    merge(&mut pod, json!({ "status": { "conditions": [{ "type": "Ready", "status": "True" }] } }));
    pod["status"]["containerStatuses"][0]["ready"] = true.into();
    pod
}

fn healthy() -> World {
    let mut world = world();
    world.objects.retain(|(kind, _)| kind != "Pod");
    world
        .patch(
            "d",
            json!({ "status": { "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2,
                                        "availableReplicas": 2 } }),
        )
        .with("Pod", ready(pod("p1", "r")))
        .with("Pod", ready(pod("p2", "r")))
}

#[test]
fn a_deployment_is_live_when_all_its_pods_run_our_image() {
    let judged = healthy().judge();
    assert!(judged.healthy, "{judged:?}");
    assert_eq!(judged.objects[0].2, "2 of 2 updated, 2 ready, 2 available, 2 run our image");
    assert!(judged.findings.is_empty());
}

#[test]
fn each_number_that_is_short_keeps_it_from_being_live() {
    let short: [Value; 6] = [
        json!({ "observedGeneration": 1 }),
        json!({ "updatedReplicas": 1 }),
        json!({ "readyReplicas": 1 }),
        json!({ "availableReplicas": 1 }),
        json!({ "replicas": 3 }),
        json!({ "observedGeneration": null }),
    ];
    for status in short {
        let judged = healthy().patch("d", json!({ "status": status })).judge();
        assert!(!judged.healthy, "{status}");
    }
}

#[test]
fn a_pod_with_another_digest_is_not_live_and_one_that_names_ours_is() {
    let other = json!({ "spec": { "containers": [{ "name": "app", "image": "mirror/web:1" }] },
        "status": { "containerStatuses": [{ "name": "app", "ready": true,
            "imageID": "mirror/web@sha256:2222", "state": { "running": {} } }] } });
    let judged = healthy().patch("p2", other.clone()).judge();
    assert!(!judged.healthy);
    assert_eq!(judged.findings[0].code, Code::DigestDiffers);
    assert!(judged.doomed.is_none(), "the other pod is good: {judged:?}");
    // A node names the manifest of its platform where the pod names the index.
    let mut named = other;
    named["spec"]["containers"][0]["image"] = DIGEST.into();
    assert!(healthy().patch("p2", named).judge().healthy);
}

#[test]
fn a_set_with_a_service_is_live_with_its_endpoints() {
    let service = json!({ "metadata": { "uid": "s", "name": "web", "namespace": "shop" },
        "spec": { "selector": { "app": "web" }, "ports": [{ "port": 80 }] } });
    let mut world = healthy().with("Service", service);
    world.wanted.push(wanted("Service", "web", "s"));
    assert!(!world.judge().healthy);
    let endpoints = json!({ "metadata": { "uid": "e", "name": "web", "namespace": "shop" },
        "subsets": [{ "addresses": [{ "ip": "10.0.0.1" }, { "ip": "10.0.0.2" }] }] });
    let judged = world.with("Endpoints", endpoints).judge();
    assert!(judged.healthy);
    assert_eq!(judged.objects[1].2, "2 ready endpoints");
}

#[test]
fn other_kinds_are_live_once_they_are_applied() {
    let mut world = world();
    world.wanted = vec![wanted("ConfigMap", "site", "cm")];
    assert!(world.judge().healthy);
}

#[test]
fn one_hopeless_pod_beside_one_that_may_come_is_no_doom() {
    let mut world = container(json!({ "state": { "waiting": {
        "reason": "ErrImageNeverPull", "message": "no" } } }));
    assert!(world.judge().doomed.is_some());
    world = world.with("Pod", pod("p2", "r"));
    assert_eq!(world.judge().doomed, None);
}

#[test]
fn thirty_pods_of_which_fourteen_have_no_node_are_one_finding() {
    let mut world = unscheduled("0/2 nodes are available: 2 Too many pods.");
    let pending = world.objects.iter().find(|(kind, _)| kind == "Pod").cloned().unwrap().1;
    world.objects.retain(|(kind, _)| kind != "Pod");
    world = world.patch("d", json!({ "spec": { "replicas": 30 } }));
    for number in 0..30 {
        let mut one = if number < 16 { ready(pod("x", "r")) } else { pending.clone() };
        one["metadata"]["uid"] = format!("pod{number}").into();
        world = world.with("Pod", one);
    }
    let judged = world.judge();
    assert_eq!(judged.findings.len(), 1, "{:#?}", judged.findings);
    assert_eq!(judged.findings[0].subject, "14/30 pods of Deployment web");
    assert!(judged.wants_room);
}

#[test]
fn what_follows_from_a_cause_stands_after_it() {
    let judged = container(json!({ "state": { "waiting": {
            "reason": "ErrImagePull", "message": "manifest unknown: not found" } } }))
        .patch("d", json!({ "status": { "conditions": [
            { "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded" }] } }))
        .judge();
    let codes: Vec<Code> = judged.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, [Code::ImageNotFound, Code::ProgressDeadlineExceeded]);
    let doomed = judged.doomed.expect("doomed");
    assert!(doomed.contains("is not in the registry"), "{doomed}");
}

#[test]
fn pods_of_an_older_revision_are_no_cause() {
    let mut old = pod("old", "r0");
    old["status"]["containerStatuses"][0]["state"] =
        json!({ "waiting": { "reason": "ErrImageNeverPull" } });
    let judged = healthy().with("Pod", old).judge();
    assert!(judged.healthy && judged.findings.is_empty(), "{judged:?}");
}

#[test]
fn what_somebody_else_changed_is_not_ours_however_healthy_it_is() {
    let restarted = json!({ "metadata": { "annotations": { "restartedAt": "now" } } });
    let mut world = healthy().change("d", json!({ "spec": { "template": restarted } }));
    world = world.patch("r", json!({ "spec": { "template": restarted } }));
    let judged = world.judge();
    assert!(!judged.healthy);
    assert_eq!(judged.findings[0].code, Code::RolloutSuperseded);
    assert!(judged.doomed.is_some());
}

#[test]
fn a_bare_pod_that_failed_is_made_anew_by_nobody() {
    let mut world = container(json!({ "state": { "terminated": { "exitCode": 2,
        "reason": "Error" } } }));
    world.wanted = vec![wanted("Pod", "web-p1", "p1")];
    let judged = world.patch("p1", json!({ "status": { "phase": "Failed" } })).judge();
    let doomed = judged.doomed.expect("doomed");
    assert!(doomed.starts_with("Pod web-p1: container app ends with exit code 2"), "{doomed}");
}
