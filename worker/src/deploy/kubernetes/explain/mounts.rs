//! Why a pod has a node and does not begin: its sandbox, its network, its volumes.

use serde_json::Value;
use slipway_pipelines::wire::FindingCode;

use super::cause::Cause;
use super::read::between;

/// The cause behind an event about a pod whose containers do not begin.
pub(super) fn event_cause(reason: &str, said: &str) -> Option<Cause> {
    match reason {
        "FailedCreatePodSandBox" | "FailedCreatePodSandbox" | "NetworkNotReady" => {
            Some(sandbox(said))
        }
        "FailedAttachVolume" | "FailedMount" => Some(volume(said)),
        _ => None,
    }
}

fn sandbox(said: &str) -> Cause {
    let lower = said.to_lowercase();
    let spent = ["no ip addresses available", "no available ip", "failed to allocate for range"]
        .iter()
        .any(|part| lower.contains(part))
        || lower.contains("insufficient") && lower.contains("ip");
    if spent {
        let range = between(said, "range set: ", "\"").or_else(|| between(said, "range ", ":"));
        let range = range.map(|range| format!(" (range {})", range.trim())).unwrap_or_default();
        return Cause::waiting(
            FindingCode::PodAddressesExhausted,
            format!("the node has no address left for a pod{range}: no IP addresses available"),
            "Give the nodes a larger range of pod addresses, or add nodes.",
        );
    }
    Cause::transient(
        FindingCode::SandboxFailed,
        "the network or the sandbox of the pod can not be made",
        "Look after the node's network plugin and container runtime.",
    )
}

fn volume(said: &str) -> Cause {
    if said.contains("Multi-Attach") || said.contains("already exclusively attached") {
        return Cause::waiting(
            FindingCode::VolumeMultiAttach,
            "the volume is attached to the node of another pod",
            "Let the old pod end first: strategy Recreate, or a volume that many may mount.",
        );
    }
    named(said).unwrap_or_else(|| {
        Cause::transient(
            FindingCode::ContainerConfigError,
            "a volume of the pod can not be mounted",
            "Read the event; see the volume and its driver.",
        )
    })
}

/// The cause where a secret, config map or key that is named is not there.
pub(super) fn named(said: &str) -> Option<Cause> {
    let lower = said.to_lowercase();
    let key = between(said, "non-existent config key: ", " ")
        .or_else(|| between(said, "non-existent secret key: ", " "))
        .or_else(|| between(said, "couldn't find key ", " "));
    if let Some(key) = key {
        let key = key.trim_matches(['"', '.', ',']);
        let home = between(said, " in ", "\n").map(|home| format!(" in {home}"));
        let sentence = format!("there is no key {key}{}", home.unwrap_or_default());
        let next = "Add the key, or correct the name that the pod asks for.";
        return Some(Cause::fatal(FindingCode::KeyMissing, sentence, next));
    }
    if !lower.contains("not found") {
        return None;
    }
    let (code, what) = if lower.contains("configmap \"") {
        (FindingCode::ConfigMapMissing, "configmap")
    } else if lower.contains("secret \"") {
        (FindingCode::SecretMissing, "secret")
    } else {
        return None;
    };
    let name = said.split(&format!("{what} \"")).nth(1).and_then(|rest| rest.split('"').next());
    let what = if what == "secret" { "secret" } else { "config map" };
    let sentence = format!("the {what} {} is not there", name.unwrap_or_default());
    let next = format!("Make the {what} in the namespace, or correct the name in the pod.");
    Some(Cause::fatal(code, sentence, &next))
}

/// The cause of `CreateContainerConfigError` and its kin.
pub(super) fn config(container: &str, waiting: &Value) -> Cause {
    let said = super::read::text(waiting, "/message");
    let source = format!("container {container}");
    let cause = named(said).unwrap_or_else(|| {
        Cause::fatal(
            FindingCode::ContainerConfigError,
            format!("container {container} can not be made as it is described: {said}"),
            "Correct what the message names.",
        )
    });
    cause.with(source, said)
}
