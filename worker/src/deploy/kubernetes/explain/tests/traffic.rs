//! From a pod to who asks it, and jobs.

use serde_json::{Value, json};
use slipway_pipelines::wire::FindingCode as Code;
use slipway_pipelines::wire::FindingVerdict::{Fatal, Transient, Waiting};

use super::world::{Case, World, case, pod, wanted, world};

fn service(spec: Value) -> World {
    let mut world = world();
    world.objects.retain(|(kind, _)| kind == "Pod");
    world.wanted = vec![wanted("Service", "web", "s")];
    world.with(
        "Service",
        json!({
            "metadata": { "uid": "s", "name": "web", "namespace": "shop" }, "spec": spec,
        }),
    )
}

fn job(failed: Value) -> World {
    let mut world = world();
    world.objects = vec![(
        "Job".into(),
        json!({
            "metadata": { "uid": "j", "name": "load", "namespace": "shop" },
            "spec": { "backoffLimit": 2, "activeDeadlineSeconds": 60,
                      "template": { "spec": { "containers": [] } } },
            "status": { "failed": 3, "conditions": [failed] },
        }),
    )];
    world.wanted = vec![wanted("Job", "load", "j")];
    world
}

pub(super) fn cases() -> Vec<Case> {
    let nothing = service(json!({ "selector": { "app": "other" }, "ports": [{ "port": 80 }] }));
    let named = service(json!({ "selector": { "app": "web" },
        "ports": [{ "port": 80, "targetPort": "http" }] }))
    .patch(
        "p1",
        json!({ "spec": { "containers": [{ "name": "app",
            "ports": [{ "name": "web", "containerPort": 8080 }] }] } }),
    );
    let taken = service(json!({ "ports": [{ "port": 80, "nodePort": 30080 }],
        "selector": { "app": "web" } }))
    .event(("Service", "s"), "PortAlreadyAllocated", "Port 30080 was assigned to multiple");
    let balancer = service(json!({ "type": "LoadBalancer", "selector": { "app": "web" } })).event(
        ("Service", "s"),
        "SyncLoadBalancerFailed",
        "quota of addresses exceeded",
    );
    let mut ingress = world();
    ingress.objects = vec![(
        "Ingress".into(),
        json!({
        "metadata": { "uid": "i", "name": "web", "namespace": "shop" } }),
    )];
    ingress.wanted = vec![wanted("Ingress", "web", "i")];
    let mut old = pod("old", "r");
    old["metadata"]["deletionTimestamp"] = "2026-11-27T10:06:00Z".into();
    old["metadata"]["finalizers"] = json!(["example.com/drain"]);
    let stays = world().with("Pod", old);
    let failed = |reason: &str| {
        job(json!({ "type": "Failed", "status": "True", "reason": reason, "message": "no" }))
    };
    let mut claim = world();
    claim.objects = vec![(
        "PersistentVolumeClaim".into(),
        json!({
        "metadata": { "uid": "c", "name": "data", "namespace": "shop" },
        "status": { "phase": "Pending" } }),
    )];
    claim.wanted = vec![wanted("PersistentVolumeClaim", "data", "c")];
    vec![
        case(Code::ServiceSelectsNothing, Fatal, "no pod has the labels app=other", nothing),
        case(Code::TargetPortWrong, Fatal, "\"http\"; the containers name web (8080)", named),
        case(Code::NodePortTaken, Fatal, "the node port 30080 is of another", taken),
        case(Code::LoadBalancerPending, Waiting, "the load balancer of the service", balancer),
        case(Code::LoadBalancerPending, Waiting, "the ingress has no address", ingress),
        case(Code::PodsTerminating, Waiting, "the finalizer example.com/drain holds", stays),
        case(
            Code::JobBackoffLimitExceeded,
            Fatal,
            "Job load: 3 pods of the job failed, and it may try 2 times",
            failed("BackoffLimitExceeded"),
        ),
        case(Code::JobDeadlineExceeded, Fatal, "its 60 seconds", failed("DeadlineExceeded")),
        case(Code::ClaimPending, Waiting, "the claim data (no storage class)", claim),
    ]
}

#[test]
fn while_pods_are_to_come_a_service_that_leads_nowhere_is_not_lost() {
    let mut world = world();
    world.wanted.push(wanted("Service", "web", "s"));
    let service = json!({ "metadata": { "uid": "s", "name": "web", "namespace": "shop" },
        "spec": { "selector": { "app": "other" }, "ports": [{ "port": 80 }] } });
    let judged = world.with("Service", service).judge();
    let found = judged.findings.iter().find(|one| one.code == Code::ServiceSelectsNothing);
    assert_eq!(found.map(|one| one.verdict), Some(Transient));
    assert_eq!(judged.doomed, None);
}
