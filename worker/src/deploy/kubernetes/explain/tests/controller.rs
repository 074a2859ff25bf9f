//! Between what was applied and its pods.

use serde_json::{Value, json};
use slipway_pipelines::wire::FindingCode as Code;
use slipway_pipelines::wire::FindingVerdict::{Fatal, Transient, Waiting};

use super::world::{Case, World, case, container, node, pod, unscheduled, wanted, world};

fn refused(message: &str) -> World {
    let failure = json!({ "type": "ReplicaFailure", "status": "True", "reason": "FailedCreate",
                          "message": message });
    world()
        .patch("d", json!({ "spec": { "replicas": 30 } }))
        .patch("r", json!({ "spec": { "replicas": 30 }, "status": { "conditions": [failure] } }))
        .event(("ReplicaSet", "r"), "FailedCreate", &format!("Error creating: {message}"))
}

pub(super) fn cases() -> Vec<Case> {
    let mut all = rollouts();
    all.extend(refusals());
    all.extend(neighbours());
    all
}

fn rollouts() -> Vec<Case> {
    let behind = world().patch("d", json!({ "status": { "observedGeneration": 1 } }));
    let paused = world().patch("d", json!({ "spec": { "paused": true } }));
    let exceeded = world().patch(
        "d",
        json!({ "status": { "conditions": [
        { "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded",
          "message": "ReplicaSet \"web-abc\" has timed out progressing." }] } }),
    );
    let changed = world().change("d", json!({ "spec": { "template": { "spec": {
        "containers": [{ "name": "app", "image": "reg.example/web:other" }] } } },
        "metadata": { "managedFields": [{ "manager": "slipway" }, { "manager": "kubectl-edit" }] } }));
    let mut deleted = world();
    deleted.objects.clear();
    let old = || {
        let mut old = pod("old", "r0");
        old["status"]["conditions"] = json!([{ "type": "Ready", "status": "True" }]);
        old
    };
    let set = json!({ "metadata": { "uid": "r0", "name": "web-old", "namespace": "shop",
        "ownerReferences": [{ "uid": "d", "controller": true }] },
        "spec": { "template": { "spec": {} } } });
    let cannot = unscheduled("0/2 nodes are available: 2 Insufficient cpu.")
        .patch("d", json!({ "spec": { "strategy": { "rollingUpdate": { "maxUnavailable": 0 } } } }))
        .with("ReplicaSet", set)
        .with("Pod", old());
    vec![
        case(Code::GenerationBehind, Transient, "generation 1, and 2 was applied", behind),
        case(Code::RolloutPaused, Waiting, "Deployment web is paused", paused),
        case(Code::ProgressDeadlineExceeded, Fatal, "within its 600 seconds", exceeded),
        case(Code::RolloutSuperseded, Fatal, "kubectl-edit changed Deployment web", changed),
        case(Code::RolloutSuperseded, Fatal, "was deleted by somebody else", deleted),
        case(Code::RolloutCannotMove, Waiting, "no room for a new one beside the 1 old", cannot),
        case(
            Code::StatefulSetStuck,
            Waiting,
            "web-s0 is not ready, and the pods after",
            stateful(),
        ),
        case(Code::DaemonSetOnDelete, Waiting, "1 old pods are replaced only when", daemon()),
    ]
}

fn stateful() -> World {
    let mut set = world().objects[0].1.clone();
    set["status"] = json!({ "observedGeneration": 2, "updateRevision": "db-2",
                            "currentRevision": "db-1", "replicas": 1 });
    set["spec"]["replicas"] = json!(3);
    let mut first = pod("s0", "d");
    first["metadata"]["labels"]["controller-revision-hash"] = "db-2".into();
    let mut world = world();
    world.objects = vec![("StatefulSet".into(), set), ("Pod".into(), first)];
    world.wanted[0].kind = "StatefulSet".into();
    world
}

fn daemon() -> World {
    let mut set = world().objects[0].1.clone();
    set["metadata"]["annotations"] = json!({ "deprecated.daemonset.template.generation": "2" });
    set["spec"]["updateStrategy"] = json!({ "type": "OnDelete" });
    set["status"] = json!({ "observedGeneration": 2, "desiredNumberScheduled": 1,
        "numberReady": 1, "numberAvailable": 1, "updatedNumberScheduled": 0 });
    let mut old = pod("n0", "d");
    old["metadata"]["labels"]["pod-template-generation"] = "1".into();
    let mut world = world();
    world.objects = vec![("DaemonSet".into(), set), ("Pod".into(), old)];
    world.wanted[0].kind = "DaemonSet".into();
    world
}

fn refusals() -> Vec<Case> {
    let quota = "pods \"web-abc-x\" is forbidden: exceeded quota: q, requested: pods=1, used: \
                 pods=16, limited: pods=16";
    let memory = "pods \"web-abc-x\" is forbidden: exceeded quota: m, requested: \
                  pods=1,requests.memory=256Mi, used: pods=4,requests.memory=1Gi, limited: \
                  pods=16,requests.memory=1Gi";
    let unsaid = "pods \"web-abc-x\" is forbidden: failed quota: m: must specify requests.memory";
    let range = "pods \"web-abc-x\" is forbidden: maximum memory usage per Container is 128Mi, \
                 but limit is 256Mi";
    let account = "pods \"web-abc-\" is forbidden: error looking up service account shop/deployer: \
                   serviceaccount \"deployer\" not found";
    let security = "pods \"web-abc-x\" is forbidden: violates PodSecurity \"restricted:latest\": \
                    allowPrivilegeEscalation != false";
    let denied = "admission webhook \"policy.example\" denied the request: no latest tags";
    let down = "Internal error occurred: failed calling webhook \"policy.example\": Post \
                \"https://policy.ops.svc:443/\": dial tcp 10.0.0.1:443: connect: refused";
    vec![
        case(Code::QuotaExceeded, Waiting, "quota q: pods 16 of 16 used, 29 more", refused(quota)),
        case(
            Code::QuotaExceeded,
            Waiting,
            "requests.memory 1024Mi of 1024Mi used, each pod asks for 256Mi",
            refused(memory),
        ),
        case(Code::QuotaExceeded, Fatal, "every pod to say its requests.memory", refused(unsaid)),
        case(Code::LimitRangeViolated, Fatal, "is 128Mi, but limit is 256Mi", refused(range)),
        case(Code::ServiceAccountMissing, Fatal, "deployer is not there", refused(account)),
        case(Code::PodSecurity, Fatal, "pod security", refused(security)),
        case(Code::AdmissionDenied, Fatal, "policy.example said no: no latest", refused(denied)),
        case(Code::AdmissionWebhookDown, Waiting, "policy.example does not", refused(down)),
        case(Code::ReplicaFailure, Transient, "can not make the pods", refused("etcd is slow")),
    ]
}

fn neighbours() -> Vec<Case> {
    let mut twin: Value = world().objects[0].1.clone();
    twin["metadata"]["uid"] = "twin".into();
    twin["metadata"]["name"] = "twin".into();
    let overlap = world().with("Deployment", twin);
    let budget = json!({ "metadata": { "uid": "b", "name": "web", "namespace": "shop" },
        "spec": { "selector": { "matchLabels": { "app": "web" } } },
        "status": { "disruptionsAllowed": 0, "expectedPods": 2, "currentHealthy": 1,
                    "desiredHealthy": 2 } });
    let mut cordoned = node("node1", "110");
    cordoned["spec"]["unschedulable"] = true.into();
    let budget = world().with("Node", cordoned).with("PodDisruptionBudget", budget);
    let scaler = json!({ "metadata": { "uid": "h", "name": "web", "namespace": "shop" },
        "spec": { "scaleTargetRef": { "kind": "Deployment", "name": "web" } },
        "status": { "desiredReplicas": 5 } });
    let scaler = world().with("HorizontalPodAutoscaler", scaler);
    let attached = container(json!({ "state": { "waiting": { "reason": "ContainerCreating" } } }))
        .event(
            ("Pod", "p1"),
            "FailedAttachVolume",
            "Multi-Attach error for volume \"pvc-1\" Volume is already used by pod(s) web-old",
        );
    let mut gone = world();
    gone.wanted = vec![wanted("Deployment", "web", "before")];
    vec![
        case(Code::SelectorOverlap, Transient, "Deployment twin selects the pods", overlap),
        case(Code::DisruptionBudgetBlocks, Waiting, "1 healthy, 2 needed", budget),
        case(Code::AutoscalerActs, Transient, "wants 5 pods; the workload has 2", scaler),
        case(Code::VolumeMultiAttach, Waiting, "the node of another pod", attached),
        case(Code::RolloutSuperseded, Fatal, "was made anew by somebody else", gone),
    ]
}
