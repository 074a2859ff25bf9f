//! What every story needs: a stand-in of AWS, a work tree, a log that is kept.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Mutex;
use std::time::Duration;

use bollard::Docker;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use slipway_harness::aws::{ACCESS_KEY_ID, Aws, SECRET_ACCESS_KEY};
use slipway_pipelines::ids::DeploymentId;
use slipway_pipelines::names::{CommitSha, RepoName};
use slipway_pipelines::plan::{
    BeanstalkDeploy, DeployOn, DeployPlan, Provider, RollbackPolicy, SecretScope, Template,
};
use slipway_pipelines::wire::{
    DeployProgress, Evidence, Finding, FindingCode, Secret, SecretText, VerifyWork, Version,
};
use slipway_worker::deploy::{
    Aws as Settings, DeployContext, DeployOutcome, LocalImage, Pace, WorkTree, deploy, rollback,
    verify,
};
use slipway_worker::log::StepLog;

use crate::large::Large;

/// Longer than any story takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The label that the bench's deploys get.
pub(crate) const LABEL: &str = "slipway-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-7";

/// One story.
pub(crate) struct Bench {
    pub(crate) aws: Aws,
    /// `bucket: acme-bundles`, application `app`, environment `prod`.
    pub(crate) target: BeanstalkDeploy,
    pub(crate) rollback: RollbackPolicy,
    pub(crate) soak: Duration,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) secrets: Vec<Secret>,
    pub(crate) images: BTreeMap<String, LocalImage>,
    pub(crate) previous: Option<Version>,
    pub(crate) promoted: Option<Version>,
    pub(crate) deployment: DeploymentId,
    tree: Tree,
    /// The work tree in its place, where it is set.
    pub(crate) large: Option<Large>,
    pub(crate) settings: Settings,
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

impl Bench {
    /// The environment is there, on version `old`; the work tree has an application.
    pub(crate) async fn new() -> Self {
        let aws = Aws::start().await;
        aws.environment("app", "prod");
        let pace = Pace {
            first: Duration::from_millis(5),
            longest: Duration::from_millis(20),
            patience: Duration::from_secs(10),
            settle: Duration::from_millis(300),
            logs: Duration::from_millis(100),
        };
        let settings = Settings {
            s3_url: Some(aws.s3_url()),
            elasticbeanstalk_url: Some(aws.elasticbeanstalk_url()),
            pace,
            ..Settings::default()
        };
        let env = [("TRAVIS_BUILD_NUMBER", "7"), ("TRAVIS_COMMIT_MESSAGE", "A change\n\nand why")];
        Self {
            aws,
            target: target(),
            rollback: RollbackPolicy::Auto,
            soak: Duration::from_millis(50),
            env: env.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            secrets: vec![
                secret("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID),
                secret("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY),
            ],
            images: BTreeMap::new(),
            previous: None,
            promoted: None,
            deployment: uuid::Uuid::now_v7().into(),
            tree: Tree(packed(&[("Procfile", "web: ./run\n"), ("run", "#!/bin/sh\n")])),
            large: None,
            settings,
            log: Log::default(),
            progress: Mutex::default(),
        }
    }

    /// The work tree is this tar.
    pub(crate) fn tree(&mut self, tar: Vec<u8>) {
        self.tree = Tree(tar);
    }

    pub(crate) fn plan(&self) -> DeployPlan {
        DeployPlan {
            provider: Provider::Elasticbeanstalk(Box::new(self.target.clone())),
            on: DeployOn::default(),
            environment: None,
            secrets: SecretScope::All,
            soak: Some(self.soak),
            timeout: None,
            rollback: self.rollback,
            allow_failure: false,
            migrate: None,
            promote: self.promoted.as_ref().map(|_| "staging".parse().expect("a name")),
        }
    }

    /// Deploys, to its verdict.
    pub(crate) async fn deploy(&self) -> DeployOutcome {
        self.with(async |ctx| deploy(ctx, &self.plan()).await.outcome).await
    }

    /// Looks, as the worker that comes after a lost one.
    pub(crate) async fn verify(&self, label: Option<&str>) -> DeployOutcome {
        let work = VerifyWork {
            deployment: self.deployment,
            plan: self.plan(),
            version: self.version(label),
            previous: self.previous.clone(),
            previous_rendered: None,
            rendered: None,
            ambient: false,
            secrets: self.secrets.clone(),
        };
        self.with(async |ctx| verify(ctx, &work).await).await
    }

    pub(crate) fn version(&self, label: Option<&str>) -> Version {
        let label = label.map(str::to_owned);
        Version { commit: commit(), digest: None, image: None, label }
    }

    async fn with<T>(&self, act: impl AsyncFnOnce(&DeployContext<'_>) -> T) -> T {
        // Nothing here has a container.
        let docker =
            Docker::connect_with_http("http://127.0.0.1:1", 1, bollard::API_DEFAULT_VERSION);
        let docker = docker.expect("no connection is made");
        let repo: RepoName = "acme/app".parse().expect("a name");
        let report = |progress| {
            self.progress.lock().expect("no story panics while it reports").push(progress);
        };
        let ctx = DeployContext {
            docker: &docker,
            repo: &repo,
            deployment: self.deployment,
            commit: &commit(),
            env: self.env.clone(),
            secrets: &self.secrets,
            images: &self.images,
            tree: Some(match &self.large {
                Some(large) => large as &dyn WorkTree,
                None => &self.tree,
            }),
            aws: &self.settings,
            identity: None,
            previous: self.previous.as_ref(),
            previous_rendered: None,
            promoted: self.promoted.as_ref(),
            ambient: false,
            log: &self.log,
            progress: &report,
        };
        let done = tokio::time::timeout(PATIENCE, act(&ctx)).await;
        done.unwrap_or_else(|_| panic!("no verdict came; the log is\n{}", self.log()))
    }

    /// As if nothing had been reported yet.
    pub(crate) fn forget(&self) {
        self.progress.lock().expect("no story panics while it reports").clear();
    }

    /// The words of the hops so far.
    pub(crate) fn hops(&self) -> Vec<String> {
        let all = self.reported();
        let hop = |one| match one {
            DeployProgress::Hop { name, .. } => Some(name),
            _ => None,
        };
        all.into_iter().filter_map(hop).collect()
    }

    /// Everything that was reported.
    pub(crate) fn reported(&self) -> Vec<DeployProgress> {
        self.progress.lock().expect("no story panics while it reports").clone()
    }

    /// The one verdict.
    pub(crate) fn verdict(&self) -> DeployProgress {
        let all = self.reported();
        let is_verdict = |one: &DeployProgress| {
            !matches!(
                one,
                DeployProgress::Hop { .. }
                    | DeployProgress::Applied { .. }
                    | DeployProgress::Findings { .. }
            )
        };
        let verdicts: Vec<_> = all.into_iter().filter(is_verdict).collect();
        assert_eq!(verdicts.len(), 1, "{verdicts:?}");
        verdicts.into_iter().next().expect("one")
    }

    /// What the explainer says now, root cause first.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let all = self.reported().into_iter().rev();
        let mut said = all.filter_map(|one| match one {
            DeployProgress::Findings { findings } => Some(findings),
            _ => None,
        });
        said.next().unwrap_or_default()
    }

    /// The codes of everything that the explainer ever said, in this order.
    pub(crate) fn codes(&self) -> Vec<FindingCode> {
        let all = self.reported().into_iter();
        let said = all.filter_map(|one| match one {
            DeployProgress::Findings { findings } => Some(findings),
            _ => None,
        });
        said.flatten().map(|finding| finding.code).collect()
    }

    /// Goes back to an earlier version, as somebody asks on the page.
    pub(crate) async fn rollback(&self, to: &Version) -> DeployOutcome {
        self.with(async |ctx| rollback(ctx, &self.plan(), to, None).await).await
    }

    /// The evidence of the verdict whose source holds these words.
    pub(crate) fn evidence(&self, source: &str) -> String {
        let (DeployProgress::Failed { evidence, .. } | DeployProgress::RolledBack { evidence, .. }) =
            self.verdict()
        else {
            panic!("a good verdict has no evidence")
        };
        let found = evidence.iter().find(|one: &&Evidence| one.source.contains(source));
        found.unwrap_or_else(|| panic!("no {source} in {evidence:?}")).text.clone()
    }

    pub(crate) fn log(&self) -> String {
        let bytes = self.log.0.lock().expect("no story panics while it writes");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Nothing that people see holds a key.
    pub(crate) fn shows_no_key(&self) {
        let seen = format!("{}{:?}", self.log(), self.reported());
        for key in [ACCESS_KEY_ID, SECRET_ACCESS_KEY] {
            assert!(!seen.contains(key), "{key} is in {seen}");
        }
    }

    /// The failure's sentence.
    pub(crate) async fn fails(&self) -> String {
        match self.deploy().await {
            DeployOutcome::Failed { reason } => {
                self.shows_no_key();
                reason
            }
            other => panic!("it did not fail: {other:?}\n{}", self.log()),
        }
    }
}

fn target() -> BeanstalkDeploy {
    let template = |text: &str| Some(Template(text.to_owned()));
    BeanstalkDeploy {
        access_key_id: None,
        secret_access_key: None,
        role: None,
        region: None,
        app: None,
        env: template("prod"),
        bucket: template("acme-bundles"),
        bucket_path: None,
        description: None,
        label: None,
        zip_file: None,
        only_create_app_version: false,
        wait_timeout: Some(Duration::from_secs(20)),
    }
}

pub(crate) fn commit() -> CommitSha {
    "a".repeat(40).parse().expect("a commit")
}

pub(crate) fn secret(name: &str, value: &str) -> Secret {
    let name = name.parse().expect("a secret's name");
    Secret { name, value: SecretText::new(value.to_owned()) }
}

/// A work tree as an engine gives it, of these files.
pub(crate) fn packed(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    folder(&mut archive, "app/");
    for (path, text) in files {
        let mode = if text.starts_with("#!") { 0o755 } else { 0o644 };
        file(&mut archive, path, text, mode);
    }
    archive.into_inner().expect("packed")
}

pub(crate) fn folder(archive: &mut tar::Builder<Vec<u8>>, path: &str) {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Directory);
    header.set_size(0);
    header.set_mode(0o755);
    archive.append_data(&mut header, path, std::io::empty()).expect("packed");
}

pub(crate) fn file(archive: &mut tar::Builder<Vec<u8>>, path: &str, text: &str, mode: u32) {
    let mut header = tar::Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_mode(mode);
    archive.append_data(&mut header, format!("app/{path}"), text.as_bytes()).expect("packed");
}

/// Path, permissions and text of what is in a bundle.
pub(crate) fn unpacked(bundle: &[u8]) -> Vec<(String, u32, String)> {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bundle)).expect("a zip");
    let all = 0..zip.len();
    let each = all.map(|at| {
        let mut file = zip.by_index(at).expect("an entry");
        let mut text = String::new();
        file.read_to_string(&mut text).expect("text");
        (file.name().expect("text").into_owned(), file.unix_mode().unwrap_or_default(), text)
    });
    each.collect()
}
