//! Services and ingresses that lead to nobody, and old pods that do not go.

use chrono::{DateTime, Duration, Utc};
use serde_json::Value;
use slipway_pipelines::wire::{FindingCode, FindingVerdict};

use super::cause::Cause;
use super::read::{has_labels, list, name, namespace, text, time, uid};
use super::seen::Seen;

/// A pod that has had its grace period has this long to be gone.
const LATE: Duration = Duration::seconds(5);

/// The causes of a service without a ready endpoint. `settled`: all workloads of the set are
/// healthy, so that no pod is to come any more.
pub(super) fn service(seen: &Seen, service: &Value, settled: bool) -> Vec<Cause> {
    let mut causes: Vec<Cause> = taken(seen, service).into_iter().collect();
    if text(service, "/spec/type") == "LoadBalancer"
        && list(service, "/status/loadBalancer/ingress").is_empty()
    {
        causes.push(pending(seen, service, "the load balancer of the service has no address yet"));
    }
    let Some(selector) = service.pointer("/spec/selector") else { return causes };
    if super::health::endpoints(seen, service) > 0 {
        return causes;
    }
    let verdict = if settled { FindingVerdict::Fatal } else { FindingVerdict::Transient };
    let here = |one: &&Value| namespace(one) == namespace(service);
    let covers = |labels: Option<&Value>| has_labels(labels, selector);
    let pods: Vec<&Value> =
        seen.of("Pod").filter(here).filter(|pod| covers(pod.pointer("/metadata/labels"))).collect();
    let coming = ["Deployment", "StatefulSet", "DaemonSet", "Job"].iter().any(|kind| {
        let mut all = seen.of(kind).filter(here);
        all.any(|one| covers(one.pointer("/spec/template/metadata/labels")))
    });
    if pods.is_empty() && !coming {
        let labels: Vec<String> = selector
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
            .collect();
        causes.push(Cause::new(
            FindingCode::ServiceSelectsNothing,
            verdict,
            format!("no pod has the labels {}", labels.join(", ")),
            "Correct the service's selector, or the labels of the pods.",
        ));
    }
    causes.extend(wrong_port(service, &pods, verdict));
    causes
}

/// A port that no container of the pods has: by its name certainly, by its number where the
/// containers name theirs.
pub(super) fn wrong_port(
    service: &Value,
    pods: &[&Value],
    verdict: FindingVerdict,
) -> Option<Cause> {
    let pod = pods.first()?;
    let ports: Vec<&Value> = list(pod, "/spec/containers")
        .iter()
        .flat_map(|container| list(container, "/ports"))
        .collect();
    let asked = list(service, "/spec/ports").iter().find(|port| {
        match port.get("targetPort").or_else(|| port.get("port")) {
            Some(Value::String(wanted)) => !ports.iter().any(|one| text(one, "/name") == wanted),
            Some(wanted) => {
                !ports.is_empty()
                    && ports.iter().all(|one| one.get("containerPort") != Some(wanted))
            }
            None => false,
        }
    })?;
    let target = asked.get("targetPort").or_else(|| asked.get("port"))?;
    let has: Vec<String> = ports
        .iter()
        .filter_map(|port| {
            let number = port.get("containerPort")?;
            let name = text(port, "/name");
            Some(if name.is_empty() { number.to_string() } else { format!("{name} ({number})") })
        })
        .collect();
    let has = if has.is_empty() { "none".to_owned() } else { has.join(", ") };
    Some(Cause::new(
        FindingCode::TargetPortWrong,
        verdict,
        format!("the service asks for port {target}; the containers name {has}"),
        "Correct targetPort of the service, or the ports of the containers.",
    ))
}

fn taken(seen: &Seen, service: &Value) -> Option<Cause> {
    let events = seen.events(uid(service));
    let told = events.iter().find(|event| {
        text(event, "/reason") == "PortAlreadyAllocated"
            || text(event, "/message").contains("port is already allocated")
    })?;
    let ports: Vec<String> = list(service, "/spec/ports")
        .iter()
        .filter_map(|port| port.get("nodePort").map(ToString::to_string))
        .collect();
    let cause = Cause::fatal(
        FindingCode::NodePortTaken,
        format!("the node port {} is of another service", ports.join(", ")),
        "Choose another nodePort, or let the cluster choose.",
    );
    Some(cause.event(told))
}

/// What waits for an address from outside the cluster.
pub(super) fn pending(seen: &Seen, object: &Value, what: &str) -> Cause {
    let next = "See the controller that gives addresses: is it installed, is its quota used up?";
    let cause = Cause::waiting(FindingCode::LoadBalancerPending, what, next);
    match seen.events(uid(object)).first() {
        Some(event) => cause.event(event),
        None => cause,
    }
}

/// Old pods that are still there after their grace period.
pub(super) fn terminating(old: &[&Value], now: DateTime<Utc>) -> Option<Cause> {
    let late: Vec<&&Value> = old
        .iter()
        .filter(|pod| time(pod, "/metadata/deletionTimestamp").is_some_and(|end| now - end > LATE))
        .collect();
    let first = late.first()?;
    let finalizers: Vec<&str> =
        list(first, "/metadata/finalizers").iter().filter_map(Value::as_str).collect();
    let why = if finalizers.is_empty() {
        format!("the node {} does not end them", text(first, "/spec/nodeName"))
    } else {
        format!("the finalizer {} holds them", finalizers.join(", "))
    };
    let cause = Cause::waiting(
        FindingCode::PodsTerminating,
        format!("{} old pods are past their grace period: {why}", late.len()),
        "Look after the node, or the controller that removes the finalizer.",
    );
    Some(cause.since(time(first, "/metadata/deletionTimestamp")).with("pod", name(first)))
}
