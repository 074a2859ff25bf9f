//! A sandbox on a Docker-compatible engine.

mod connect;
mod create;
mod errors;
mod exec;
mod files;
mod hijack;
mod images;
mod keep;
mod pool;
mod pulls;
mod talk;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::PortBinding;
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, CreateContainerOptions, DownloadFromContainerOptionsBuilder,
    InspectContainerOptions, ListContainersOptions, LogsOptionsBuilder,
    RemoveContainerOptionsBuilder, StartContainerOptions, StatsOptionsBuilder,
    UploadToContainerOptionsBuilder,
};
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use slipway_pipelines::ids::{AttemptId, WorkerId};
use slipway_pipelines::wire::ShellSize;
use tokio::sync::Mutex;
use tokio_util::io::StreamReader;
use tokio_util::sync::CancellationToken;

use super::{
    Channel, ContainerSpec, Fate, KeptImage, PathKind, Running, Sandbox, SandboxError, Talk,
    TarStream, Terminal, Waiting, waiting,
};
use crate::log::StepLog;
pub(crate) use connect::{Connected, connect};
pub(crate) use create::{BRIDGE_NAME, CAPABILITIES, OPEN_FILES};
use errors::{content, detail, failed, is_status, misses_network, says_stopped};
use hijack::Address;
use pool::Pool;
pub(crate) use pool::Starting;
use pulls::Pulls;
pub(crate) use pulls::pull;

/// The label that names the worker.
pub(crate) const WORKER_LABEL: &str = "slipway.worker";
/// The label that names the job.
pub(crate) const JOB_LABEL: &str = "slipway.job";
/// The label that names the attempt.
pub(crate) const ATTEMPT_LABEL: &str = "slipway.attempt";
/// Longest time until the engine answers a call. Starting a container on a busy disk is slow.
const CALL_SECONDS: u64 = 120;
/// At most this much of what a container wrote last.
const LAST_LINES: usize = 16 * 1024;
/// Longest time until a work tree is in its container: some are large.
const UPLOAD: Duration = Duration::from_secs(15 * 60);
/// An engine that needs longer for a ping is as good as away.
const PING: Duration = Duration::from_secs(5);

/// Containers of one engine.
#[derive(Clone)]
pub(crate) struct DockerSandbox {
    docker: Docker,
    address: Address,
    worker: WorkerId,
    making_network: Arc<Mutex<()>>,
    /// Where the engine wants to be told: how many processes a user has at most.
    processes_of_a_user: Option<i64>,
    pool: Arc<Pool>,
    pulls: Arc<Pulls>,
}

impl DockerSandbox {
    /// The same with so many containers that wait for jobs; what those use is remembered in `file`.
    pub(crate) fn with_pool(self, size: usize, file: PathBuf) -> Self {
        Self { pool: Arc::new(Pool::new(size, Some(file))), ..self }
    }

    /// What these containers have written to their own layers.
    async fn written_by(&self, filter: &str, value: String) -> Result<u64, SandboxError> {
        let options = ListContainersOptions {
            all: true,
            size: true,
            filters: Some(HashMap::from([(filter.to_owned(), vec![value])])),
            ..Default::default()
        };
        let list = self.docker.list_containers(Some(options)).await;
        let list = list.map_err(failed("measure what containers have written"))?;
        let sizes = list.into_iter().filter_map(|one| u64::try_from(one.size_rw?).ok());
        Ok(sizes.sum())
    }

    async fn labelled(&self, label: &str, value: String) -> Result<Vec<String>, SandboxError> {
        let filters = HashMap::from([("label".to_owned(), vec![format!("{label}={value}")])]);
        let options =
            ListContainersOptions { all: true, filters: Some(filters), ..Default::default() };
        let list = self.docker.list_containers(Some(options)).await;
        let mut found: Vec<(bool, String)> = list
            .map_err(failed("list containers"))?
            .into_iter()
            .filter_map(|one| {
                let mode = one.host_config.and_then(|host| host.network_mode).unwrap_or_default();
                one.id.map(|id| (!mode.starts_with("container:"), id))
            })
            .collect();
        // Those that live on another's network go first.
        found.sort();
        Ok(found.into_iter().map(|(_, id)| id).collect())
    }
}

impl Sandbox for DockerSandbox {
    async fn image(&self, reference: &str, log: &dyn StepLog) -> Result<String, SandboxError> {
        self.have(reference, log).await
    }

    async fn take(&self, spec: &ContainerSpec) -> Option<Running> {
        self.take_warm(spec).await
    }

    fn starting(&self) -> Starting {
        self.pool.starting()
    }

    fn began(&self, spec: &ContainerSpec) {
        self.pool.began(spec);
    }

    async fn tend(&self, stop: &CancellationToken) {
        self.tend_pool(stop).await;
    }

    async fn waiting(&self, container: &str) -> Result<Waiting, SandboxError> {
        let channel = self.attach(container).await?;
        match self.on_terminal(container, waiting::command()).await {
            Ok(terminal) => Waiting::up(channel, terminal).await,
            Err(error) => {
                tracing::debug!(container, %error, "no shell waits");
                Ok(Waiting::nobody(channel))
            }
        }
    }

    async fn create(&self, spec: ContainerSpec) -> Result<String, SandboxError> {
        let mut body = create::body(&spec);
        if let (Some(most), Some(host)) = (self.processes_of_a_user, &mut body.host_config) {
            host.ulimits.get_or_insert_default().push(create::ulimit("nproc", most));
        }
        let make = || self.docker.create_container(None::<CreateContainerOptions>, body.clone());
        let made = match make().await {
            Err(error) if misses_network(&error) => {
                self.ensure_network().await?;
                make().await
            }
            made => made,
        };
        Ok(made.map_err(failed("create a container"))?.id)
    }

    async fn start(&self, container: &str) -> Result<(), SandboxError> {
        let start = || self.docker.start_container(container, None::<StartContainerOptions>);
        match start().await {
            // Somebody removed the bridge: make it again.
            Err(error) if is_status(&error, 404) => {
                self.ensure_network().await?;
                start().await.map_err(failed("start a container"))
            }
            started => started.map_err(failed("start a container")),
        }
    }

    async fn attach(&self, container: &str) -> Result<Channel, SandboxError> {
        let options =
            AttachContainerOptionsBuilder::default().stream(true).stdin(true).stdout(true).build();
        let attached = self.docker.attach_container(container, Some(options)).await;
        let attached = attached.map_err(failed("attach to a container"))?;
        let output = attached.output.map(|piece| {
            piece.map(bollard::container::LogOutput::into_bytes).map_err(std::io::Error::other)
        });
        Ok(Channel { output: Box::pin(StreamReader::new(output)), input: attached.input })
    }

    async fn upload(&self, container: &str, tar: Vec<u8>) -> Result<(), SandboxError> {
        let options = UploadToContainerOptionsBuilder::default().path("/").build();
        self.docker
            .upload_to_container(container, Some(options), bollard::body_full(tar.into()))
            .await
            .map_err(failed("put files into the container"))
    }

    async fn upload_stream<S>(&self, container: &str, tar: S) -> Result<(), SandboxError>
    where
        S: Stream<Item = std::io::Result<Bytes>> + Send + 'static,
    {
        let options = UploadToContainerOptionsBuilder::default().path("/").build();
        self.docker
            .clone()
            .with_timeout(UPLOAD)
            .upload_to_container(container, Some(options), bollard::body_try_stream(tar))
            .await
            .map_err(failed("put files into the container"))
    }

    async fn download(&self, container: &str, path: &str) -> Result<Vec<u8>, SandboxError> {
        let options = DownloadFromContainerOptionsBuilder::default().path(path).build();
        let mut stream = self.docker.download_from_container(container, Some(options));
        let mut tar = Vec::new();
        while let Some(piece) = stream.next().await {
            tar.extend_from_slice(&piece.map_err(failed("read files of the container"))?);
        }
        Ok(tar)
    }

    fn download_stream(&self, container: &str, path: &str) -> TarStream {
        self.tar_of(container, path)
    }

    async fn look(&self, container: &str, path: &str) -> Result<Option<PathKind>, SandboxError> {
        self.kind_of(container, path).await
    }

    async fn terminal(
        &self,
        container: &str,
        command: Vec<String>,
    ) -> Result<Terminal, SandboxError> {
        self.on_terminal(container, command).await
    }

    async fn talk(
        &self,
        container: &str,
        command: Vec<String>,
        env: Vec<String>,
        size: Option<ShellSize>,
    ) -> Result<Talk, SandboxError> {
        self.begin_talk(container, command, env, size).await
    }

    async fn resize(&self, talk: &str, size: ShellSize) -> Result<(), SandboxError> {
        self.resize_talk(talk, size).await
    }

    async fn exit_code(&self, terminal: &str) -> Result<Option<i64>, SandboxError> {
        let found = self.docker.inspect_exec(terminal).await;
        let found = found.map_err(failed("inspect the job's shell"))?;
        Ok(if found.running == Some(true) { None } else { found.exit_code })
    }

    async fn run(&self, container: &str, command: &str) -> Result<(String, i64), SandboxError> {
        self.to_its_end(container, ["sh", "-c", command].map(str::to_owned).into()).await
    }

    async fn run_logged(
        &self,
        container: &str,
        command: Vec<String>,
        log: &dyn StepLog,
    ) -> Result<i64, SandboxError> {
        self.shown(container, command, &mut |piece| log.write(piece)).await
    }

    async fn no_shell(&self, image: &str) -> String {
        self.without_shell(image).await
    }

    async fn processes(&self, container: &str) -> Result<u64, SandboxError> {
        let options = StatsOptionsBuilder::default().stream(false).one_shot(true).build();
        let mut stats = self.docker.stats(container, Some(options));
        let first = stats.next().await.transpose().map_err(failed("count processes"))?;
        Ok(first.and_then(|stats| stats.pids_stats).and_then(|pids| pids.current).unwrap_or(0))
    }

    async fn written(&self, attempt: AttemptId) -> Result<u64, SandboxError> {
        let mut sum = self.written_by("label", format!("{ATTEMPT_LABEL}={attempt}")).await?;
        for container in self.pool.of(attempt) {
            sum += self.written_by("id", container).await?;
        }
        Ok(sum)
    }

    async fn is_running(&self, container: &str) -> Result<bool, SandboxError> {
        let found = self.docker.inspect_container(container, None::<InspectContainerOptions>).await;
        let state = match found {
            Err(error) if says_stopped(&error) => return Ok(false),
            found => found.map_err(failed("inspect a container"))?.state,
        };
        Ok(state.and_then(|state| state.running).unwrap_or(false))
    }

    async fn published(&self, container: &str) -> Result<Vec<(u16, String)>, SandboxError> {
        let found = self.docker.inspect_container(container, None::<InspectContainerOptions>).await;
        let network = found.map_err(failed("inspect a container"))?.network_settings;
        let ports = network.and_then(|network| network.ports).unwrap_or_default();
        let address = |(name, bound): (String, Option<Vec<PortBinding>>)| {
            let port = name.split('/').next()?.parse().ok()?;
            let bound = bound?.into_iter().next()?;
            let host = bound.host_ip.unwrap_or_default();
            Some((port, format!("{host}:{}", bound.host_port?)))
        };
        let mut all: Vec<(u16, String)> = ports.into_iter().filter_map(address).collect();
        all.sort();
        Ok(all)
    }

    async fn fate(&self, container: &str) -> Result<Fate, SandboxError> {
        let found = self.docker.inspect_container(container, None::<InspectContainerOptions>).await;
        let state = match found {
            Err(error) if is_status(&error, 404) => return Ok(Fate::Gone),
            Err(error) if says_stopped(&error) => return Ok(Fate::Ended),
            found => found.map_err(failed("inspect a container"))?.state.unwrap_or_default(),
        };
        Ok(match (state.running, state.oom_killed) {
            (Some(true), _) => Fate::Running,
            (_, Some(true)) => Fate::OutOfMemory,
            _ => Fate::Ended,
        })
    }

    async fn last_lines(&self, container: &str) -> String {
        let options = LogsOptionsBuilder::default().stdout(true).stderr(true).tail("20").build();
        let mut logs = self.docker.logs(container, Some(options));
        let mut text = String::new();
        while let Some(Ok(piece)) = logs.next().await {
            text.push_str(&String::from_utf8_lossy(&piece.into_bytes()));
            // Lines may be of any length.
            if text.len() > LAST_LINES {
                break;
            }
        }
        text.chars().take(LAST_LINES).collect()
    }

    async fn whole_log(&self, container: &str, most: usize) -> Vec<u8> {
        let options = LogsOptionsBuilder::default().stdout(true).stderr(true).build();
        let mut logs = self.docker.logs(container, Some(options));
        let mut text = std::collections::VecDeque::new();
        while let Some(Ok(piece)) = logs.next().await {
            text.extend(piece.into_bytes());
            let over = text.len().saturating_sub(most);
            text.drain(..over);
        }
        text.into()
    }

    async fn freeze(&self, container: &str) -> Result<(), SandboxError> {
        content(self.docker.pause_container(container).await, "pause a container")
    }

    async fn thaw(&self, container: &str) -> Result<(), SandboxError> {
        let thawed = self.docker.unpause_container(container).await;
        // What was created but not yet started, or what is not paused, is an error to the engine.
        match thawed {
            Err(Error::DockerResponseServerError { status_code: 500, message })
                if message.contains("is not paused") || message.contains("is not running") =>
            {
                Ok(())
            }
            thawed => content(thawed, "thaw a container"),
        }
    }

    async fn remove(&self, container: &str) -> Result<(), SandboxError> {
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        let removed = self.docker.remove_container(container, Some(options)).await;
        content(removed, "remove a container")?;
        self.pool.removed(container);
        Ok(())
    }

    async fn of_attempt(&self, attempt: AttemptId) -> Result<Vec<String>, SandboxError> {
        let mut all = self.labelled(ATTEMPT_LABEL, attempt.to_string()).await?;
        // A job's own container: others are on its network.
        all.extend(self.pool.of(attempt));
        Ok(all)
    }

    async fn of_worker(&self, worker: WorkerId) -> Result<Vec<String>, SandboxError> {
        self.labelled(WORKER_LABEL, worker.to_string()).await
    }

    async fn platform(&self) -> Result<String, SandboxError> {
        let version = self.docker.version().await.map_err(failed("say what it is"))?;
        let (os, arch) = (version.os.unwrap_or_default(), version.arch.unwrap_or_default());
        Ok(format!("{os}/{arch}"))
    }

    async fn keep(
        &self,
        container: &str,
        name: &str,
        labels: &[(String, String)],
    ) -> Result<KeptImage, SandboxError> {
        self.kept(container, name, labels).await
    }

    async fn answers(&self) -> bool {
        tokio::time::timeout(PING, self.docker.ping()).await.is_ok_and(|pinged| pinged.is_ok())
    }

    async fn close(&self) {
        // Refused while a container is on it: then it stays, and is used again.
        if let Err(error) = self.docker.remove_network(&create::network(self.worker)).await {
            tracing::debug!(%error, "the worker's network stays");
        }
    }
}
