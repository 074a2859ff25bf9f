//! What the API refuses, explained: which of the causes it is, and what to do about it.

mod patterns;

use slipway_pipelines::wire::{Finding, FindingCode, FindingVerdict};

use super::ask::{Refusal, Said};
use patterns::{all, first};

/// What was asked for, for sentences.
#[derive(Clone, Debug)]
pub(super) struct Asked<'a> {
    /// `Deployment web`.
    pub(super) subject: String,
    /// `apply`, `delete`, `read`.
    pub(super) verb: &'static str,
    /// The API's address.
    pub(super) server: &'a str,
    /// When the step's token had its time, where it says that itself.
    pub(super) expired: bool,
}

/// The finding for a refusal.
pub(super) fn finding(asked: &Asked<'_>, refusal: &Refusal) -> Finding {
    let (said, cause) = match refusal {
        Refusal::Unreachable { said } => (said.clone(), unreachable(asked, said)),
        Refusal::Said(said) => (evidence(said), refused(asked, said)),
    };
    let Cause { code, verdict, sentence, next } = cause;
    let source = format!("the API, asked to {} {}", asked.verb, asked.subject);
    Finding::new(code, verdict, &asked.subject, sentence, next).seen(source, said)
}

fn evidence(said: &Said) -> String {
    let Said { code, reason, message, .. } = said;
    format!("{code} {reason}: {message}").replace(" : ", ": ")
}

struct Cause {
    code: FindingCode,
    verdict: FindingVerdict,
    sentence: String,
    next: String,
}

fn fatal(code: FindingCode, sentence: impl Into<String>, next: impl Into<String>) -> Cause {
    let (sentence, next) = (sentence.into(), next.into());
    Cause { code, verdict: FindingVerdict::Fatal, sentence, next }
}

fn transient(code: FindingCode, sentence: impl Into<String>, next: impl Into<String>) -> Cause {
    Cause { verdict: FindingVerdict::Transient, ..fatal(code, sentence, next) }
}

/// Is this about certificates?
pub(super) fn is_tls(said: &str) -> bool {
    let said = said.to_lowercase();
    ["certificate", "unknownissuer", "fatal alert", "corrupt message", "tls"]
        .iter()
        .any(|word| said.contains(word))
}

fn unreachable(asked: &Asked<'_>, said: &str) -> Cause {
    let server = asked.server;
    // An alert is what the API says of our certificate.
    if said.to_lowercase().contains("alert: certificateexpired") {
        return fatal(
            FindingCode::CredentialsExpired,
            "the client certificate of the kubeconfig has had its time",
            "put a new client certificate into the kubeconfig's secret",
        );
    }
    if is_tls(said) {
        return fatal(
            FindingCode::TlsRefused,
            format!("the certificate that {server} shows is not the one the kubeconfig trusts"),
            "put the cluster's own certificate-authority-data into the kubeconfig's secret, and \
             the host name that the certificate is for into `server`",
        );
    }
    transient(
        FindingCode::ApiUnreachable,
        format!("the API at {server} does not answer the worker"),
        "see that the cluster runs and that the worker's network lets it reach this address",
    )
}

fn refused(asked: &Asked<'_>, said: &Said) -> Cause {
    match said.code {
        401 => unauthorized(asked),
        429 => {
            let after = said.retry_after.map(|after| format!(" (again after {after} s)"));
            transient(
                FindingCode::Throttled,
                format!("the API asks to be asked less often{}", after.unwrap_or_default()),
                "deploy again later; if it stays so, somebody else keeps the API busy",
            )
        }
        502..=504 => transient(
            FindingCode::ApiUnreachable,
            format!("the API at {} answers {}", asked.server, said.code),
            "deploy again when the API serves; its provider's status page may say more",
        ),
        _ => admission(said)
            .or_else(|| schema(said))
            .or_else(|| place(said))
            .unwrap_or_else(|| by_code(asked, said)),
    }
}

fn unauthorized(asked: &Asked<'_>) -> Cause {
    if asked.expired {
        return fatal(
            FindingCode::CredentialsExpired,
            "the token of the kubeconfig has had its time",
            "put a new token into the kubeconfig's secret, best one of a service account",
        );
    }
    fatal(
        FindingCode::CredentialsRefused,
        "the API does not know who the kubeconfig's user is",
        "put a token or a certificate that this cluster accepts into the kubeconfig's secret",
    )
}

/// Those who look at an object before it is stored.
fn admission(said: &Said) -> Option<Cause> {
    let message = &said.message;
    if let Some([name]) = first(r#"admission webhook "([^"]+)" denied"#, message) {
        return Some(fatal(
            FindingCode::AdmissionDenied,
            format!("the admission webhook {name} does not allow it"),
            "change the manifest as the webhook says, or ask who runs it",
        ));
    }
    if let Some([name]) = first(r#"failed calling webhook "([^"]+)""#, message) {
        return Some(transient(
            FindingCode::AdmissionWebhookDown,
            format!("the admission webhook {name} does not answer, so the API takes nothing"),
            "see that the webhook's pods run, or remove its configuration, then deploy again",
        ));
    }
    if let Some([name]) = first(r"ValidatingAdmissionPolicy '([^']+)'", message) {
        return Some(fatal(
            FindingCode::AdmissionDenied,
            format!("the admission policy {name} does not allow it"),
            "change the manifest as the policy says, or ask who made it",
        ));
    }
    if message.contains("violates PodSecurity")
        || message.contains("validate against any pod security policy")
        || message.contains("validate against any security context constraint")
    {
        return Some(fatal(
            FindingCode::PodSecurity,
            "the namespace's rules of pod security forbid these pods",
            "give the pods the securityContext that the message names, or another namespace",
        ));
    }
    if let Some([quota]) = first(r"exceeded quota: ([^,]+),", message) {
        return Some(fatal(
            FindingCode::QuotaExceeded,
            format!("the quota {quota} of the namespace has no room for it"),
            "raise the quota, ask for less, or delete what is not needed",
        ));
    }
    if let Some([account]) = first(r"error looking up service account ([^:]+):", message) {
        return Some(fatal(
            FindingCode::ServiceAccountMissing,
            format!("the service account {account} is not there"),
            "add the ServiceAccount to the manifests",
        ));
    }
    let range = first(r"(?:maximum|minimum) (\S+) usage per \w+ is", message);
    range.map(|[resource]| {
        fatal(
            FindingCode::LimitRangeViolated,
            format!("a limit range of the namespace forbids this {resource}"),
            "set requests and limits within the range that the message names",
        )
    })
}

/// Fields that are not known, not allowed to change, or somebody else's.
fn schema(said: &Said) -> Option<Cause> {
    let message = &said.message;
    if let Some(fields) = patterns::unknown_fields(message) {
        return Some(fatal(
            FindingCode::UnknownField,
            format!("the API does not know {fields}"),
            "correct the field's name or its place, or use the apiVersion that has it",
        ));
    }
    let conflicts = all(r#"conflict with "([^"]+)""#, &patterns::with_causes(said));
    if said.code == 409 && !conflicts.is_empty() {
        let fields = patterns::fields(said);
        let managers = conflicts.join(", ");
        return Some(fatal(
            FindingCode::ApplyConflict,
            format!("{fields} is set by {managers}, not by slipway"),
            "leave the field out of the manifest if the other one is to set it; else take it \
             over once: `kubectl apply --server-side --force-conflicts --field-manager=slipway`",
        ));
    }
    if message.contains("field is immutable")
        || message.contains("updates to statefulset spec for fields other than")
        || message.contains("may not change once set")
        || message.contains("is immutable after creation")
    {
        return Some(fatal(
            FindingCode::ImmutableField,
            format!("{} can not be changed once it is there", patterns::fields(said)),
            "give it a new name, or delete the object and deploy again; a Job that is to run at \
             each deploy belongs into `migrate:`",
        ));
    }
    message.contains("provided port is already allocated").then(|| {
        fatal(
            FindingCode::NodePortTaken,
            "another service has this port of the nodes",
            "write another nodePort, or none",
        )
    })
}

/// Where it was to go.
fn place(said: &Said) -> Option<Cause> {
    let message = &said.message;
    if message.contains("because it is being terminated") {
        return Some(fatal(
            FindingCode::NamespaceTerminating,
            "the namespace is being deleted and takes nothing new",
            "wait until it is gone and deploy again, or use another namespace",
        ));
    }
    let missing = first(r#"^namespaces "([^"]+)" not found"#, message);
    missing.map(|[name]| {
        fatal(
            FindingCode::NamespaceMissing,
            format!("there is no namespace {name}"),
            "add the Namespace to the manifests, or correct `namespace:`",
        )
    })
}

fn by_code(asked: &Asked<'_>, said: &Said) -> Cause {
    match said.code {
        403 => forbidden(said),
        404 if said.message.contains("could not find the requested resource") => fatal(
            FindingCode::KindUnknown,
            "the API has no such kind",
            "install what brings the kind, or use the apiVersion that this cluster has",
        ),
        400 | 413 | 415 | 422 => fatal(
            FindingCode::ManifestInvalid,
            format!("the API does not take it: {}", patterns::short(said)),
            "correct the manifest",
        ),
        code => transient(
            FindingCode::Unexplained,
            format!("the API would not {} it ({code}): {}", asked.verb, patterns::short(said)),
            "the evidence has the API's own words",
        ),
    }
}

fn forbidden(said: &Said) -> Cause {
    let pattern = r#"User "([^"]*)" cannot (\S+) resource "([^"]*)""#;
    let Some([user, verb, resource]) = first(pattern, &said.message) else {
        return fatal(
            FindingCode::Forbidden,
            format!("the API forbids it: {}", patterns::short(said)),
            "see which right the message names",
        );
    };
    let group = first(r#"in API group "([^"]+)""#, &said.message);
    let of = group.map(|[group]| format!(" of {group}")).unwrap_or_default();
    let place = match first(r#"in the namespace "([^"]*)""#, &said.message) {
        Some([namespace]) => format!("in namespace {namespace}"),
        None => "in the whole cluster".to_owned(),
    };
    fatal(
        FindingCode::Forbidden,
        format!("{user} may not {verb} {resource}{of} {place}"),
        format!("give the kubeconfig's user a role that may {verb} {resource} there"),
    )
}

#[cfg(test)]
mod tests;
