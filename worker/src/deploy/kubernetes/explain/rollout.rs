//! What holds a rollout between its old pods and its new ones.

use serde_json::Value;
use slipway_pipelines::wire::FindingCode;

use super::cause::Cause;
use super::read::{
    condition, has_labels, is_false, is_true, list, name, namespace, number, text, truth,
};
use super::revision;
use super::seen::{Seen, Wanted};

/// The causes that hold the rollout of this workload.
pub(super) fn causes(seen: &Seen, wanted: &Wanted, object: &Value) -> Vec<Cause> {
    let (current, old) = revision::pods(seen, wanted, object);
    let unplaced = current.iter().any(|pod| is_false(pod, "PodScheduled"));
    let mut causes = Vec::new();
    causes.extend(cannot_move(object, unplaced, &old));
    causes.extend(on_delete(object, &old));
    causes.extend(stuck(wanted, object, &current, &old));
    causes.extend(autoscaler(seen, wanted, object));
    let all: Vec<&Value> = current.into_iter().chain(old).collect();
    causes.extend(budget(seen, object, &all, unplaced));
    causes
}

fn cannot_move(object: &Value, unplaced: bool, old: &[&Value]) -> Option<Cause> {
    let strategy = object.pointer("/spec/strategy/rollingUpdate")?;
    let none = |key: &str| {
        strategy.get(key).is_some_and(|value| {
            value.as_i64() == Some(0) || matches!(value.as_str(), Some("0" | "0%"))
        })
    };
    let wanted = object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    let percent = strategy.get("maxUnavailable").and_then(Value::as_str);
    let percent = percent.and_then(|text| text.trim_end_matches('%').parse::<i64>().ok());
    let stays = none("maxUnavailable") || percent.is_some_and(|part| wanted * part < 100);
    let refused = is_true(object, "ReplicaFailure");
    if old.is_empty() || !stays || !(unplaced || refused) {
        return None;
    }
    Some(Cause::waiting(
        FindingCode::RolloutCannotMove,
        format!(
            "no old pod may go before a new one is ready, and there is no room for a new one \
             beside the {} old",
            old.len()
        ),
        "Allow maxUnavailable 1, or make room for one more pod.",
    ))
}

fn on_delete(object: &Value, old: &[&Value]) -> Option<Cause> {
    let waits = text(object, "/spec/updateStrategy/type") == "OnDelete" && !old.is_empty();
    waits.then(|| {
        Cause::waiting(
            FindingCode::DaemonSetOnDelete,
            format!("{} old pods are replaced only when somebody deletes them", old.len()),
            "Delete the old pods, or use updateStrategy RollingUpdate.",
        )
    })
}

fn stuck(wanted: &Wanted, object: &Value, current: &[&Value], old: &[&Value]) -> Option<Cause> {
    if wanted.kind != "StatefulSet" || text(object, "/spec/podManagementPolicy") == "Parallel" {
        return None;
    }
    let replicas = object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    let all = || current.iter().chain(old);
    let blocker = all().filter(|pod| !is_true(pod, "Ready")).map(|pod| name(pod)).min()?;
    let made = i64::try_from(all().count()).unwrap_or(i64::MAX);
    if made >= replicas && old.is_empty() {
        return None;
    }
    Some(Cause::waiting(
        FindingCode::StatefulSetStuck,
        format!(
            "{blocker} is not ready, and the pods after it wait for it ({made} of {replicas} are made)"
        ),
        "Correct what keeps this pod from being ready; delete it if it is of an older revision.",
    ))
}

fn autoscaler(seen: &Seen, wanted: &Wanted, object: &Value) -> Option<Cause> {
    let replicas = object.pointer("/spec/replicas").and_then(Value::as_i64)?;
    let scaler = seen.of("HorizontalPodAutoscaler").find(|one| {
        namespace(one) == namespace(object)
            && text(one, "/spec/scaleTargetRef/kind") == wanted.kind
            && text(one, "/spec/scaleTargetRef/name") == wanted.name
    })?;
    let desired = number(scaler, "/status/desiredReplicas");
    let scaled =
        wanted.generation.is_some_and(|applied| number(object, "/metadata/generation") > applied);
    if desired == 0 || (desired == replicas && !scaled) {
        return None;
    }
    let cause = Cause::transient(
        FindingCode::AutoscalerActs,
        format!("autoscaler {} wants {desired} pods; the workload has {replicas}", name(scaler)),
        "Leave `replicas` out of the manifest where an autoscaler sets it.",
    );
    Some(match condition(scaler, "AbleToScale") {
        Some(told) => cause.condition(told),
        None => cause,
    })
}

/// A budget matters where pods must leave a node, or make room for others.
fn budget(seen: &Seen, object: &Value, pods: &[&Value], unplaced: bool) -> Option<Cause> {
    let cordoned = |pod: &&&Value| {
        let host = text(pod, "/spec/nodeName");
        seen.of("Node").any(|node| name(node) == host && truth(node, "/spec/unschedulable"))
    };
    if !unplaced && !pods.iter().any(|pod| cordoned(&pod)) {
        return None;
    }
    let budget = seen.of("PodDisruptionBudget").find(|budget| {
        let selector = budget.pointer("/spec/selector/matchLabels");
        let covers = |pod: &&Value| {
            let labels = pod.pointer("/metadata/labels");
            selector.is_some_and(|all| has_labels(labels, all))
        };
        namespace(budget) == namespace(object)
            && number(budget, "/status/disruptionsAllowed") == 0
            && number(budget, "/status/expectedPods") > 0
            && list(budget, "/spec/selector/matchExpressions").is_empty()
            && pods.iter().any(covers)
    })?;
    let (healthy, needed) =
        (number(budget, "/status/currentHealthy"), number(budget, "/status/desiredHealthy"));
    Some(Cause::waiting(
        FindingCode::DisruptionBudgetBlocks,
        format!("budget {} lets no pod go: {healthy} healthy, {needed} needed", name(budget)),
        "Wait for more healthy pods, or loosen the budget.",
    ))
}
