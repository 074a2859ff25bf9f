//! What every story needs: an engine, a repo of its own, a log, and a clean end.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bollard::Docker;
use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListImagesOptionsBuilder, ListNetworksOptionsBuilder,
    RemoveContainerOptionsBuilder, RemoveImageOptionsBuilder,
};
use slipway_pipelines::ids::DeploymentId;
use slipway_pipelines::names::{CommitSha, RepoName};
use slipway_pipelines::wire::{DeployProgress, Secret, SecretText, Version};
use slipway_worker::deploy::{Aws, DeployContext, LocalImage};
use slipway_worker::image::{BuildFailed, BuildRequest, BuiltImage, EngineBuilder, ImageBuilder};
use slipway_worker::log::StepLog;

/// Longer than anything here takes on a slow machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A log that is kept.
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

/// One story's repo on the engine; all it left there goes with it.
pub(crate) struct Bench {
    pub(crate) docker: Docker,
    pub(crate) repo: RepoName,
    pub(crate) log: Log,
    aws: Aws,
    progress: Arc<Mutex<Vec<DeployProgress>>>,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let docker = engine().await;
        let salt = uuid::Uuid::new_v4().simple().to_string();
        let repo = format!("stories/{}", &salt[..12]).parse().expect("a repo name");
        Self { docker, repo, log: Log::default(), aws: Aws::default(), progress: Arc::default() }
    }

    /// A build of these files.
    pub(crate) fn request(&self, files: &[(&str, &str)]) -> BuildRequest {
        BuildRequest {
            context_tar: packed(files),
            dockerfile: "Dockerfile".to_owned(),
            target: None,
            args: Vec::new(),
            secrets: Vec::new(),
            tag: format!("{}:{}", self.repo, uuid::Uuid::new_v4().simple()),
            labels: vec![("slipway.image-of".to_owned(), self.repo.to_string())],
        }
    }

    pub(crate) async fn build(&self, request: BuildRequest) -> Result<BuiltImage, BuildFailed> {
        let building = EngineBuilder::new(self.docker.clone());
        let built = tokio::time::timeout(PATIENCE, building.build(request, &self.log)).await;
        built.expect("a small build ends in time")
    }

    /// What a deploy of `commit` may know and use.
    pub(crate) fn deploying<'a>(&'a self, given: &'a Given) -> DeployContext<'a> {
        DeployContext {
            docker: &self.docker,
            repo: &self.repo,
            deployment: given.deployment,
            commit: &given.commit,
            env: Vec::new(),
            secrets: &given.secrets,
            images: &given.images,
            tree: None,
            aws: &self.aws,
            identity: None,
            previous: given.previous.as_ref(),
            previous_rendered: None,
            promoted: None,
            ambient: false,
            log: &self.log,
            progress: &*given.progress,
        }
    }

    /// A deploy's particulars, which report to this bench.
    pub(crate) fn given(&self, commit: char) -> Given {
        let reported = Arc::clone(&self.progress);
        Given {
            commit: commit.to_string().repeat(40).parse().expect("a commit"),
            deployment: uuid::Uuid::now_v7().into(),
            secrets: Vec::new(),
            images: BTreeMap::new(),
            previous: None,
            progress: Box::new(move |progress| {
                reported.lock().expect("no story panics while it reports").push(progress);
            }),
        }
    }

    /// What was reported since the last time.
    pub(crate) fn reported(&self) -> Vec<DeployProgress> {
        std::mem::take(&mut *self.progress.lock().expect("no story panics while it reports"))
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let (docker, repo) = (self.docker.clone(), self.repo.to_string());
        // A story may have panicked: its own runtime is of no use for this.
        let cleaning = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(clean(&docker, &repo));
        });
        cleaning.join().expect("the story's things are removed");
    }
}

async fn clean(docker: &Docker, repo: &str) {
    let labelled = |label: String| HashMap::from([("label".to_owned(), vec![label])]);
    let filters = labelled("slipway.service".to_owned());
    let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    for one in docker.list_containers(Some(options)).await.expect("containers") {
        let service = one.labels.unwrap_or_default().remove("slipway.service").unwrap_or_default();
        if service.starts_with(&format!("{repo}/")) {
            let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
            let id = one.id.expect("an id");
            docker.remove_container(&id, Some(options)).await.expect("removed");
        }
    }
    let filters = labelled(format!("slipway.services-of={repo}"));
    let options = ListNetworksOptionsBuilder::new().filters(&filters).build();
    for one in docker.list_networks(Some(options)).await.expect("networks") {
        docker.remove_network(&one.id.expect("an id")).await.expect("removed");
    }
    let filters = labelled(format!("slipway.image-of={repo}"));
    let options = ListImagesOptionsBuilder::new().filters(&filters).build();
    for one in docker.list_images(Some(options)).await.expect("images") {
        let options = RemoveImageOptionsBuilder::new().force(true).build();
        docker.remove_image(&one.id, Some(options), None).await.expect("removed");
    }
}

/// What differs from deploy to deploy.
pub(crate) struct Given {
    pub(crate) commit: CommitSha,
    pub(crate) deployment: DeploymentId,
    pub(crate) secrets: Vec<Secret>,
    pub(crate) images: BTreeMap<String, LocalImage>,
    pub(crate) previous: Option<Version>,
    pub(crate) progress: Box<dyn Fn(DeployProgress) + Send + Sync>,
}

pub(crate) async fn engine() -> Docker {
    let docker = Docker::connect_with_unix_defaults().expect("an engine's socket");
    docker.negotiate_version().await.expect("these stories need a running container engine")
}

pub(crate) fn secret(name: &str, value: &str) -> Secret {
    let name = name.parse().expect("a secret's name");
    Secret { name, value: SecretText::new(value.to_owned()) }
}

pub(crate) fn packed(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o755);
        archive.append_data(&mut header, path, text.as_bytes()).expect("packed");
    }
    archive.into_inner().expect("packed")
}
