//! Why a controller may not make pods, from the words of the API.

use slipway_pipelines::wire::FindingCode;

use super::cause::Cause;
use super::quantity::{milli, shown};
use super::read::between;

/// The cause behind a `FailedCreate`; `missing` pods are still wanted.
pub(super) fn cause(said: &str, missing: i64) -> Cause {
    use FindingCode as Code;
    if let Some(quota) = between(said, "exceeded quota: ", ",") {
        let next = "Raise the quota, ask for less, or remove what is not needed.";
        return Cause::waiting(Code::QuotaExceeded, arithmetic(quota, said, missing), next);
    }
    if let Some(quota) = between(said, "failed quota: ", ":") {
        let must = between(said, "must specify ", "\n").unwrap_or_default();
        let sentence = format!("quota {quota} wants every pod to say its {must}");
        let next = "Add these requests and limits to the containers.";
        return Cause::fatal(Code::QuotaExceeded, sentence, next);
    }
    if said.contains("service account") && said.contains("not found") {
        let account = between(said, "serviceaccount \"", "\"").unwrap_or_default();
        let sentence = format!("the service account {account} is not there");
        let next = "Apply the service account, too, or correct serviceAccountName.";
        // The one named `default` is made by the cluster, a moment after its namespace.
        let new = if account == "default" { Cause::waiting } else { Cause::fatal };
        return new(Code::ServiceAccountMissing, sentence, next);
    }
    if said.contains("violates PodSecurity") || said.contains("pod security policy") {
        let sentence = "the rules of pod security of the namespace forbid the pods";
        let next = "Correct the securityContext of the pods as the message says.";
        return Cause::fatal(Code::PodSecurity, sentence, next);
    }
    if let Some(hook) = between(said, "failed calling webhook \"", "\"") {
        let sentence = format!("the admission webhook {hook} does not answer");
        let next = "Look after the webhook's own service and pods.";
        return Cause::waiting(Code::AdmissionWebhookDown, sentence, next);
    }
    if let Some(hook) = between(said, "admission webhook \"", "\"") {
        let why = between(said, "denied the request: ", "\n").unwrap_or_default();
        let sentence = format!("the admission webhook {hook} said no: {why}");
        return Cause::fatal(Code::AdmissionDenied, sentence, "Correct what the webhook names.");
    }
    let limits = ["usage per Container", "usage per Pod", "max limit to request ratio"];
    if limits.iter().any(|part| said.contains(part)) {
        let rule = between(said, "is forbidden: ", "\n").unwrap_or(said);
        let sentence = format!("a limit range of the namespace forbids the pods: {rule}");
        let next = "Correct the containers' requests and limits, or the limit range.";
        return Cause::fatal(Code::LimitRangeViolated, sentence, next);
    }
    Cause::transient(
        Code::ReplicaFailure,
        "the controller can not make the pods",
        "Read the API's answer in the evidence.",
    )
}

/// `quota q: pods 16 of 16 used, 14 more are wanted`.
fn arithmetic(quota: &str, said: &str, missing: i64) -> String {
    let part = |from: &str, to: &str| pairs(between(said, from, to).unwrap_or_default());
    let asked = part("requested: ", ", used: ");
    let used = part("used: ", ", limited: ");
    let hard = part("limited: ", "\n");
    let of = |all: &[(String, i128)], key: &str| {
        all.iter().find(|(name, _)| name == key).map(|(_, amount)| *amount).unwrap_or_default()
    };
    let mut said: Vec<String> = Vec::new();
    for (resource, ask) in &asked {
        let (used, hard) = (of(&used, resource), of(&hard, resource));
        if used + ask <= hard {
            continue;
        }
        let (used, hard) = (shown(resource, used), shown(resource, hard));
        said.push(if resource.ends_with("pods") {
            format!("{resource} {used} of {hard} used")
        } else {
            let ask = shown(resource, *ask);
            format!("{resource} {used} of {hard} used, each pod asks for {ask}")
        });
    }
    let more = if missing > 0 {
        format!(", {missing} more {} wanted", if missing == 1 { "is" } else { "are" })
    } else {
        String::new()
    };
    format!("quota {quota}: {}{more}", said.join(", "))
}

fn pairs(text: &str) -> Vec<(String, i128)> {
    let pair = |one: &str| {
        let (key, value) = one.split_once('=')?;
        Some((key.trim().to_owned(), milli(value)?))
    };
    text.split(',').filter_map(pair).collect()
}
