//! Why the scheduler finds no node, by clause: `0/3 nodes are available: 2 Insufficient cpu, …`.

use serde_json::Value;
use slipway_pipelines::wire::FindingCode;

use super::cause::Cause;
use super::quantity::shown;
use super::read::{between, condition, list, text};
use super::room::{asked, left};
use super::seen::Seen;
use super::{claims, nodes};

/// The causes that keep a pod from a node; none for a pod that has one.
pub(super) fn causes(seen: &Seen, pod: &Value) -> Vec<Cause> {
    let Some(scheduled) = condition(pod, "PodScheduled") else { return gates(pod) };
    if text(scheduled, "/status") != "False" {
        return Vec::new();
    }
    if text(scheduled, "/reason") == "SchedulingGated" {
        return gates(pod);
    }
    let said = text(scheduled, "/message");
    let mut causes = Vec::new();
    let preempting = text(pod, "/status/nominatedNodeName");
    if !preempting.is_empty() {
        causes.push(Cause::transient(
            FindingCode::PreemptionPending,
            format!("pods of less weight are being removed from {preempting} for it"),
            "Wait until they have ended; their grace period says how long that takes.",
        ));
    }
    for clause in clauses(said) {
        let cause = clause_cause(seen, pod, &clause);
        if causes.iter().all(|known| known.code != cause.code) {
            causes.push(cause);
        }
    }
    // One clause may stand for a node that is closed: the node says why.
    if causes.iter().any(|cause| CLOSED.contains(&cause.code)) {
        for closed in nodes::closed(seen) {
            if let Some(known) = causes.iter_mut().find(|known| known.code == closed.code) {
                known.sentence = closed.sentence.clone();
                known.evidence.extend(closed.evidence);
            }
        }
    }
    let source = format!("condition PodScheduled ({})", text(scheduled, "/reason"));
    let since = super::read::time(scheduled, "/lastTransitionTime");
    causes.into_iter().map(|cause| cause.since(since).with(source.clone(), said)).collect()
}

const CLOSED: [FindingCode; 3] =
    [FindingCode::NodeNotReady, FindingCode::NodeCordoned, FindingCode::NodePressure];

fn gates(pod: &Value) -> Vec<Cause> {
    let gates: Vec<&str> =
        list(pod, "/spec/schedulingGates").iter().map(|gate| text(gate, "/name")).collect();
    if gates.is_empty() {
        return Vec::new();
    }
    let told = condition(pod, "PodScheduled").map(|one| text(one, "/message")).unwrap_or_default();
    let cause = Cause::waiting(
        FindingCode::SchedulingGated,
        format!("the gate {} holds the pod back from scheduling", gates.join(", ")),
        "Look after the controller that removes this gate.",
    );
    vec![cause.with("condition PodScheduled", told)]
}

/// The reasons of the message, each with the number of its nodes. What follows `preemption:` says
/// only that no other pod could be removed.
pub(super) fn clauses(message: &str) -> Vec<(u64, String)> {
    let message = message.split(" preemption: ").next().unwrap_or(message);
    let reasons = message.split_once("nodes are available: ").map_or(message, |(_, rest)| rest);
    let reasons = reasons.trim().trim_end_matches('.');
    let mut found: Vec<(u64, String)> = Vec::new();
    for piece in reasons.split(", ").flat_map(|piece| piece.split(". ")) {
        let counted = piece.split_once(' ').and_then(|(n, rest)| Some((n.parse().ok()?, rest)));
        match (counted, found.last_mut()) {
            (Some((count, reason)), _) => found.push((count, reason.to_owned())),
            // A taint has a comma of its own: `had taint {a: b}, that the pod didn't tolerate`.
            (None, Some((_, last))) => {
                last.push_str(", ");
                last.push_str(piece);
            }
            (None, None) => found.push((0, piece.to_owned())),
        }
    }
    found.retain(|(_, reason)| !reason.is_empty());
    found
}

fn clause_cause(seen: &Seen, pod: &Value, (count, reason): &(u64, String)) -> Cause {
    use FindingCode as Code;
    if let Some(resource) = reason.strip_prefix("Insufficient ") {
        let code = match resource {
            "cpu" => Code::InsufficientCpu,
            "memory" => Code::InsufficientMemory,
            _ => Code::InsufficientResource,
        };
        return short(seen, pod, code, resource, *count);
    }
    if reason.contains("Too many pods") {
        let sentence = left(seen, pod, "pods")
            .unwrap_or_else(|| format!("{count} nodes run as many pods as they may"));
        let next = "Add nodes, let the nodes run more pods (maxPods), or ask for fewer replicas.";
        return Cause::waiting(Code::TooManyPods, sentence, next);
    }
    if reason.contains("taint") {
        return taint(reason, *count);
    }
    if let Some(cause) = claims::unscheduled(seen, pod, reason) {
        return cause;
    }
    if let Some((code, what, next)) = rule(pod, reason) {
        return Cause::waiting(code, what, next);
    }
    Cause::waiting(
        Code::Unexplained,
        format!("the scheduler says of {count} nodes: {reason}"),
        "Read the scheduler's words in the evidence.",
    )
}

fn short(seen: &Seen, pod: &Value, code: FindingCode, resource: &str, count: u64) -> Cause {
    let asks = shown(resource, asked(pod, resource));
    let sentence = match left(seen, pod, resource) {
        Some(left) => format!("each pod asks for {asks} {resource}; {left}"),
        None => format!("each pod asks for {asks} {resource}; {count} nodes have less left"),
    };
    let next = format!("Ask for less {resource}, for fewer replicas, or add nodes.");
    Cause::waiting(code, sentence, &next)
}

fn taint(reason: &str, count: u64) -> Cause {
    let taint = between(reason, "{", "}").unwrap_or(reason).trim().trim_end_matches(':');
    let (code, next) = match taint {
        t if t.contains("/unschedulable") => {
            (FindingCode::NodeCordoned, "Uncordon the node when its maintenance is over.")
        }
        t if t.contains("/not-ready") || t.contains("/unreachable") => {
            (FindingCode::NodeNotReady, "Look after the node: its kubelet, its network, its disk.")
        }
        t if t.contains("-pressure") => {
            (FindingCode::NodePressure, "Free memory, disk or processes on the node.")
        }
        _ => (
            FindingCode::TaintNotTolerated,
            "Add a toleration to the pods, or take the taint from the node.",
        ),
    };
    let nodes = if count == 1 { "1 node has".to_owned() } else { format!("{count} nodes have") };
    let sentence = format!("{nodes} the taint {taint}, which the pod does not tolerate");
    Cause::waiting(code, sentence, next)
}

fn rule(pod: &Value, reason: &str) -> Option<(FindingCode, String, &'static str)> {
    use FindingCode as Code;
    let has = |part: &str| reason.contains(part);
    let selector = pod.pointer("/spec/nodeSelector").and_then(Value::as_object);
    if has("unschedulable") {
        let what = "the nodes are cordoned and take no pods".to_owned();
        return Some((Code::NodeCordoned, what, "Uncordon a node: kubectl uncordon."));
    }
    if has("node affinity") || has("node selector") {
        if has("volume node affinity") {
            let what = "the volume of the pod is in a zone whose nodes do not take it".to_owned();
            return Some((Code::VolumeZoneConflict, what, "Add room in the volume's zone."));
        }
        if let Some(selector) = selector.filter(|all| !all.is_empty()) {
            let labels: Vec<String> = selector
                .iter()
                .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
                .collect();
            let what = format!("no free node has the labels {}", labels.join(", "));
            let next = "Label a node so, or change the nodeSelector of the pods.";
            return Some((Code::NodeSelectorUnmatched, what, next));
        }
    }
    if has("affinity") || has("topology spread") {
        let what = format!("no free node meets the rules of the pod: {reason}");
        return Some((
            Code::AffinityUnmatched,
            what,
            "Loosen the rule, or add nodes that meet it.",
        ));
    }
    if has("free ports") {
        let ports = host_ports(pod);
        let what = format!("the host port {ports} is in use on every node that could run the pod");
        return Some((Code::HostPortTaken, what, "Use no hostPort, or another; or add nodes."));
    }
    if has("volume zone") {
        let what = "the volume of the pod is in another zone than the free nodes".to_owned();
        return Some((Code::VolumeZoneConflict, what, "Add room in the volume's zone."));
    }
    if has("requested node name") || has("requested hostname") {
        let what = "the node that the pod names is not there".to_owned();
        return Some((Code::NodeUnsuitable, what, "Correct or remove the pod's nodeName."));
    }
    if has("max volume count") {
        let what = "the nodes have as many volumes attached as they may".to_owned();
        return Some((Code::InsufficientResource, what, "Add nodes, or use fewer volumes."));
    }
    None
}

fn host_ports(pod: &Value) -> String {
    let ports: Vec<String> = list(pod, "/spec/containers")
        .iter()
        .flat_map(|container| list(container, "/ports"))
        .filter_map(|port| port.get("hostPort").map(ToString::to_string))
        .collect();
    ports.join(", ")
}
