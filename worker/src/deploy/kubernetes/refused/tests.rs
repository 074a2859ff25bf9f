use super::*;

fn asked() -> Asked<'static> {
    let subject = "Deployment web".to_owned();
    Asked { subject, verb: "apply", server: "https://a:6443/", expired: false }
}

fn said(code: u16, message: &str) -> Refusal {
    Refusal::Said(Box::new(Said { code, message: message.to_owned(), ..Said::default() }))
}

fn lost(said: &str) -> Refusal {
    Refusal::Unreachable { said: said.to_owned() }
}

/// What releases from 1.20 on say, and what becomes of it.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn each_refusal_has_its_cause_and_names_what_it_is_about() {
    use FindingCode as Code;
    let cases = [
        (lost("tcp connect error: Connection refused"), Code::ApiUnreachable, "https://a:6443/"),
        (lost("no answer within 60 seconds"), Code::ApiUnreachable, "does not answer"),
        (lost("invalid peer certificate: UnknownIssuer"), Code::TlsRefused, "not the one"),
        (lost("received fatal alert: CertificateExpired"), Code::CredentialsExpired, "client"),
        (said(401, "Unauthorized"), Code::CredentialsRefused, "does not know"),
        (
            said(
                403,
                "deployments.apps \"web\" is forbidden: User \"ci\" cannot patch resource \
                \"deployments\" in API group \"apps\" in the namespace \"shop\"",
            ),
            Code::Forbidden,
            "ci may not patch deployments of apps in namespace shop",
        ),
        (
            said(
                403,
                "namespaces \"x\" is forbidden: User \"ci\" cannot patch resource \
                \"namespaces\" in API group \"\" at the cluster scope",
            ),
            Code::Forbidden,
            "ci may not patch namespaces in the whole cluster",
        ),
        (said(404, "namespaces \"shop\" not found"), Code::NamespaceMissing, "namespace shop"),
        (
            said(
                403,
                "deployments.apps \"web\" is forbidden: unable to create new content in \
                namespace shop because it is being terminated",
            ),
            Code::NamespaceTerminating,
            "being deleted",
        ),
        (
            said(
                500,
                "failed to create typed patch object: .spec.replica: field not declared in \
                schema",
            ),
            Code::UnknownField,
            ".spec.replica",
        ),
        (
            said(
                400,
                "failed to create typed patch object (shop/web; apps/v1, Kind=Deployment): \
                errors:\n  .spec.replica: field not declared in schema\n  .spec.x: field not \
                declared in schema",
            ),
            Code::UnknownField,
            ".spec.replica, .spec.x",
        ),
        (
            said(
                400,
                "Deployment in version \"v1\" cannot be handled as a Deployment: strict \
                decoding error: unknown field \"spec.replica\"",
            ),
            Code::UnknownField,
            "spec.replica",
        ),
        (
            said(
                422,
                "Deployment.apps \"web\" is invalid: spec.selector: Invalid value: {}: \
                field is immutable",
            ),
            Code::ImmutableField,
            "can not be changed",
        ),
        (
            said(
                422,
                "StatefulSet.apps \"db\" is invalid: spec: Forbidden: updates to statefulset \
                spec for fields other than 'replicas', 'template' are forbidden",
            ),
            Code::ImmutableField,
            "can not be changed",
        ),
        (
            said(404, "the server could not find the requested resource"),
            Code::KindUnknown,
            "no such kind",
        ),
        (
            said(400, "admission webhook \"policy.example.com\" denied the request: no :latest"),
            Code::AdmissionDenied,
            "policy.example.com",
        ),
        (
            said(
                422,
                "deployments.apps \"web\" is forbidden: ValidatingAdmissionPolicy 'tags' \
                with binding 'all' denied request: no",
            ),
            Code::AdmissionDenied,
            "tags",
        ),
        (
            said(
                500,
                "Internal error occurred: failed calling webhook \"hook.example.com\": Post \
                \"https://x.y.svc:443/\": dial tcp: connect: connection refused",
            ),
            Code::AdmissionWebhookDown,
            "hook.example.com",
        ),
        (
            said(
                409,
                "Apply failed with 1 conflict: conflict with \"kubectl-client-side-apply\" \
                using apps/v1: .spec.replicas",
            ),
            Code::ApplyConflict,
            "kubectl-client-side-apply",
        ),
        (
            said(
                403,
                "pods \"web\" is forbidden: violates PodSecurity \"restricted:latest\": \
                allowPrivilegeEscalation != false",
            ),
            Code::PodSecurity,
            "pod security",
        ),
        (
            said(
                403,
                "pods \"web\" is forbidden: unable to validate against any pod security \
                policy: []",
            ),
            Code::PodSecurity,
            "pod security",
        ),
        (
            said(403, "pods \"web\" is forbidden: exceeded quota: small, requested: pods=1"),
            Code::QuotaExceeded,
            "small",
        ),
        (
            said(
                403,
                "pods \"web\" is forbidden: error looking up service account shop/web: \
                serviceaccount \"web\" not found",
            ),
            Code::ServiceAccountMissing,
            "shop/web",
        ),
        (
            said(
                403,
                "pods \"web\" is forbidden: maximum memory usage per Container is 64Mi, but \
                limit is 1Gi",
            ),
            Code::LimitRangeViolated,
            "memory",
        ),
        (
            said(
                422,
                "Service \"web\" is invalid: spec.ports[0].nodePort: Invalid value: 30080: \
                provided port is already allocated",
            ),
            Code::NodePortTaken,
            "port",
        ),
        (said(422, "Service \"web\" is invalid: x"), Code::ManifestInvalid, "does not take it"),
        (said(429, "too many requests"), Code::Throttled, "less often"),
        (said(503, "apiserver is shutting down"), Code::ApiUnreachable, "answers 503"),
        (said(418, "a teapot"), Code::Unexplained, "a teapot"),
    ];
    for (refusal, code, expected) in cases {
        let finding = finding(&asked(), &refusal);
        assert_eq!(finding.code, code, "{refusal:?}");
        assert!(finding.sentence.contains(expected), "{refusal:?}: {}", finding.sentence);
        assert_eq!(finding.evidence.len(), 1, "the API's own words are kept");
        assert!(!finding.next.is_empty());
    }
}

#[test]
fn a_token_that_says_itself_that_it_is_old_has_expired() {
    let asked = Asked { expired: true, ..asked() };
    let finding = finding(&asked, &said(401, "Unauthorized"));
    assert_eq!(finding.code, FindingCode::CredentialsExpired);
}

#[test]
fn a_conflict_names_each_field_and_each_manager() {
    let causes =
        [(".spec.replicas", "hpa"), (".spec.paused", "kubectl")].map(|(field, manager)| {
            (field.to_owned(), format!("conflict with \"{manager}\" using apps/v1"))
        });
    let said = Said { code: 409, causes: causes.to_vec(), ..Said::default() };
    let finding = finding(&asked(), &Refusal::Said(Box::new(said)));
    assert_eq!(
        finding.sentence,
        "spec.replicas, spec.paused is set by hpa, kubectl, not by slipway"
    );
}
