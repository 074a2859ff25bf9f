//! What stands beside a cause: the texts, the log, the difference, and what is remembered.

use serde_json::json;

use super::super::{LogKey, Seen, judge};
use super::world::{container, now, world};

#[test]
fn a_finding_has_the_words_of_the_cluster_the_log_and_what_changed() {
    let world = container(json!({
        "restartCount": 3, "state": { "waiting": { "reason": "CrashLoopBackOff",
            "message": "back-off 40s restarting failed container" } },
        "lastState": { "terminated": { "reason": "Error", "exitCode": 1,
                                       "finishedAt": "2026-11-27T10:08:00Z" } },
    }))
    .patch(
        "d",
        json!({ "spec": { "template": { "spec": { "containers": [{
        "name": "app", "image": super::world::DIGEST,
        "env": [{ "name": "URL", "value": "new-secret" }, { "name": "MODE", "value": "a" }],
        "resources": { "limits": { "memory": "128Mi" } } }] } } } }),
    )
    .patch(
        "r",
        json!({ "spec": { "template": { "spec": { "containers": [{
        "name": "app", "image": super::world::DIGEST,
        "env": [{ "name": "URL", "value": "new-secret" }, { "name": "MODE", "value": "a" }],
        "resources": { "limits": { "memory": "128Mi" } } }] } } } }),
    );
    let mut seen = world.seen();
    let key = LogKey {
        namespace: "shop".into(),
        pod: "web-p1".into(),
        container: "app".into(),
        previous: true,
        restarts: 3,
    };
    seen.logs.insert(key, "panic: no database\n".into());
    let previous = "kind: Service\nmetadata: {name: web}\n---\nkind: Deployment\nmetadata: \
        {name: web}\nspec: {replicas: 2, template: {spec: {containers: [{name: app, image: \
        'reg.example/web:1', env: [{name: URL, value: old-secret}], resources: {limits: {memory: \
        256Mi}}}]}}}\n";
    let judged = judge(&seen, &world.wanted, Some(previous), now());
    let found = &judged.findings[0];
    assert_eq!(found.log_tail.as_deref(), Some("panic: no database\n"));
    assert_eq!(found.count, 3);
    assert_eq!(found.since, Some("2026-11-27T10:08:00Z".parse().unwrap()));
    assert!(found.evidence.iter().any(|seen| seen.text.contains("back-off 40s")));
    let difference = found.difference.as_deref().expect("a difference");
    assert!(difference.contains("app: image: reg.example/web:1 -> reg"), "{difference}");
    assert!(difference.contains("app: limits: {memory:256Mi} -> {memory:128Mi}"), "{difference}");
    assert!(difference.contains("app: variable URL has another value"), "{difference}");
    assert!(difference.contains("app: variable MODE is new"), "{difference}");
    assert!(!difference.contains("secret"), "{difference}");
}

#[test]
fn events_are_kept_after_the_cluster_forgot_them_and_objects_are_not() {
    let mut seen = Seen::since(now());
    let object = |id: &str| json!({ "metadata": { "uid": id, "namespace": "shop" } });
    seen.put("Event", object("e"));
    seen.put("Pod", object("p"));
    seen.put("Pod", object("q"));
    seen.remove("Event", "e");
    seen.replace("Event", Some("shop"), vec![]);
    seen.replace("Pod", Some("shop"), vec![object("q")]);
    seen.replace("Pod", Some("other"), vec![]);
    assert_eq!(seen.of("Event").count(), 1);
    assert_eq!(seen.of("Pod").count(), 1);
}

#[test]
fn an_event_of_an_earlier_rollout_of_the_same_object_says_nothing() {
    let told = "pods \"web-abc-x\" is forbidden: exceeded quota: q, requested: pods=1, used: \
                pods=3, limited: pods=3";
    let mut early = super::world::event(("ReplicaSet", "r"), "FailedCreate", told);
    early["lastTimestamp"] = "2026-11-27T09:00:00Z".into();
    early["firstTimestamp"] = "2026-11-27T09:00:00Z".into();
    let judged = world().with("Event", early).judge();
    assert!(judged.findings.is_empty(), "{:?}", judged.findings);
}
