//! The same of a Kubernetes cluster: what the cluster itself says and when, by a watch of the
//! bench's own, against what Slipway says and when; and the calls of the API that a deployment
//! takes, counted by a proxy between the worker and the cluster.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use chrono::{DateTime, Utc};
use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{Api, DeleteParams, ListParams, ObjectMeta, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Client, Config};
use reqwest::Client as Http;
use serde_json::json;

use super::super::figures::{Figure, Goal};
use super::super::installation::{Installation, Repo};
use super::super::job::{fetch, repository_of};
use super::super::webhook::{deliver, push};
use super::proxy::Proxy;
use super::{FAILED_WITHIN, Kind, LIVE_WITHIN, SOAK, longest, until_decided};

const NAME: &str = "bench/cluster";
const SECRET: &str = "BENCH_KUBECONFIG";
/// For what the cluster says of one deployment.
const PATIENCE: Duration = Duration::from_secs(300);
/// Of the API, for one deployment, however long its soak: lists and watches, and the objects
/// themselves, but no polling.
const CALLS: f64 = 60.0;

struct Side {
    repo: Repo,
    client: Client,
    proxy: Proxy,
    namespace: String,
    image: String,
    number: u32,
    dir: tempfile::TempDir,
}

/// Measures so many good and so many doomed deployments, in turns.
pub(in super::super) async fn run(
    installation: &mut Installation,
    times: u32,
    (kubeconfig, image): (&Path, &str),
) -> Result<Vec<Figure>> {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).context("the kubeconfig can't be used")?;
    let options = KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await?;
    let client = Client::try_from(config)?;
    let namespace = format!("slipway-bench-{}", hex::encode(rand::random::<[u8; 4]>()));
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let metadata = ObjectMeta { name: Some(namespace.clone()), ..ObjectMeta::default() };
    let made = Namespace { metadata, ..Namespace::default() };
    namespaces.create(&PostParams::default(), &made).await.context("no namespace can be made")?;
    let measured = within(installation, times, client, &namespace, image).await;
    namespaces.delete(&namespace, &DeleteParams::default()).await?;
    measured
}

async fn within(
    installation: &mut Installation,
    times: u32,
    client: Client,
    namespace: &str,
    image: &str,
) -> Result<Vec<Figure>> {
    let proxy = Proxy::before(client.clone()).await?;
    installation.start_worker(1, 0).await?;
    let dir = tempfile::tempdir().context("no temporary folder")?;
    repository_of(dir.path(), &files(namespace, image, Kind::Good, 0)).await?;
    let repo = installation.add_repo(NAME, &dir.path().display().to_string()).await?;
    installation.set_secret(NAME, SECRET, proxy.kubeconfig(namespace)).await?;
    let (namespace, image) = (namespace.to_owned(), image.to_owned());
    let mut side = Side { repo, client, proxy, namespace, image, number: 0, dir };
    let measured = side.measure(installation, times).await;
    installation.stop_worker().await?;
    measured
}

/// A repository that deploys one pod; each round it is another version.
fn files(namespace: &str, image: &str, kind: Kind, round: u32) -> Vec<(String, String)> {
    let file = format!(
        "image: busybox:latest\nsecrets: []\nscript: true\ndeploy:\n  provider: kubernetes\n  \
         environment: bench\n  manifests: app.yaml\n  namespace: {namespace}\n  \
         kubeconfig: ${SECRET}\n  soak: {}s\n  rollback: never\n  secrets: [{SECRET}]\n  \
         on: {{all_branches: true}}\n",
        SOAK.as_secs()
    );
    let image = match kind {
        Kind::Good => image.to_owned(),
        Kind::Doomed => format!("{image}-which-does-not-exist"),
    };
    let container = json!({
        "name": "app", "image": image, "imagePullPolicy": "IfNotPresent",
        "command": ["sleep", "86400"], "env": [{ "name": "ROUND", "value": round.to_string() }],
        "resources": { "requests": { "cpu": "10m", "memory": "16Mi" } },
    });
    let manifest = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "app" },
        "spec": {
            "replicas": 1, "selector": { "matchLabels": { "app": "app" } },
            "template": {
                "metadata": { "labels": { "app": "app" } },
                "spec": { "terminationGracePeriodSeconds": 1, "containers": [container] },
            },
        },
    });
    vec![(".ci.yml".to_owned(), file), ("app.yaml".to_owned(), manifest.to_string())]
}

impl Side {
    async fn measure(&mut self, installation: &Installation, times: u32) -> Result<Vec<Figure>> {
        let (mut live, mut failed, mut calls) = (Vec::new(), Vec::new(), Vec::new());
        // The first of each pays for what the others find: the mirror, the image on the node.
        for round in 0..=times {
            for kind in [Kind::Good, Kind::Doomed] {
                let (late, made) = self.deploy(installation, kind).await?;
                if round == 0 {
                    continue;
                }
                calls.push(made);
                if kind == Kind::Good { live.push(late) } else { failed.push(late) }
            }
        }
        let of = |name, unit, samples: &[f64], against, baseline| Figure {
            name,
            unit,
            value: longest(samples),
            against,
            baseline,
            goal: Goal::AtMost(1.0),
        };
        Ok(vec![
            of("cluster ready -> live, less the soak, longest", "ms", &live, "1 s", LIVE_WITHIN),
            of("cluster says no image -> failed, longest", "ms", &failed, "5 s", FAILED_WITHIN),
            of("API calls of a deployment, most", "calls", &calls, "a bound", CALLS),
        ])
    }

    /// One deployment: how many milliseconds late it was told, and the calls that it made.
    async fn deploy(&mut self, installation: &Installation, kind: Kind) -> Result<(f64, f64)> {
        self.number += 1;
        let branch = format!("deploy-{}", self.number);
        let one = tempfile::tempdir().context("no temporary folder")?;
        let files = files(&self.namespace, &self.image, kind, self.number);
        let commit = repository_of(one.path(), &files).await?;
        fetch(self.dir.path(), one.path(), &branch).await?;
        let round = self.number.to_string();
        // It watches before anything happens: what is known is known when it is told.
        let known = tokio::spawn(known(self.client.clone(), self.namespace.clone(), kind, round));
        deliver(&Http::new(), installation, &self.repo, push(&branch, &commit, 0)).await?;
        let deployment = until_decided(installation, NAME, self.number).await?;
        let wanted = if kind == Kind::Good { "live" } else { "failed" };
        let (state, reason) = (&deployment.state, deployment.reason.as_deref());
        ensure!(state == wanted, "deployment {} is {state}: {reason:?}", self.number);
        let started = deployment.started_at.context("it has begun")?;
        let told = deployment.finished_at.context("it was decided")?;
        let known =
            tokio::time::timeout(PATIENCE, known).await.context("nothing is known")???;
        let soak = if kind == Kind::Good { SOAK.as_secs_f64() * 1000.0 } else { 0.0 };
        let late = (told - known).as_seconds_f64() * 1000.0 - soak;
        Ok((late, self.proxy.between(started, told) as f64))
    }
}

/// When the cluster first says that this round's version is ready, or can not become so.
async fn known(
    client: Client,
    namespace: String,
    kind: Kind,
    round: String,
) -> Result<DateTime<Utc>> {
    match kind {
        Kind::Good => {
            let all: Api<Deployment> = Api::namespaced(client, &namespace);
            let mut seen = watcher(all, watcher::Config::default()).applied_objects().boxed();
            while let Some(deployment) = seen.try_next().await? {
                if is_ready(&deployment, &round) {
                    return Ok(Utc::now());
                }
            }
        }
        Kind::Doomed => {
            let all: Api<Pod> = Api::namespaced(client, &namespace);
            let before = all.list(&ListParams::default()).await?;
            let before: Vec<_> = before.items.into_iter().map(|pod| pod.metadata.uid).collect();
            let mut seen = watcher(all, watcher::Config::default()).applied_objects().boxed();
            while let Some(pod) = seen.try_next().await? {
                if !before.contains(&pod.metadata.uid) && has_no_image(&pod) {
                    return Ok(Utc::now());
                }
            }
        }
    }
    anyhow::bail!("the watch ended")
}

fn is_ready(deployment: &Deployment, round: &str) -> bool {
    let containers = deployment.spec.as_ref().and_then(|spec| spec.template.spec.as_ref());
    let env =
        containers.into_iter().flat_map(|spec| &spec.containers).filter_map(|c| c.env.as_ref());
    let ours = env.flatten().any(|one| one.value.as_deref() == Some(round));
    let Some(status) = &deployment.status else { return false };
    let current = status.observed_generation == deployment.metadata.generation;
    let one = [status.replicas, status.updated_replicas, status.ready_replicas];
    ours && current && one == [Some(1); 3] && status.available_replicas == Some(1)
}

fn has_no_image(pod: &Pod) -> bool {
    let statuses = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref());
    statuses.into_iter().flatten().any(|status| {
        let waiting = status.state.as_ref().and_then(|state| state.waiting.as_ref());
        let reason = waiting.and_then(|waiting| waiting.reason.as_deref());
        matches!(reason, Some("ErrImagePull" | "ImagePullBackOff"))
    })
}
