//! From a pod to a node, in the wording of releases from 1.20 to 1.33.

use serde_json::json;
use slipway_pipelines::wire::FindingCode as Code;
use slipway_pipelines::wire::FindingVerdict::{Transient, Waiting};

use super::super::schedule::clauses;
use super::world::{Case, World, case, container, node, taker, unscheduled, world};

fn nodes(message: &str) -> World {
    let mut world =
        unscheduled(message).with("Node", node("node1", "16")).with("Node", node("node2", "16"));
    let mut takers = vec![taker("node1", "1800m", "3996Mi")];
    takers.extend((0..15).map(|_| taker("node1", "0", "0")));
    takers.extend((0..16).map(|_| taker("node2", "100m", "256Mi")));
    world.everywhere = Some(takers);
    world
}

const OLD: &str = "0/2 nodes are available: ";

pub(super) fn cases() -> Vec<Case> {
    let mut all = room();
    all.extend(rules());
    all.extend(others());
    all
}

fn room() -> Vec<Case> {
    let cpu = "0/2 nodes are available: 2 Insufficient cpu.";
    let newer = "0/2 nodes are available: 2 Insufficient memory. preemption: 0/2 nodes are \
                 available: 2 No preemption victims found for incoming pod.";
    let gpu = "0/2 nodes are available: 2 Insufficient nvidia.com/gpu.";
    let full = "0/2 nodes are available: 2 Too many pods. preemption: not eligible due to \
                preemptionPolicy=Never.";
    let addresses = "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to \
        setup network for sandbox \"1\": failed to allocate for range 0: no IP addresses available \
        in range set: 10.244.1.2-10.244.1.17";
    let addresses = container(json!({ "state": { "waiting": { "reason": "ContainerCreating" } } }))
        .event(("Pod", "p1"), "FailedCreatePodSandBox", addresses);
    vec![
        case(
            Code::InsufficientCpu,
            Waiting,
            "each pod asks for 500m cpu; node2 has 400m of 2 left, node1 has 200m of 2 left",
            nodes(cpu),
        ),
        case(
            Code::InsufficientMemory,
            Waiting,
            "each pod asks for 256Mi memory; node1 has 100Mi of 4096Mi left, node2 has 0 of",
            nodes(newer),
        ),
        case(Code::InsufficientCpu, Waiting, "2 nodes have less left", unscheduled(cpu)),
        case(Code::InsufficientResource, Waiting, "nvidia.com/gpu", nodes(gpu)),
        case(
            Code::TooManyPods,
            Waiting,
            "node1 runs 16 of 16 pods, node2 runs 16 of 16 pods",
            nodes(full),
        ),
        case(Code::PodAddressesExhausted, Waiting, "range 10.244.1.2-10.244.1.17", addresses),
    ]
}

fn rules() -> Vec<Case> {
    let of = |reason: &str| unscheduled(&format!("{OLD}{reason}"));
    let selector = |reason: &str| {
        of(reason).patch("p1", json!({ "spec": { "nodeSelector": { "pool": "gpu" } } }))
    };
    let ports = of("2 node(s) didn't have free ports for the requested pod ports.")
        .patch("p1", json!({ "spec": { "containers": [{ "ports": [{ "hostPort": 80 }] }] } }));
    vec![
        case(
            Code::TaintNotTolerated,
            Waiting,
            "1 node has the taint dedicated: db, which",
            of("1 node(s) had taint {dedicated: db}, that the pod didn't tolerate."),
        ),
        case(
            Code::TaintNotTolerated,
            Waiting,
            "2 nodes have the taint node-role.kubernetes.io/control-plane, which",
            of("2 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }. \
                preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling."),
        ),
        case(
            Code::AffinityUnmatched,
            Waiting,
            "topology spread",
            of("2 node(s) didn't match pod topology spread constraints."),
        ),
        case(
            Code::NodeSelectorUnmatched,
            Waiting,
            "the labels pool=gpu",
            selector("2 node(s) didn't match Pod's node affinity/selector."),
        ),
        case(
            Code::NodeSelectorUnmatched,
            Waiting,
            "the labels pool=gpu",
            selector("2 node(s) didn't match Pod's node affinity."),
        ),
        case(
            Code::NodeUnsuitable,
            Waiting,
            "that the pod names is not there",
            of("2 node(s) didn't match the requested node name."),
        ),
        case(Code::HostPortTaken, Waiting, "the host port 80 is in use", ports),
        case(
            Code::VolumeZoneConflict,
            Waiting,
            "the volume",
            of("2 node(s) had volume node affinity conflict."),
        ),
        case(Code::Unexplained, Waiting, "a new rule", of("2 node(s) broke a new rule.")),
    ]
}

fn others() -> Vec<Case> {
    let gated = unscheduled("Scheduling is blocked due to non-empty scheduling gates").patch(
        "p1",
        json!({ "spec": { "schedulingGates": [{ "name": "example.com/quota" }] },
            "status": { "conditions": [{ "type": "PodScheduled", "status": "False",
                                         "reason": "SchedulingGated" }] } }),
    );
    let preempting = unscheduled("0/2 nodes are available: 2 Insufficient cpu.")
        .patch("p1", json!({ "status": { "nominatedNodeName": "node2" } }));
    let claim = json!({ "metadata": { "uid": "c", "name": "data", "namespace": "shop" },
        "spec": { "storageClassName": "fast" }, "status": { "phase": "Pending" } });
    let claims = unscheduled(
        "0/2 nodes are available: pod has unbound immediate \
            PersistentVolumeClaims. preemption: 0/2 nodes are available: 2 Preemption is not \
            helpful for scheduling.",
    )
    .patch(
        "p1",
        json!({ "spec": { "volumes": [
            { "persistentVolumeClaim": { "claimName": "data" } }] } }),
    )
    .with("PersistentVolumeClaim", claim)
    .event(
        ("PersistentVolumeClaim", "c"),
        "ProvisioningFailed",
        "storageclass \"fast\" not found",
    );
    let no_claim =
        unscheduled("0/2 nodes are available: 2 persistentvolumeclaim \"data\" not found.");
    let ready = |status: &str| {
        json!({ "status": { "conditions": [
        { "type": "Ready", "status": status, "reason": "NodeStatusUnknown",
          "message": "Kubelet stopped posting node status." }] } })
    };
    let silent = world().with("Node", node("node1", "16")).patch("node1", ready("Unknown"));
    let cordoned = unscheduled("0/1 nodes are available: 1 node(s) were unschedulable.")
        .with("Node", node("node1", "16"))
        .patch("node1", json!({ "spec": { "unschedulable": true } }));
    let pressure = unscheduled(
        "0/1 nodes are available: 1 node(s) had untolerated taint \
            {node.kubernetes.io/disk-pressure: }.",
    )
    .with("Node", node("node1", "16"))
    .patch(
        "node1",
        json!({ "status": { "conditions": [
            { "type": "DiskPressure", "status": "True" }] } }),
    );
    vec![
        case(Code::SchedulingGated, Waiting, "the gate example.com/quota", gated),
        case(Code::PreemptionPending, Transient, "removed from node2", preempting),
        case(Code::ClaimPending, Waiting, "the claim data (fast) has no volume", claims),
        case(Code::ClaimPending, Waiting, "the claim data that the pod names", no_claim),
        case(Code::NodeNotReady, Transient, "node1 is not ready", silent),
        case(Code::NodeCordoned, Waiting, "node1 is cordoned", cordoned),
        case(Code::NodePressure, Waiting, "node1 has DiskPressure", pressure),
    ]
}

#[test]
fn a_message_is_read_clause_by_clause() {
    let said = "0/5 nodes are available: 1 node(s) had taint {a: b}, that the pod didn't \
                tolerate, 2 Insufficient cpu, 2 Insufficient memory.";
    let found = clauses(said);
    let told: Vec<u64> = found.iter().map(|(count, _)| *count).collect();
    assert_eq!(told, [1, 2, 2]);
    assert_eq!(found[0].1, "node(s) had taint {a: b}, that the pod didn't tolerate");
    assert_eq!(found[2].1, "Insufficient memory");
    assert!(clauses("").is_empty());
}
