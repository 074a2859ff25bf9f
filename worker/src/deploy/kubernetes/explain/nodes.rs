//! Nodes that take no pods or are short of something.

use serde_json::Value;
use slipway_pipelines::wire::FindingCode;

use super::cause::Cause;
use super::read::{condition, is_true, name, text, truth};
use super::seen::Seen;

/// What the node of a pod says about why the pod is not what it should be.
pub(super) fn of_pod(seen: &Seen, pod: &Value) -> Option<Cause> {
    let host = text(pod, "/spec/nodeName");
    if host.is_empty() {
        return None;
    }
    if seen.of("Node").next().is_some() && !seen.of("Node").any(|node| name(node) == host) {
        return Some(lost(host).with("pod", text(pod, "/status/message")));
    }
    if text(pod, "/status/reason") == "NodeLost" {
        return Some(lost(host).with("pod", text(pod, "/status/message")));
    }
    let node = seen.of("Node").find(|node| name(node) == host)?;
    not_ready(node)
}

fn lost(host: &str) -> Cause {
    Cause::transient(
        FindingCode::NodeLost,
        format!("{host}, which ran the pod, is gone"),
        "Wait until the pod is made again on another node, or bring the node back.",
    )
}

/// A node that does not answer.
pub(super) fn not_ready(node: &Value) -> Option<Cause> {
    let ready = condition(node, "Ready")?;
    if text(ready, "/status") == "True" {
        return None;
    }
    Some(
        Cause::transient(
            FindingCode::NodeNotReady,
            format!("{} is not ready", name(node)),
            "Look after the node: its kubelet, its network, its disk.",
        )
        .condition(ready),
    )
}

/// Nodes that take no pods now, for what is not the pods' own fault.
pub(super) fn closed(seen: &Seen) -> Vec<Cause> {
    let mut causes = Vec::new();
    for node in seen.of("Node") {
        causes.extend(not_ready(node));
        if truth(node, "/spec/unschedulable") {
            causes.push(Cause::waiting(
                FindingCode::NodeCordoned,
                format!("{} is cordoned and takes no pods", name(node)),
                "Uncordon the node when its maintenance is over: kubectl uncordon.",
            ));
        }
        for pressure in ["MemoryPressure", "DiskPressure", "PIDPressure"] {
            if is_true(node, pressure)
                && let Some(told) = condition(node, pressure)
            {
                causes.push(
                    Cause::transient(
                        FindingCode::NodePressure,
                        format!("{} has {pressure} and takes no pods", name(node)),
                        "Free memory, disk or processes on the node.",
                    )
                    .condition(told),
                );
            }
        }
    }
    causes
}
