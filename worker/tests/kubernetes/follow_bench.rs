//! A namespace of its own on the real cluster, and a rollout that is followed there.

use std::sync::Mutex;
use std::time::Duration;

use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::GroupVersionKind;
use kube::discovery::ApiResource;
use serde_json::{Value, json};
use slipway_pipelines::wire::{Finding, FindingCode};
use slipway_worker::deploy::follow::{Applied, Followed, Set, follow};
use tokio::time::Instant;

/// The registry that the nodes pull from.
const REGISTRY: &str = "127.0.0.1:15000";

/// Long enough for a machine that does much else.
pub(crate) const LONG: Duration = Duration::from_secs(120);

pub(crate) struct Bench {
    pub(crate) client: kube::Client,
    pub(crate) namespace: String,
    /// `127.0.0.1:15000/app@sha256:…`
    pub(crate) image: String,
}

/// What came of following.
pub(crate) struct Told {
    pub(crate) followed: Followed,
    pub(crate) hops: Vec<String>,
    pub(crate) lists: Vec<Vec<Finding>>,
}

impl Told {
    /// The findings of the verdict; a set that is healthy has none.
    pub(crate) fn findings(&self) -> &[Finding] {
        match &self.followed {
            Followed::Healthy { .. } => &[],
            Followed::Doomed { findings, .. } | Followed::Lost { findings, .. } => findings,
        }
    }

    pub(crate) fn finding(&self, code: FindingCode) -> &Finding {
        let found = self.findings().iter().find(|finding| finding.code == code);
        found.unwrap_or_else(|| panic!("no {code}: {:#?}\n{:?}", self.followed, self.hops))
    }

    pub(crate) fn healthy(&self) -> String {
        match &self.followed {
            Followed::Healthy { summary } => summary.join("\n"),
            other => panic!("{other:#?}\n{:?}", self.hops),
        }
    }

    pub(crate) fn doomed(&self) -> &str {
        match &self.followed {
            Followed::Doomed { reason, .. } => reason,
            other => panic!("{other:#?}\n{:?}", self.hops),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "tests are configured by their script")]
fn kubeconfig() -> String {
    std::env::var("SLIPWAY_TEST_KUBECONFIG").expect("these stories need SLIPWAY_TEST_KUBECONFIG")
}

/// How the cluster is reached.
pub(crate) async fn config() -> kube::Config {
    let config = Kubeconfig::read_from(kubeconfig()).expect("a kubeconfig");
    let options = KubeConfigOptions::default();
    kube::Config::from_custom_kubeconfig(config, &options).await.expect("a config")
}

/// Runs a story in a namespace that is gone afterwards, however the story ends.
pub(crate) async fn story<F>(tell: impl FnOnce(std::sync::Arc<Bench>) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let client = kube::Client::try_from(config().await).expect("a client");
    let namespace = format!("explain-{:08x}", rand::random::<u32>());
    let bench = Bench { client, image: digest("app", "1").await, namespace: namespace.clone() };
    let bench = std::sync::Arc::new(bench);
    let spaces = Api::<DynamicObject>::all_with(bench.client.clone(), &resource("Namespace"));
    let space =
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } });
    let space = serde_json::from_value(space).expect("an object");
    spaces.create(&PostParams::default(), &space).await.expect("a namespace");
    let told = tokio::spawn(tell(bench)).await;
    let gone = spaces.delete(&namespace, &Default::default()).await;
    if let Err(panic) = told {
        std::panic::resume_unwind(panic.into_panic());
    }
    gone.expect("the namespace goes");
}

/// The image of the registry by its digest.
async fn digest(repository: &str, tag: &str) -> String {
    let url = format!("http://{REGISTRY}/v2/{repository}/manifests/{tag}");
    let accept = "application/vnd.oci.image.manifest.v1+json, \
                  application/vnd.docker.distribution.manifest.v2+json";
    let client = reqwest::Client::new();
    let answer = client.head(url).header("accept", accept).send().await.expect("the registry");
    let digest = answer.headers().get("docker-content-digest").expect("app:1 is pushed");
    format!("{REGISTRY}/{repository}@{}", digest.to_str().expect("text"))
}

pub(crate) fn resource(kind: &str) -> ApiResource {
    let (group, version, plural) = match kind {
        "Deployment" => ("apps", "v1", "deployments"),
        "StatefulSet" => ("apps", "v1", "statefulsets"),
        "DaemonSet" => ("apps", "v1", "daemonsets"),
        "Job" => ("batch", "v1", "jobs"),
        "Pod" => ("", "v1", "pods"),
        "Node" => ("", "v1", "nodes"),
        "Service" => ("", "v1", "services"),
        "ConfigMap" => ("", "v1", "configmaps"),
        "Namespace" => ("", "v1", "namespaces"),
        "HorizontalPodAutoscaler" => ("autoscaling", "v1", "horizontalpodautoscalers"),
        "LimitRange" => ("", "v1", "limitranges"),
        "ResourceQuota" => ("", "v1", "resourcequotas"),
        "PersistentVolumeClaim" => ("", "v1", "persistentvolumeclaims"),
        other => panic!("{other}"),
    };
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural)
}

impl Bench {
    pub(crate) fn api(&self, kind: &str) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &self.namespace, &resource(kind))
    }

    /// Applies an object as a deploy does.
    pub(crate) async fn apply(&self, kind: &str, name: &str, mut object: Value) -> Applied {
        self.apply_as("slipway", kind, name, &mut object).await
    }

    pub(crate) async fn apply_as(
        &self,
        manager: &str,
        kind: &str,
        name: &str,
        object: &mut Value,
    ) -> Applied {
        let api = resource(kind);
        object["apiVersion"] = api.api_version.clone().into();
        object["kind"] = kind.into();
        object["metadata"]["name"] = name.into();
        let params = PatchParams::apply(manager).force();
        let applied = self.api(kind).patch(name, &params, &Patch::Apply(&*object)).await;
        let applied = applied.unwrap_or_else(|error| panic!("{kind} {name}: {error}"));
        let containers = object.pointer("/spec/template/spec/containers");
        let containers = containers.and_then(Value::as_array).into_iter().flatten();
        let ours = containers.filter(|one| one["image"] == self.image.as_str());
        Applied {
            api,
            namespace: Some(self.namespace.clone()),
            name: name.to_owned(),
            uid: applied.metadata.uid.expect("an id"),
            generation: applied.metadata.generation,
            changed: true,
            images: ours
                .map(|one| (one["name"].as_str().expect("a name").to_owned(), self.image.clone()))
                .collect(),
        }
    }

    /// Follows what was applied.
    pub(crate) async fn follow(
        &self,
        applied: &[Applied],
        soak: Duration,
        within: Duration,
    ) -> Told {
        self.follow_with(&self.client, applied, soak, within, None).await
    }

    pub(crate) async fn follow_with(
        &self,
        client: &kube::Client,
        applied: &[Applied],
        soak: Duration,
        within: Duration,
        previous_rendered: Option<&str>,
    ) -> Told {
        let (hops, lists) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
        let deadline = Instant::now() + within;
        let set = Set { client, applied, soak, deadline, previous_rendered };
        let hop = |name: &str, detail: &str| {
            hops.lock().expect("no panic").push(format!("{name}: {detail}"));
        };
        let found = |list: Vec<Finding>| lists.lock().expect("no panic").push(list);
        let followed = follow(&set, &hop, &found).await;
        let hops = hops.into_inner().expect("no panic");
        Told { followed, hops, lists: lists.into_inner().expect("no panic") }
    }

    /// One container of our image that runs for ever.
    pub(crate) fn container(&self) -> Value {
        json!({ "name": "app", "image": self.image, "command": ["/bin/sleep", "1000000"] })
    }
}

/// A Deployment, StatefulSet or DaemonSet of this container.
pub(crate) fn workload(name: &str, replicas: u32, container: Value) -> Value {
    json!({ "spec": {
        "replicas": replicas,
        "selector": { "matchLabels": { "app": name } },
        "template": {
            "metadata": { "labels": { "app": name } },
            "spec": { "terminationGracePeriodSeconds": 0, "containers": [container] },
        },
    } })
}
