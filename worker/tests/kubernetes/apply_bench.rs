//! What every story about applying needs: a namespace of its own, a work tree, and a clean end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bollard::Docker;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, DeleteParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use slipway_pipelines::ids::DeploymentId;
use slipway_pipelines::names::{CommitSha, RepoName};
use slipway_pipelines::plan::{
    DeployOn, DeployPlan, KubernetesDeploy, Provider, RollbackPolicy, SecretScope, Template,
};
use slipway_pipelines::wire::{DeployProgress, Finding, Secret, SecretText, Version};
use slipway_worker::deploy::{Aws, DeployContext, DeployOutcome, LocalImage, WorkTree, deploy};
use slipway_worker::log::StepLog;

/// The cluster comes with it, tag 1, in the registry that its nodes pull from.
pub(crate) const APP: &str = "127.0.0.1:15000/library/busybox";

#[derive(Default)]
pub(crate) struct Log(Mutex<Vec<u8>>);

impl StepLog for Log {
    fn write(&self, bytes: &[u8]) {
        self.0.lock().expect("no story panics while it writes").extend_from_slice(bytes);
    }
}

impl Log {
    pub(crate) fn text(&self) -> String {
        let bytes = self.0.lock().expect("no story panics while it writes");
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Files of a work tree.
pub(crate) struct Files(pub(crate) Vec<(&'static str, String)>);

impl WorkTree for Files {
    fn tar(&self) -> BoxStream<'_, Result<Bytes, String>> {
        let mut archive = tar::Builder::new(Vec::new());
        for (path, text) in &self.0 {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            let path = format!("app/{path}");
            archive.append_data(&mut header, path, text.as_bytes()).expect("packed");
        }
        let tar = Bytes::from(archive.into_inner().expect("packed"));
        futures::stream::iter([Ok(tar)]).boxed()
    }
}

/// One story's namespace and repo.
pub(crate) struct Bench {
    pub(crate) client: Client,
    pub(crate) namespace: String,
    pub(crate) log: Log,
    pub(crate) kubeconfig: String,
    repo: RepoName,
    docker: Docker,
    aws: Aws,
}

/// What differs from deploy to deploy.
pub(crate) struct Given {
    pub(crate) commit: CommitSha,
    pub(crate) deployment: DeploymentId,
    pub(crate) secrets: Vec<Secret>,
    pub(crate) images: BTreeMap<String, LocalImage>,
    pub(crate) previous: Option<Version>,
    pub(crate) previous_rendered: Option<String>,
    pub(crate) promoted: Option<Version>,
    pub(crate) env: Vec<(String, String)>,
}

/// What came of a deploy.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) outcome: DeployOutcome,
    pub(crate) rendered: Option<String>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) hops: Vec<(String, String)>,
    pub(crate) version: Option<Version>,
}

impl Done {
    pub(crate) fn hop(&self, name: &str) -> &str {
        let found = self.hops.iter().find(|(hop, _)| hop == name);
        found.map_or_else(|| panic!("no hop {name}: {self:?}"), |(_, detail)| detail)
    }
}

impl Bench {
    #[expect(clippy::disallowed_methods, reason = "tests are configured by their script")]
    pub(crate) async fn new() -> Self {
        let path = std::env::var("SLIPWAY_TEST_KUBECONFIG");
        let path = path.expect("these stories need SLIPWAY_TEST_KUBECONFIG");
        let mut config = Kubeconfig::read_from(path).expect("a kubeconfig");
        for one in &mut config.clusters {
            let Some(cluster) = &mut one.cluster else { continue };
            if let Some(path) = cluster.certificate_authority.take() {
                let text = std::fs::read(path).expect("the cluster's certificate");
                cluster.certificate_authority_data = Some(STANDARD.encode(text));
            }
        }
        let kubeconfig = serde_json::to_string(&config).expect("written");
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(config, &options).await.expect("a cluster");
        let client = Client::try_from(config).expect("a client");
        let salt = uuid::Uuid::new_v4().simple().to_string();
        let namespace = format!("kube-{}", &salt[..10]);
        let named: Namespace =
            serde_json::from_value(serde_json::json!({"metadata": {"name": namespace}}))
                .expect("a namespace");
        let all: Api<Namespace> = Api::all(client.clone());
        all.create(&PostParams::default(), &named).await.expect("the cluster answers");
        Self {
            client,
            repo: format!("stories/{}", &salt[..12]).parse().expect("a repo name"),
            namespace,
            log: Log::default(),
            kubeconfig,
            docker: Docker::connect_with_unix_defaults().expect("an engine's socket"),
            aws: Aws::default(),
        }
    }

    pub(crate) fn given(&self, commit: char) -> Given {
        Given {
            commit: commit.to_string().repeat(40).parse().expect("a commit"),
            deployment: uuid::Uuid::now_v7().into(),
            secrets: vec![secret("KUBECONFIG", &self.kubeconfig)],
            images: BTreeMap::new(),
            previous: None,
            previous_rendered: None,
            promoted: None,
            env: vec![("TRAVIS_BUILD_NUMBER".to_owned(), "7".to_owned())],
        }
    }

    /// The deploy step: the folder `k8s`, into the story's namespace.
    pub(crate) fn plan(&self) -> DeployPlan {
        plan(self.target())
    }

    pub(crate) fn target(&self) -> KubernetesDeploy {
        let text = |text: &str| Template(text.to_owned());
        KubernetesDeploy {
            manifests: vec![text("k8s")],
            namespace: Some(text(&self.namespace)),
            context: None,
            kubeconfig: Some(text("$KUBECONFIG")),
            images: Vec::new(),
            vars: Vec::new(),
            prune: false,
        }
    }

    /// Runs something that deploys, and keeps what it reports.
    pub(crate) async fn run<F>(&self, given: &Given, tree: Option<&Files>, act: F) -> Done
    where
        F: AsyncFnOnce(&DeployContext<'_>) -> DeployOutcome,
    {
        let reported = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&reported);
        let progress = move |one| into.lock().expect("nobody panics here").push(one);
        let ctx = DeployContext {
            docker: &self.docker,
            repo: &self.repo,
            deployment: given.deployment,
            commit: &given.commit,
            env: given.env.clone(),
            secrets: &given.secrets,
            images: &given.images,
            tree: tree.map(|tree| tree as &dyn WorkTree),
            aws: &self.aws,
            identity: None,
            previous: given.previous.as_ref(),
            previous_rendered: given.previous_rendered.as_deref(),
            promoted: given.promoted.as_ref(),
            ambient: false,
            log: &self.log,
            progress: &progress,
        };
        let outcome = Box::pin(act(&ctx)).await;
        let all = std::mem::take(&mut *reported.lock().expect("nobody panics here"));
        let mut done =
            Done { outcome, rendered: None, findings: vec![], hops: vec![], version: None };
        let mut verdicts = 0;
        for one in all {
            match one {
                DeployProgress::Hop { name, detail } => done.hops.push((name, detail)),
                DeployProgress::Rendered { manifests } => done.rendered = Some(manifests),
                DeployProgress::Findings { findings } => done.findings = findings,
                DeployProgress::Applied { .. } => {}
                DeployProgress::Live { version, .. } => {
                    verdicts += 1;
                    done.version = Some(version);
                }
                DeployProgress::RolledBack { serving, .. } => {
                    verdicts += 1;
                    done.version = Some(serving);
                }
                DeployProgress::Failed { .. } => verdicts += 1,
            }
        }
        assert_eq!(verdicts, 1, "one verdict: {done:?}\n{}", self.log.text());
        done
    }

    /// Deploys these files.
    pub(crate) async fn deploy(&self, given: &Given, plan: &DeployPlan, tree: &Files) -> Done {
        self.run(given, Some(tree), async |ctx| deploy(ctx, plan).await.outcome).await
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let (kubeconfig, namespace) = (self.kubeconfig.clone(), self.namespace.clone());
        // A story may have panicked: its own runtime is of no use for this.
        let cleaning = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let config = Kubeconfig::from_yaml(&kubeconfig).expect("a kubeconfig");
                let options = KubeConfigOptions::default();
                let config = Config::from_custom_kubeconfig(config, &options).await;
                let client = Client::try_from(config.expect("a cluster")).expect("a client");
                let all: Api<Namespace> = Api::all(client);
                all.delete(&namespace, &DeleteParams::default()).await.expect("it goes");
            });
        });
        cleaning.join().expect("the story's namespace is removed");
    }
}

pub(crate) fn plan(target: KubernetesDeploy) -> DeployPlan {
    DeployPlan {
        provider: Provider::Kubernetes(Box::new(target)),
        on: DeployOn::default(),
        environment: Some("shop".parse().expect("a name")),
        secrets: SecretScope::All,
        soak: Some(Duration::from_secs(1)),
        timeout: Some(Duration::from_secs(120)),
        rollback: RollbackPolicy::Auto,
        allow_failure: false,
        migrate: None,
        promote: None,
    }
}

pub(crate) fn secret(name: &str, value: &str) -> Secret {
    let name = name.parse().expect("a secret's name");
    Secret { name, value: SecretText::new(value.to_owned()) }
}

pub(crate) fn reason(done: &Done) -> &str {
    match &done.outcome {
        DeployOutcome::Failed { reason } | DeployOutcome::RolledBack { reason } => reason,
        DeployOutcome::Live => panic!("it is live: {done:?}"),
    }
}
