//! What the API refuses is explained before anything changes.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use serde_json::{Value, json};
use slipway_pipelines::wire::FindingCode;
use slipway_worker::deploy::DeployOutcome;

use crate::apply_bench::{APP, Bench, Done, Files, reason, secret};
use crate::apply_stories::{config, web};

fn is(done: &Done, code: FindingCode, sentence: &str) {
    let first = done.findings.first().unwrap_or_else(|| panic!("no finding: {done:?}"));
    assert_eq!(first.code, code, "{done:?}");
    assert!(first.sentence.contains(sentence), "{first:?}");
    assert!(!first.evidence.is_empty() && !first.next.is_empty(), "{first:?}");
    assert!(reason(done).contains(&first.sentence), "{done:?}");
}

#[tokio::test]
async fn a_field_that_the_api_does_not_know_stops_all_before_anything_changes() {
    let bench = Bench::new().await;
    let wrong = web(&format!("{APP}:1")).replace("replicas: 1", "replica: 1");
    let tree = Files(vec![("k8s/a.yaml", config("conf", "1")), ("k8s/b.yaml", wrong)]);
    let done = bench.deploy(&bench.given('a'), &bench.plan(), &tree).await;
    is(&done, FindingCode::UnknownField, "spec.replica");
    assert_eq!(done.findings[0].subject, format!("Deployment web in {}", bench.namespace));
    let all: Api<ConfigMap> = Api::namespaced(bench.client.clone(), &bench.namespace);
    assert!(all.get_opt("conf").await.expect("asked").is_none(), "nothing was applied");
}

#[tokio::test]
async fn fields_that_can_not_change_and_fields_of_others_are_named() {
    let bench = Bench::new().await;
    let image = format!("{APP}:1");
    let tree = Files(vec![("k8s/b.yaml", web(&image))]);
    let done = bench.deploy(&bench.given('a'), &bench.plan(), &tree).await;
    assert_eq!(done.outcome, DeployOutcome::Live, "{}", bench.log.text());
    let other = web(&image).replace("app: web", "app: other");
    let tree = Files(vec![("k8s/b.yaml", other)]);
    let done = bench.deploy(&bench.given('b'), &bench.plan(), &tree).await;
    is(&done, FindingCode::ImmutableField, "spec.selector");

    let all: Api<k8s_openapi::api::apps::v1::Deployment> =
        Api::namespaced(bench.client.clone(), &bench.namespace);
    let taken = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {"replicas": 2}});
    let by = PatchParams::apply("somebody").force();
    all.patch("web", &by, &Patch::Apply(&taken)).await.expect("taken over");
    let tree = Files(vec![("k8s/b.yaml", web(&image))]);
    let done = bench.deploy(&bench.given('c'), &bench.plan(), &tree).await;
    is(&done, FindingCode::ApplyConflict, "spec.replicas is set by somebody");
}

#[tokio::test]
async fn namespaces_and_kinds_that_are_not_there_are_named() {
    let bench = Bench::new().await;
    let mut target = bench.target();
    target.namespace = Some(slipway_pipelines::plan::Template("kube-nowhere".to_owned()));
    let tree = Files(vec![("k8s/a.yaml", config("conf", "1"))]);
    let plan = crate::apply_bench::plan(target);
    let done = bench.deploy(&bench.given('a'), &plan, &tree).await;
    is(&done, FindingCode::NamespaceMissing, "no namespace kube-nowhere");

    let widget = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\n";
    let tree = Files(vec![("k8s/a.yaml", widget.to_owned())]);
    let done = bench.deploy(&bench.given('b'), &bench.plan(), &tree).await;
    let first = &done.findings[0];
    assert_eq!(first.code, FindingCode::KindUnknown);
    assert_eq!(first.sentence, "the cluster has no kind Widget in example.com/v1");

    // A namespace with a finalizer stays in its deletion as long as a story needs.
    let all: Api<Namespace> = Api::all(bench.client.clone());
    let held: Api<ConfigMap> = Api::namespaced(bench.client.clone(), &bench.namespace);
    let hold = json!({"metadata": {"name": "hold", "finalizers": ["stories.example.com/hold"]}});
    let hold: ConfigMap = serde_json::from_value(hold).expect("one");
    held.create(&kube::api::PostParams::default(), &hold).await.expect("made");
    all.delete(&bench.namespace, &DeleteParams::default()).await.expect("it begins to go");
    let tree = Files(vec![("k8s/a.yaml", config("conf", "1"))]);
    let done = bench.deploy(&bench.given('c'), &bench.plan(), &tree).await;
    let let_go = json!({"metadata": {"finalizers": null}});
    held.patch("hold", &PatchParams::default(), &Patch::Merge(&let_go)).await.expect("let go");
    is(&done, FindingCode::NamespaceTerminating, "being deleted");
}

/// A kubeconfig like the bench's with one thing other.
fn changed(bench: &Bench, pointer: &str, value: Value) -> String {
    let mut config: Value = serde_json::from_str(&bench.kubeconfig).expect("JSON");
    *config.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer} is there")) = value;
    config.to_string()
}

#[tokio::test]
async fn who_may_not_come_in_is_told_why() {
    let bench = Bench::new().await;
    let tree = Files(vec![("k8s/a.yaml", config("conf", "1"))]);
    let with = async |kubeconfig: String| {
        let mut given = bench.given('a');
        given.secrets = vec![secret("KUBECONFIG", &kubeconfig)];
        bench.deploy(&given, &bench.plan(), &tree).await
    };
    let token = "/users/0/user/token";
    let done = with(changed(&bench, token, json!("wrong"))).await;
    is(&done, FindingCode::CredentialsRefused, "does not know");
    let old = URL_SAFE_NO_PAD.encode(json!({"exp": 1_000_000}).to_string());
    let done = with(changed(&bench, token, json!(format!("e30.{old}.c2ln")))).await;
    is(&done, FindingCode::CredentialsExpired, "has had its time");
    let server = "/clusters/0/cluster/server";
    let done = with(changed(&bench, server, json!("https://127.0.0.1:1"))).await;
    is(&done, FindingCode::ApiUnreachable, "https://127.0.0.1:1");
    let other = other_certificate();
    let authority = "/clusters/0/cluster/certificate-authority-data";
    let done = with(changed(&bench, authority, json!(STANDARD.encode(other)))).await;
    is(&done, FindingCode::TlsRefused, "is not the one");
    assert!(!bench.log.text().contains(&bench.kubeconfig));
}

/// A certificate that the cluster has nothing to do with.
fn other_certificate() -> Vec<u8> {
    include_bytes!("apply_other_ca.pem").to_vec()
}

#[tokio::test]
async fn a_right_that_is_missing_is_named_with_verb_and_resource() {
    use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
    let bench = Bench::new().await;
    let accounts: Api<ServiceAccount> = Api::namespaced(bench.client.clone(), &bench.namespace);
    let account = json!({"metadata": {"name": "ci"}});
    let account: ServiceAccount = serde_json::from_value(account).expect("one");
    accounts.create(&kube::api::PostParams::default(), &account).await.expect("made");
    let named = json!({"metadata": {"name": "ci-token", "annotations":
        {"kubernetes.io/service-account.name": "ci"}}, "type": "kubernetes.io/service-account-token"});
    let secrets: Api<Secret> = Api::namespaced(bench.client.clone(), &bench.namespace);
    let named: Secret = serde_json::from_value(named).expect("one");
    secrets.create(&kube::api::PostParams::default(), &named).await.expect("made");
    let until = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    let token = loop {
        let found = secrets.get("ci-token").await.expect("there").data.unwrap_or_default();
        if let Some(token) = found.get("token") {
            break String::from_utf8(token.0.clone()).expect("text");
        }
        assert!(tokio::time::Instant::now() < until, "the cluster makes no token");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    };
    let kubeconfig = changed(&bench, "/users/0/user/token", json!(token));
    let mut given = bench.given('a');
    given.secrets = vec![secret("KUBECONFIG", &kubeconfig)];
    let tree = Files(vec![("k8s/a.yaml", web(&format!("{APP}:1")))]);
    let done = bench.deploy(&given, &bench.plan(), &tree).await;
    let ns = &bench.namespace;
    let sentence = format!(
        "system:serviceaccount:{ns}:ci may not patch deployments of apps in namespace {ns}"
    );
    is(&done, FindingCode::Forbidden, &sentence);
    let all: Api<k8s_openapi::api::apps::v1::Deployment> =
        Api::namespaced(bench.client.clone(), ns);
    assert!(all.list(&ListParams::default()).await.expect("listed").items.is_empty());
}
