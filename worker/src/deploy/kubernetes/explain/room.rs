//! The arithmetic of nodes: what a pod asks for and what is left.

use serde_json::Value;

use super::quantity::{milli, shown};
use super::read::{list, name, number, text};
use super::seen::Seen;

/// What one pod asks of a resource, in thousandths: the sum of its containers, or the largest init
/// container where that is more.
pub(super) fn asked(pod: &Value, resource: &str) -> i128 {
    if resource == "pods" {
        return 1000;
    }
    let of = |container: &Value| {
        let requests = container.pointer("/resources/requests");
        let amount = requests.and_then(|all| all.get(resource)).and_then(Value::as_str);
        amount.and_then(milli).unwrap_or_default()
    };
    let sum: i128 = list(pod, "/spec/containers").iter().map(of).sum();
    let init = list(pod, "/spec/initContainers").iter().map(of).max().unwrap_or_default();
    sum.max(init)
}

/// May the pod's own words let it run there? What is full elsewhere is no room of its.
fn may_run(pod: &Value, node: &Value) -> bool {
    let selector = pod.pointer("/spec/nodeSelector").and_then(Value::as_object);
    let labels = node.pointer("/metadata/labels");
    let has = |(key, value): (&String, &Value)| {
        labels.and_then(|labels| labels.get(key)).is_some_and(|label| label == value)
    };
    selector.is_none_or(|selector| selector.iter().all(has))
}

/// `node1 has 100Mi of 4096Mi memory left, …`, of the nodes that the pod chooses among; none where no
/// node can be seen.
pub(super) fn left(seen: &Seen, pod: &Value, resource: &str) -> Option<String> {
    let mut rooms: Vec<(i128, String)> = Vec::new();
    for node in seen.of("Node").filter(|node| may_run(pod, node)) {
        let allocatable = node.pointer("/status/allocatable").and_then(|all| all.get(resource));
        let all = allocatable.and_then(Value::as_str).and_then(milli).unwrap_or_default();
        let (used, count) = used(seen, name(node), resource);
        let host = name(node);
        let said = if resource == "pods" {
            format!("{host} runs {count} of {} pods", all / 1000)
        } else {
            let left = shown(resource, (all - used).max(0));
            let most = if seen.everywhere.is_some() { "" } else { "at most " };
            format!("{host} has {most}{left} of {} left", shown(resource, all))
        };
        rooms.push((all - used, said));
    }
    if rooms.is_empty() {
        return None;
    }
    rooms.sort_by_key(|(left, _)| std::cmp::Reverse(*left));
    let more = rooms.len().saturating_sub(SHOWN);
    let mut said: Vec<String> = rooms.into_iter().take(SHOWN).map(|(_, said)| said).collect();
    if more > 0 {
        said.push(format!("{more} more nodes have less"));
    }
    Some(said.join(", "))
}

/// Nodes that a sentence names.
const SHOWN: usize = 4;

fn used(seen: &Seen, host: &str, resource: &str) -> (i128, usize) {
    let takes = |pod: &&Value| {
        text(pod, "/spec/nodeName") == host
            && !matches!(text(pod, "/status/phase"), "Succeeded" | "Failed")
    };
    let pods: Vec<&Value> = match &seen.everywhere {
        Some(pods) => pods.iter().filter(takes).collect(),
        None => seen.of("Pod").filter(takes).collect(),
    };
    (pods.iter().map(|pod| asked(pod, resource)).sum(), pods.len())
}

/// How many pods a workload has less than it wants.
pub(super) fn missing(workload: &Value, made: usize) -> i64 {
    let wanted = workload.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    let wanted = wanted.max(number(workload, "/status/desiredNumberScheduled"));
    wanted - i64::try_from(made).unwrap_or(i64::MAX)
}
