//! What every story needs: a work tree, a plan, a log that is kept.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use bollard::Docker;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use slipway_pipelines::ids::DeploymentId;
use slipway_pipelines::names::{CommitSha, RepoName};
use slipway_pipelines::plan::{
    DeployOn, DeployPlan, Provider, RollbackPolicy, S3Deploy, SecretScope, Template,
};
use slipway_pipelines::wire::{
    DeployProgress, Finding, FindingCode, Secret, SecretText, VerifyWork, Version,
};
use slipway_worker::deploy::{
    Aws as Settings, DeployContext, DeployOutcome, IdentityTokens, Pace, WorkTree, deploy, verify,
};
use slipway_worker::log::StepLog;
use url::Url;

/// Longer than any story takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// One story.
pub(crate) struct Bench {
    pub(crate) target: S3Deploy,
    pub(crate) secrets: Vec<Secret>,
    pub(crate) settings: Settings,
    pub(crate) deployment: DeploymentId,
    pub(crate) repo: RepoName,
    pub(crate) identity: Option<Box<dyn IdentityTokens>>,
    pub(crate) ambient: bool,
    tree: Tree,
    log: Log,
    progress: Mutex<Vec<DeployProgress>>,
}

#[derive(Default)]
struct Log(Mutex<Vec<u8>>);

impl StepLog for Log {
    fn write(&self, bytes: &[u8]) {
        self.0.lock().expect("no story panics while it writes").extend_from_slice(bytes);
    }
}

struct Tree(Vec<u8>);

impl WorkTree for Tree {
    fn tar(&self) -> BoxStream<'_, Result<Bytes, String>> {
        let pieces = self.0.chunks(1000).map(|piece| Ok(Bytes::copy_from_slice(piece)));
        futures::stream::iter(pieces).boxed()
    }
}

pub(crate) fn template(text: &str) -> Option<Template> {
    Some(Template(text.to_owned()))
}

pub(crate) fn secret(name: &str, value: &str) -> Secret {
    let name = name.parse().expect("a secret's name");
    Secret { name, value: SecretText::new(value.to_owned()) }
}

fn commit() -> CommitSha {
    "a".repeat(40).parse().expect("a commit")
}

/// A work tree as an engine gives it, of these files.
fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Directory);
    header.set_size(0);
    header.set_mode(0o755);
    archive.append_data(&mut header, "app/", std::io::empty()).expect("packed");
    for (path, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, format!("app/{path}"), *bytes).expect("packed");
    }
    archive.into_inner().expect("packed")
}

impl Bench {
    /// Uploads `public/` to the bucket `slipway` of an S3 that listens there.
    pub(crate) fn new(s3: Url) -> Self {
        let pace = Pace {
            first: Duration::from_millis(5),
            longest: Duration::from_millis(20),
            patience: Duration::from_secs(10),
            ..Pace::default()
        };
        Self {
            target: target(),
            secrets: vec![
                secret("AWS_ACCESS_KEY_ID", slipway_harness::aws::ACCESS_KEY_ID),
                secret("AWS_SECRET_ACCESS_KEY", slipway_harness::aws::SECRET_ACCESS_KEY),
            ],
            settings: Settings { s3_url: Some(s3), pace, ..Settings::default() },
            deployment: uuid::Uuid::now_v7().into(),
            repo: "acme/web".parse().expect("a name"),
            identity: None,
            ambient: false,
            tree: Tree(packed(&[
                ("README.md", b"not below the folder"),
                ("public/index.html", b"<h1>Hello</h1>"),
                ("public/app.js", b"go()"),
                ("public/img/logo.png", b"\x89PNG"),
                ("public/.htaccess", b"hidden"),
                ("public/feed.xml.gz", b"\x1f\x8b\x08 and so on"),
            ])),
            log: Log::default(),
            progress: Mutex::default(),
        }
    }

    pub(crate) fn tree(&mut self, files: &[(&str, &[u8])]) {
        self.tree = Tree(packed(files));
    }

    pub(crate) fn plan(&self) -> DeployPlan {
        DeployPlan {
            provider: Provider::S3(Box::new(self.target.clone())),
            on: DeployOn::default(),
            environment: None,
            secrets: SecretScope::All,
            soak: None,
            timeout: None,
            rollback: RollbackPolicy::Auto,
            allow_failure: false,
            migrate: None,
            promote: None,
        }
    }

    /// Deploys, to its verdict.
    pub(crate) async fn deploy(&self) -> DeployOutcome {
        self.with(async |ctx| deploy(ctx, &self.plan()).await.outcome).await
    }

    /// Looks, as the worker that comes after a lost one, which had reported that list.
    pub(crate) async fn verify(&self, rendered: Option<String>) -> DeployOutcome {
        let work = VerifyWork {
            deployment: self.deployment,
            plan: self.plan(),
            version: Version { commit: commit(), digest: None, image: None, label: None },
            previous: None,
            previous_rendered: None,
            rendered,
            ambient: false,
            secrets: self.secrets.clone(),
        };
        self.with(async |ctx| verify(ctx, &work).await).await
    }

    /// What would be known to a deploy of this bench.
    pub(crate) async fn with<T>(&self, act: impl AsyncFnOnce(&DeployContext<'_>) -> T) -> T {
        // Nothing here has a container.
        let docker =
            Docker::connect_with_http("http://127.0.0.1:1", 1, bollard::API_DEFAULT_VERSION);
        let docker = docker.expect("no connection is made");
        let report = |progress| {
            self.progress.lock().expect("no story panics while it reports").push(progress);
        };
        let ctx = DeployContext {
            docker: &docker,
            repo: &self.repo,
            deployment: self.deployment,
            commit: &commit(),
            env: Vec::new(),
            secrets: &self.secrets,
            images: &BTreeMap::new(),
            tree: Some(&self.tree),
            aws: &self.settings,
            identity: self.identity.as_deref(),
            previous: None,
            previous_rendered: None,
            promoted: None,
            ambient: self.ambient,
            log: &self.log,
            progress: &report,
        };
        let done = tokio::time::timeout(PATIENCE, act(&ctx)).await;
        done.unwrap_or_else(|_| panic!("no verdict came; the log is\n{}", self.log()))
    }

    pub(crate) fn reported(&self) -> Vec<DeployProgress> {
        self.progress.lock().expect("no story panics while it reports").clone()
    }

    /// The list of files that was reported to be kept.
    pub(crate) fn rendered(&self) -> Option<String> {
        self.reported().into_iter().rev().find_map(|one| match one {
            DeployProgress::Rendered { manifests } => Some(manifests),
            _ => None,
        })
    }

    /// What the explainer says now.
    pub(crate) fn finding(&self) -> Finding {
        let found = self.reported().into_iter().rev().find_map(|one| match one {
            DeployProgress::Findings { findings } => findings.into_iter().next(),
            _ => None,
        });
        found.unwrap_or_else(|| panic!("nothing was found\n{}", self.log()))
    }

    pub(crate) fn log(&self) -> String {
        let bytes = self.log.0.lock().expect("no story panics while it writes");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Nothing that people see holds this.
    pub(crate) fn never_shows(&self, text: &str) {
        let seen = format!("{}{:?}", self.log(), self.reported());
        assert!(!seen.contains(text), "{text} is in {seen}");
    }

    /// The failure's cause and sentence.
    pub(crate) async fn fails(&self) -> (FindingCode, String) {
        match self.deploy().await {
            DeployOutcome::Failed { reason } => {
                self.never_shows(slipway_harness::aws::SECRET_ACCESS_KEY);
                (self.finding().code, reason)
            }
            other => panic!("it did not fail: {other:?}\n{}", self.log()),
        }
    }
}

fn target() -> S3Deploy {
    S3Deploy {
        access_key_id: None,
        secret_access_key: None,
        role: None,
        bucket: Template("slipway".to_owned()),
        region: None,
        endpoint: None,
        upload_dir: None,
        local_dir: template("public"),
        glob: None,
        dot_match: false,
        acl: None,
        detect_encoding: false,
        cache_control: Vec::new(),
        expires: Vec::new(),
        default_text_charset: None,
        storage_class: None,
        server_side_encryption: false,
        index_document_suffix: None,
        overwrite: true,
        force_path_style: false,
        max_threads: 5,
        verbose: false,
    }
}
