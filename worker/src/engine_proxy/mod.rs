//! `services: docker`: an engine for one job. It speaks an engine's API on a socket in the job's
//! container, and passes on what this job may ask of the worker's engine: it sees and touches only
//! what this job made, and what it makes is confined as the job is. docs/services-docker.md is the
//! user's side of it.
//!
//! Three rules make it safe. What is passed on is written anew from what is understood here, never
//! the client's own bytes. Whose a thing is says this process's own account ([`owned::Owned`]), no
//! label. And every path, name and id that reaches the engine was made or looked up by us.

mod cgroup;
mod confine;
mod containers;
mod hijack;
mod http;
mod images;
mod names;
mod networks;
mod owned;
mod ports;
mod query;
mod refusal;
mod route;
mod serve;
mod sweep;
mod system;
mod tree;
mod upstream;
mod volumes;
mod words;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bollard::Docker;
use hyper::Method;
use serde_json::{Value, json};
use slipway_pipelines::ids::AttemptId;
use slipway_pipelines::wire::Limits;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::runner::Engine;
use crate::sandbox::{
    ATTEMPT_LABEL, DockerSandbox, JOB_LABEL, Mount, Owner, SandboxError, WORKER_LABEL,
};
use confine::Bounds;
pub(crate) use names::{Names, Turn};
use owned::Owned;
use refusal::Refusal;
pub(crate) use sweep::sweep;
use tree::Tree;
use upstream::Upstream;
use words::Words;

/// Below the data dir: a folder for each attempt that has an engine.
const FOLDER: &str = "engines";
/// Where clients look for an engine.
const SOCKET: &str = "/var/run/docker.sock";
/// The network that a job's containers are on unless they say else, as the job knows it.
const USUAL_NETWORK: &str = "bridge";

/// What an engine for a job is made of.
pub(crate) struct Request<'a> {
    /// The worker's.
    pub(crate) engine: &'a Engine,
    /// Below it is the work tree.
    pub(crate) data_dir: &'a Path,
    pub(crate) owner: Owner,
    pub(crate) limits: &'a Limits,
    /// Where the work tree is, in the job's container.
    pub(crate) build_dir: &'a str,
    /// What builds keep between them is for jobs of the same repo and trust.
    pub(crate) kept_for: String,
    /// Containers in the making are waited for before they are removed.
    pub(crate) making: TaskTracker,
    /// Nothing may happen while it is true.
    pub(crate) frozen: watch::Receiver<bool>,
}

/// An engine for one job.
pub(crate) struct JobEngine {
    up: Upstream,
    docker: Docker,
    sandbox: DockerSandbox,
    owner: Owner,
    bounds: Bounds,
    /// What keeps its names apart from other jobs'.
    prefix: String,
    dir: PathBuf,
    tree: Tree,
    names: Arc<Names>,
    cache_namespace: String,
    owned: Mutex<Owned>,
    /// The job's own container.
    job: OnceLock<String>,
    gate: tokio::sync::Mutex<Option<ports::Gate>>,
    making: TaskTracker,
    frozen: watch::Receiver<bool>,
    stop: CancellationToken,
    /// Connections and what they do.
    serving: TaskTracker,
    removed: AtomicBool,
    session_opened: tokio::sync::Notify,
}

impl JobEngine {
    /// Makes one, with the folder of its work tree. Nobody hears of it before it begins.
    pub(crate) async fn make(request: Request<'_>) -> Result<Arc<Self>, SandboxError> {
        let Some(socket) = request.engine.address.strip_prefix("unix://") else {
            return Err(said(format!(
                "`services: docker` needs an engine on the worker's own machine (unix://…): the one \
                 at {} can not mount the work tree. Give the job another worker, or build with \
                 `images:`.",
                request.engine.address
            )));
        };
        let version = request.engine.docker.client_version();
        let minor = u32::try_from(version.minor_version).unwrap_or(route::NEWEST);
        let up = Upstream::new(PathBuf::from(socket), minor.min(route::NEWEST));
        let info = up.ask(Method::GET, "/info", None).await.map_err(|error| said(error.message))?;
        let attempt = request.owner.attempt;
        let dir = folder(request.data_dir, attempt);
        let unusable =
            |error| said(format!("{} can not hold the job's work tree: {error}.", dir.display()));
        let cache_namespace =
            images::cache_namespace(request.data_dir, &request.kept_for).map_err(unusable)?;
        sweep::private_folder(&dir).map_err(unusable)?;
        // The engine is told where it is, whatever folder this process is in.
        let dir = dir.canonicalize().map_err(unusable)?;
        let tree = Tree::make(&dir, request.build_dir).map_err(unusable)?;
        let limits = request.limits;
        let mut bounds = Bounds {
            memory: limits.memory_bytes,
            pids: limits.pids,
            cpu_millis: limits.cpu_millis,
            cgroup: None,
        };
        bounds.cgroup = cgroup::make(attempt, &bounds, &info);
        Ok(Arc::new(Self {
            up,
            docker: request.engine.docker.clone(),
            sandbox: request.engine.sandbox.clone(),
            bounds,
            prefix: format!("slipway.{attempt}."),
            cache_namespace,
            dir,
            tree,
            names: Arc::clone(&request.engine.names),
            owned: Mutex::default(),
            job: OnceLock::new(),
            gate: tokio::sync::Mutex::default(),
            making: request.making,
            frozen: request.frozen,
            stop: CancellationToken::new(),
            serving: TaskTracker::new(),
            removed: AtomicBool::new(false),
            session_opened: tokio::sync::Notify::new(),
            owner: request.owner,
        }))
    }

    /// Makes its network, and listens.
    pub(crate) async fn begin(self: &Arc<Self>) -> Result<(), SandboxError> {
        networks::make_usual(self).await.map_err(|error| said(error.message))?;
        serve::listen(self).map_err(|error| {
            said(format!("The job's engine can not listen in {}: {error}.", self.dir.display()))
        })
    }

    /// What the job's container needs of it.
    pub(crate) fn mounts(&self) -> Vec<Mount> {
        let mount = |source: &Path, target: &str| Mount {
            source: source.display().to_string(),
            target: target.to_owned(),
            read_only: false,
        };
        vec![mount(self.tree.path(), self.tree.at()), mount(&self.socket(), SOCKET)]
    }

    /// Names the job's container, and lets it reach the containers that it will make. Before it
    /// starts: afterwards it would have another way out.
    pub(crate) async fn join(&self, container: &str) -> Result<(), SandboxError> {
        let _first_stays = self.job.set(container.to_owned());
        let networks: Vec<String> = self.owned().networks.keys().cloned().collect();
        for network in networks {
            networks::connect_job(self, &network)
                .await
                .map_err(|error| SandboxError { sentence: error.message })?;
        }
        Ok(())
    }

    /// What its containers have written that is not in their layers, in bytes.
    pub(crate) async fn written(&self) -> u64 {
        sweep::size(self.tree.path()).await + volumes::written(self).await
    }

    /// Listens no more; what is under way is broken off.
    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        self.serving.close();
        self.serving.wait().await;
    }

    /// Removes what the job made, once its containers are gone.
    pub(crate) async fn remove(&self) {
        if self.removed.load(Ordering::SeqCst) {
            return;
        }
        let engine = sweep::LeftBy { docker: &self.docker, up: &self.up, dir: &self.dir };
        let anonymous: Vec<String> = self.owned().volumes.iter().cloned().collect();
        let there: Vec<String> = {
            let owned = self.owned();
            let there = owned.images.iter().filter(|(_, image)| image.was_there);
            there.map(|(id, _)| id.clone()).collect()
        };
        let made: Vec<String> = {
            let owned = self.owned();
            let made = owned.images.iter().filter(|(_, image)| !image.was_there);
            made.map(|(id, _)| id.clone()).collect()
        };
        engine.remove(self.owner.attempt, &anonymous, &made, &there).await;
        // Only now: whoever was broken off in the midst of it begins again.
        self.removed.store(true, Ordering::SeqCst);
    }

    fn owned(&self) -> MutexGuard<'_, Owned> {
        self.owned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn job(&self) -> Result<&str, Refusal> {
        let none = || Refusal::failed("The job's container is not there yet.");
        self.job.get().map(String::as_str).ok_or_else(none)
    }

    fn socket(&self) -> PathBuf {
        self.dir.join("docker.sock")
    }

    /// A name as the engine has it.
    fn scoped(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Whose what it makes is.
    fn labels(&self) -> [(String, String); 3] {
        [
            (WORKER_LABEL.to_owned(), self.owner.worker.to_string()),
            (JOB_LABEL.to_owned(), self.owner.job.to_string()),
            (ATTEMPT_LABEL.to_owned(), self.owner.attempt.to_string()),
        ]
    }

    /// The labels of a request, with ours for what is no container. Another worker that starts on this
    /// engine removes networks by the worker's label.
    fn labelled(&self, labels: &Value) -> Result<Value, Refusal> {
        let mut labels = confine::labels_of(labels)?;
        let attempt = self.owner.attempt.to_string();
        labels.insert(ATTEMPT_LABEL.to_owned(), json!(attempt));
        Ok(Value::Object(labels))
    }

    /// What the engine says, in the job's words.
    fn words(&self) -> Words {
        let mut pairs = self.tree.words();
        pairs.push((self.socket().display().to_string(), SOCKET.to_owned()));
        pairs.push((self.prefix.clone(), String::new()));
        pairs.push((images::kept_prefix(self.owner.attempt), String::new()));
        Words::new(pairs)
    }

    /// Waits until something may happen.
    async fn going(&self) {
        let mut frozen = self.frozen.clone();
        // An error means that nobody is left who could freeze.
        let _never_gone = frozen.wait_for(|frozen| !frozen).await;
    }

    /// A change at the engine that is done to its end, whoever waits for it: what it made is found.
    async fn change<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Refusal>> + Send + 'static,
    ) -> Result<T, Refusal> {
        self.going().await;
        if self.stop.is_cancelled() {
            return Err(Refusal::conflict("The job has ended."));
        }
        self.making.spawn(work).await.map_err(|_| Refusal::failed("The worker broke down."))?
    }

    /// A change of one call.
    async fn ask(
        &self,
        method: Method,
        path: String,
        body: Option<Value>,
    ) -> Result<Value, Refusal> {
        let up = self.up.clone();
        self.change(async move { up.ask(method, &path, body.as_ref()).await }).await
    }
}

fn said(sentence: String) -> SandboxError {
    SandboxError { sentence }
}

/// Where an attempt's engine has its files.
fn folder(data_dir: &Path, attempt: AttemptId) -> PathBuf {
    data_dir.join(FOLDER).join(attempt.to_string())
}
