//! What a small cluster can not be made to do: an API that is played, request by request.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use serde_json::{Value, json};
use slipway_pipelines::plan::{DeployPlan, KubernetesDeploy, Provider, Template};
use slipway_pipelines::wire::{DeployProgress, Finding, FindingCode};
use slipway_worker::deploy::{DeployOutcome, WorkTree, deploy};
use tokio::net::TcpListener;

use crate::bench::{Bench, packed, secret};
use crate::registry::planned;

/// Serves one ConfigMap's kind; what a request to apply is answered with is played.
struct Api {
    address: String,
    played: Arc<Played>,
}

#[derive(Default)]
struct Played {
    /// Answers to requests that apply, in their order; without one more it is taken.
    answers: Mutex<VecDeque<Answer>>,
    authorizations: Mutex<Vec<String>>,
    /// Objects by their paths, as they were applied.
    objects: Mutex<BTreeMap<String, Value>>,
    /// What the token endpoint was given.
    assertions: Mutex<Vec<String>>,
}

/// Status, headers, message.
type Answer = (u16, Vec<(&'static str, &'static str)>, &'static str);

impl Api {
    async fn start(answers: Vec<Answer>) -> Self {
        let played = Arc::new(Played { answers: Mutex::new(answers.into()), ..Played::default() });
        let app = Router::new().fallback(answer).with_state(Arc::clone(&played));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, played }
    }

    fn kubeconfig(&self, user: &Value) -> String {
        json!({"apiVersion": "v1", "kind": "Config", "current-context": "t",
            "clusters": [{"name": "c", "cluster": {"server": self.address}}],
            "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "t", "context": {"cluster": "c", "user": "u"}}]})
        .to_string()
    }

    /// Deploys one ConfigMap; the findings, and how it ended.
    async fn deploy(&self, bench: &Bench, user: &Value, more: &[(&str, &str)]) -> Done {
        self.deploy_tree(bench, user, more, &Tree(CONF)).await
    }

    async fn deploy_tree(
        &self,
        bench: &Bench,
        user: &Value,
        more: &[(&str, &str)],
        tree: &Tree,
    ) -> Done {
        let mut given = bench.given('a');
        given.secrets = vec![secret("KUBECONFIG", &self.kubeconfig(user))];
        given.secrets.extend(more.iter().map(|(name, value)| secret(name, value)));
        let mut ctx = bench.deploying(&given);
        ctx.tree = Some(tree);
        let outcome = Box::pin(deploy(&ctx, &plan())).await.outcome;
        let mut findings = bench.reported().into_iter().filter_map(|one| match one {
            DeployProgress::Findings { findings } => Some(findings),
            _ => None,
        });
        (outcome, findings.next_back().unwrap_or_default())
    }
}

type Done = (DeployOutcome, Vec<Finding>);

/// The one file of a work tree.
struct Tree(&'static str);

const CONF: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf}\ndata: {a: b}\n";
const CONF_PATH: &str = "/api/v1/namespaces/default/configmaps/conf";
const DEFINITION_PATH: &str =
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com";

impl WorkTree for Tree {
    fn tar(&self) -> BoxStream<'_, Result<Bytes, String>> {
        let tar = packed(&[("app/k8s/a.yaml", self.0)]);
        futures::stream::iter([Ok(Bytes::from(tar))]).boxed()
    }
}

fn plan() -> DeployPlan {
    planned(Provider::Kubernetes(Box::new(KubernetesDeploy {
        manifests: vec![Template("k8s".to_owned())],
        namespace: None,
        context: None,
        kubeconfig: Some(Template("$KUBECONFIG".to_owned())),
        images: Vec::new(),
        vars: Vec::new(),
        prune: false,
    })))
}

async fn answer(State(played): State<Arc<Played>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.expect("a small body");
    if parts.uri.path() == "/token" {
        let form = url::form_urlencoded::parse(&body);
        let given = form.into_owned().find(|(name, _)| name == "assertion");
        let given = given.expect("an assertion").1;
        played.assertions.lock().expect("no story panics here").push(given);
        return axum::Json(json!({"access_token": "from-google", "expires_in": 3600}))
            .into_response();
    }
    note(&played, &parts.headers);
    let path = parts.uri.path().to_owned();
    let trying = parts.uri.query().unwrap_or_default().contains("dryRun=All");
    let next = || played.answers.lock().expect("no story panics here").pop_front();
    let objects = || played.objects.lock().expect("no story panics here");
    if parts.method == Method::GET {
        let defined = objects().contains_key(DEFINITION_PATH);
        return match served(&path, defined).or_else(|| objects().get(&path).cloned()) {
            Some(found) => axum::Json(found).into_response(),
            None => said(404, &[], "not found"),
        };
    }
    let played_now = if path == CONF_PATH { next() } else { None };
    let (status, headers, message) = played_now.unwrap_or((200, Vec::new(), ""));
    if status != 200 {
        return said(status, &headers, message);
    }
    let mut object: Value = serde_json::from_slice(&body).expect("what is applied");
    object["metadata"]["uid"] = json!("00000000-0000-0000-0000-000000000001");
    object["metadata"]["resourceVersion"] = json!("1");
    if !trying {
        objects().insert(path, object.clone());
    }
    let mut answer = axum::Json(object).into_response();
    for (name, value) in headers {
        answer.headers_mut().append(name, value.parse().expect("a header"));
    }
    answer
}

/// The kinds of this API; one comes with its definition.
fn served(path: &str, defined: bool) -> Option<Value> {
    let one = |name: &str, kind: &str, namespaced: bool| {
        json!({"kind": "APIResourceList", "resources":
            [{"name": name, "kind": kind, "namespaced": namespaced}]})
    };
    match path {
        "/api/v1" => Some(one("configmaps", "ConfigMap", true)),
        "/apis/apiextensions.k8s.io/v1" => {
            Some(one("customresourcedefinitions", "CustomResourceDefinition", false))
        }
        "/apis/example.com/v1" if defined => Some(one("widgets", "Widget", true)),
        _ => None,
    }
}

fn note(played: &Played, headers: &HeaderMap) {
    let text = headers.get("authorization").and_then(|value| value.to_str().ok());
    let mut all = played.authorizations.lock().expect("no story panics here");
    all.push(text.unwrap_or_default().to_owned());
}

fn said(status: u16, headers: &[(&str, &str)], message: &str) -> Response {
    let mut answer = Response::builder().status(status);
    for (name, value) in headers {
        answer = answer.header(*name, *value);
    }
    let body = json!({"kind": "Status", "code": status, "message": message});
    answer.body(Body::from(body.to_string())).expect("an answer")
}

fn token() -> Value {
    json!({"token": "x"})
}

#[tokio::test]
async fn an_api_that_asks_to_wait_is_asked_again_when_it_says() {
    let bench = Bench::new().await;
    let busy = (429, vec![("retry-after", "1")], "too many requests");
    let api = Api::start(vec![busy.clone(), busy]).await;
    let (outcome, findings) = api.deploy(&bench, &token(), &[]).await;
    assert_eq!(outcome, DeployOutcome::Live, "{findings:?}\n{}", bench.log.text());
    let text = bench.log.text();
    assert!(text.contains("The API of the cluster is asked again after 1 s"), "{text}");

    let api = Api::start(vec![(429, vec![("retry-after", "3600")], "too many requests")]).await;
    let long = tokio::time::Instant::now() + Duration::from_secs(60);
    let (_, findings) = api.deploy(&bench, &token(), &[]).await;
    assert!(tokio::time::Instant::now() < long, "nobody waits an hour");
    assert_eq!(findings[0].code, FindingCode::Throttled);
    assert!(findings[0].sentence.contains("again after 3600 s"), "{findings:?}");
}

#[tokio::test]
async fn a_kind_that_comes_with_the_deploy_is_applied_after_its_definition() {
    let bench = Bench::new().await;
    let api = Api::start(Vec::new()).await;
    let widget = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\nsize: 3\n";
    let (_, findings) = api.deploy_tree(&bench, &token(), &[], &Tree(widget)).await;
    assert_eq!(findings[0].code, FindingCode::KindUnknown, "{findings:?}");
    let both = Tree(
        "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\nsize: 3\n---\n\
         apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: \
         widgets.example.com}\nspec: {group: example.com, names: {kind: Widget}}\n",
    );
    let (outcome, _) = api.deploy_tree(&bench, &token(), &[], &both).await;
    assert_eq!(outcome, DeployOutcome::Live, "{}", bench.log.text());
    let objects = api.played.objects.lock().expect("no story panics here").clone();
    let widget = &objects["/apis/example.com/v1/namespaces/default/widgets/w"];
    assert_eq!(widget["size"], 3);
}

#[tokio::test]
async fn who_guards_the_cluster_is_named() {
    let bench = Bench::new().await;
    for (status, message, code) in [
        (
            400,
            "admission webhook \"policy.example.com\" denied the request: no",
            FindingCode::AdmissionDenied,
        ),
        (
            500,
            "Internal error occurred: failed calling webhook \"hook.example.com\": Post \
             \"https://hook.x.svc:443/\": dial tcp 10.0.0.1:443: connect: connection refused",
            FindingCode::AdmissionWebhookDown,
        ),
        (
            403,
            "pods \"web\" is forbidden: violates PodSecurity \"restricted:latest\": \
             runAsNonRoot != true",
            FindingCode::PodSecurity,
        ),
        (503, "the server is currently unable", FindingCode::ApiUnreachable),
    ] {
        let api = Api::start(vec![(status, vec![], message)]).await;
        let (outcome, findings) = api.deploy(&bench, &token(), &[]).await;
        assert!(matches!(outcome, DeployOutcome::Failed { .. }), "{outcome:?}");
        assert_eq!(findings[0].code, code);
        assert!(findings[0].evidence[0].text.contains(message), "{findings:?}");
    }
}

#[tokio::test]
async fn warnings_of_the_api_are_in_the_log_once() {
    let bench = Bench::new().await;
    let warning = vec![("warning", "299 - \"would violate PodSecurity \\\"restricted\\\"\"")];
    let api = Api::start(vec![(200, warning.clone(), ""), (200, warning, "")]).await;
    let (outcome, _) = api.deploy(&bench, &token(), &[]).await;
    assert_eq!(outcome, DeployOutcome::Live, "{}", bench.log.text());
    let text = bench.log.text();
    let line = "Warning of the API: would violate PodSecurity \"restricted\"\n";
    assert_eq!(text.matches(line).count(), 1, "{text}");
}

#[tokio::test]
async fn a_user_of_eks_signs_each_request_with_the_steps_keys() {
    let bench = Bench::new().await;
    let api = Api::start(Vec::new()).await;
    let user = json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": "aws", "args": ["--region", "eu-west-1", "eks", "get-token",
        "--cluster-name", "prod"]}});
    let keys = [("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "s3cret-k3y")];
    let (outcome, _) = api.deploy(&bench, &user, &keys).await;
    assert_eq!(outcome, DeployOutcome::Live, "{}", bench.log.text());
    let all = api.played.authorizations.lock().expect("no story panics here").clone();
    assert!(!all.is_empty());
    for one in all {
        let token = one.strip_prefix("Bearer k8s-aws-v1.").expect("a token of EKS");
        let url = URL_SAFE_NO_PAD.decode(token).expect("base64");
        let url = String::from_utf8(url).expect("text");
        assert!(url.starts_with("https://sts.eu-west-1.amazonaws.com/?Action="), "{url}");
        assert!(url.contains("x-k8s-aws-id") && !url.contains("s3cret"), "{url}");
    }
    let (outcome, _) = api.deploy(&bench, &user, &[]).await;
    let DeployOutcome::Failed { reason } = outcome else { panic!("it had no keys") };
    assert!(reason.contains("set the secret AWS_ACCESS_KEY_ID"), "{reason}");
}

#[tokio::test]
async fn a_user_of_gke_gets_a_token_for_the_key_of_a_service_account() {
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    use aws_lc_rs::signature::KeyPair as _;
    let bench = Bench::new().await;
    let api = Api::start(Vec::new()).await;
    let size = aws_lc_rs::rsa::KeySize::Rsa2048;
    let pair = aws_lc_rs::rsa::KeyPair::generate(size).expect("a key can be made");
    let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).expect("it can be written");
    let text = STANDARD.encode(der.as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
    let endpoint = format!("{}/token", api.address);
    let key = json!({"type": "service_account", "client_email": "ci@p.iam.gserviceaccount.com",
        "private_key": pem, "private_key_id": "k1", "token_uri": endpoint});
    let user = json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": "gke-gcloud-auth-plugin", "provideClusterInfo": true}});
    let key = [("GOOGLE_APPLICATION_CREDENTIALS_JSON", key.to_string())];
    let key = key.each_ref().map(|(name, value)| (*name, value.as_str()));
    let (outcome, _) = api.deploy(&bench, &user, &key).await;
    assert_eq!(outcome, DeployOutcome::Live, "{}", bench.log.text());
    let all = api.played.authorizations.lock().expect("no story panics here").clone();
    assert!(!all.is_empty() && all.iter().all(|one| one == "Bearer from-google"), "{all:?}");
    // Google holds the public half: what it was given is signed with ours, and says for whom.
    let given = api.played.assertions.lock().expect("no story panics here")[0].clone();
    let public = jsonwebtoken::DecodingKey::from_rsa_der(pair.public_key().as_ref());
    let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    rules.set_audience(&[&endpoint]);
    let claims = jsonwebtoken::decode::<Value>(&given, &public, &rules).expect("it is ours").claims;
    assert_eq!(claims["iss"], "ci@p.iam.gserviceaccount.com");
}

#[tokio::test]
async fn the_workers_own_identity_is_not_taken_unless_that_is_allowed() {
    let bench = Bench::new().await;
    let given = bench.given('a');
    let mut plan = plan();
    let Provider::Kubernetes(target) = &mut plan.provider else { panic!("it is Kubernetes") };
    target.kubeconfig = None;
    let tree = Tree(CONF);
    let mut ctx = bench.deploying(&given);
    ctx.tree = Some(&tree);
    let outcome = Box::pin(deploy(&ctx, &plan)).await.outcome;
    let DeployOutcome::Failed { reason } = outcome else { panic!("it went in") };
    assert!(reason.contains("there is no kubeconfig"), "{reason}");
    ctx.ambient = true;
    let outcome = Box::pin(deploy(&ctx, &plan)).await.outcome;
    let DeployOutcome::Failed { reason } = outcome else { panic!("there is no cluster around") };
    assert!(reason.contains("no identity of its own in a cluster"), "{reason}");
}
