//! Containers that ran.

use serde_json::json;
use slipway_pipelines::wire::FindingCode as Code;
use slipway_pipelines::wire::FindingVerdict::{Fatal, Transient, Waiting};

use super::world::{Case, World, case, container, node, pod, wanted, world};

fn ended(reason: &str, exit: i64, restarts: i64) -> World {
    container(json!({
        "restartCount": restarts, "state": { "waiting": { "reason": "CrashLoopBackOff" } },
        "lastState": { "terminated": { "reason": reason, "exitCode": exit,
                                       "finishedAt": "2026-11-27T10:08:00Z" } },
    }))
}

fn probe(message: &str) -> World {
    world().event(("Pod", "p1"), "Unhealthy", message)
}

fn out(reason: &str, message: &str) -> World {
    world().patch(
        "p1",
        json!({ "status": { "phase": "Failed", "reason": reason,
                                            "message": message } }),
    )
}

pub(super) fn cases() -> Vec<Case> {
    let mut all = exits();
    all.extend(ends());
    all
}

fn exits() -> Vec<Case> {
    let killed = ended("Error", 137, 3).event(
        ("Pod", "p1"),
        "Killing",
        "Container app failed liveness probe, will be restarted",
    );
    vec![
        case(Code::CrashLoop, Transient, "exit code 1: a failure that", ended("Error", 1, 1)),
        case(Code::CrashLoop, Fatal, "exit code 0: it says that it is done", ended("C", 0, 3)),
        case(Code::CrashLoop, Fatal, "exit code 127: its command was not", ended("Error", 127, 4)),
        case(Code::CrashLoop, Fatal, "exit code 139: it broke into", ended("Error", 139, 4)),
        case(Code::OomKilled, Fatal, "more memory than it may have (256Mi)", {
            container(json!({
                "restartCount": 2, "state": { "waiting": { "reason": "CrashLoopBackOff" } },
                "lastState": { "terminated": { "reason": "OOMKilled", "exitCode": 137 } },
            }))
        }),
        case(Code::LivenessProbeFailing, Fatal, "liveness probe of container app", killed),
        case(
            Code::LivenessProbeFailing,
            Transient,
            "liveness probe of container app",
            probe("Liveness probe failed: Get \"http://10.1.1.1/\": context deadline exceeded"),
        ),
        case(
            Code::StartupProbeFailing,
            Transient,
            "startup probe of container app",
            probe("Startup probe failed: HTTP probe failed with statuscode: 503"),
        ),
        case(
            Code::ReadinessProbeFailing,
            Transient,
            "1/2 pods of Deployment web: the readiness probe of container app",
            probe("Readiness probe failed: HTTP probe failed with statuscode: 500"),
        ),
    ]
}

fn ends() -> Vec<Case> {
    let condition = |status: &str| {
        json!({ "status": { "conditions": [
        { "type": "Ready", "status": status, "reason": "ContainersNotReady" }] } })
    };
    let flapping = ["True", "False", "True", "False"]
        .iter()
        .fold(world(), |world, status| world.change("p1", condition(status)));
    let lost = world().with("Node", node("node2", "16"));
    let mut bare = world();
    bare.objects = vec![("Pod".into(), pod("p1", "none"))];
    bare.wanted = vec![wanted("Pod", "web-p1", "p1")];
    let bare = bare.patch(
        "p1",
        json!({ "status": { "phase": "Failed",
        "reason": "DeadlineExceeded", "message": "Pod was active on the node longer" } }),
    );
    let full = out("OutOfpods", "Node didn't have enough resource: pods, requested: 1, used: 16")
        .with("Node", node("node1", "16"));
    let strange = world().event(("Pod", "p1"), "Quarantined", "the pod looks strange");
    let low = "The node was low on resource: memory.";
    vec![
        case(Code::Flapping, Transient, "becomes ready and loses it again", flapping),
        case(Code::Evicted, Transient, "node1 put the pod out: The node was", out("Evicted", low)),
        case(Code::PodDeadlineExceeded, Fatal, "Pod web-p1: the pod ran into its", bare),
        case(Code::NodeLost, Transient, "node1, which ran the pod, is gone", lost),
        case(Code::TooManyPods, Waiting, "node1 runs 0 of 16 pods", full),
        case(
            Code::InsufficientCpu,
            Waiting,
            "asks for 500m cpu",
            out("OutOfcpu", "Node didn't have enough resource: cpu"),
        ),
        case(
            Code::NodeUnsuitable,
            Transient,
            "node1 does not take the pod (NodeAffinity)",
            out("NodeAffinity", "Predicate NodeAffinity failed"),
        ),
        case(Code::Unexplained, Transient, "the cluster warns of Quarantined", strange),
    ]
}

#[test]
fn an_unready_pod_that_is_slow_without_a_word_is_no_finding_yet() {
    let judged = world().judge();
    assert!(judged.findings.is_empty(), "{:?}", judged.findings);
    assert!(!judged.healthy);
    assert_eq!(judged.doomed, None);
}

#[test]
fn a_crash_asks_for_the_log_of_the_run_that_crashed() {
    let judged = ended("Error", 1, 2).judge();
    let key = judged.logs.first().expect("a log");
    assert!(key.previous);
    assert_eq!((key.pod.as_str(), key.container.as_str(), key.restarts), ("web-p1", "app", 2));
}
