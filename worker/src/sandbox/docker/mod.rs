//! A sandbox on a Docker-compatible engine.

mod create;
mod exec;

use std::collections::HashMap;

use bollard::Docker;
use bollard::errors::Error;
use bollard::query_parameters::{
    CreateImageOptionsBuilder, DownloadFromContainerOptionsBuilder, ListContainersOptions, LogsOptionsBuilder,
    RemoveContainerOptionsBuilder, UploadToContainerOptionsBuilder,
};
use futures::StreamExt as _;
use slipway_pipelines::ids::{AttemptId, WorkerId};

use super::{ContainerSpec, Exec, ExecSpec, Sandbox, SandboxError};

/// The label that names the worker.
const WORKER_LABEL: &str = "slipway.worker";
/// The label that names the job.
const JOB_LABEL: &str = "slipway.job";
/// The label that names the attempt.
const ATTEMPT_LABEL: &str = "slipway.attempt";
/// The workers' bridge: containers on it can not reach one another.
const NETWORK: &str = "slipway";

/// Containers of one engine.
#[derive(Clone)]
pub(crate) struct DockerSandbox {
    docker: Docker,
}

impl DockerSandbox {
    /// On this engine.
    pub(crate) fn new(docker: Docker) -> Self {
        Self { docker }
    }

    async fn labelled(&self, label: &str, value: String) -> Result<Vec<String>, SandboxError> {
        let filters = HashMap::from([("label".to_owned(), vec![format!("{label}={value}")])]);
        let options = ListContainersOptions { all: true, filters: Some(filters), ..Default::default() };
        let list = self.docker.list_containers(Some(options)).await.map_err(failed("list"))?;
        let mut found: Vec<(bool, String)> = list
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

    async fn pull(&self, reference: &str) -> Result<(), SandboxError> {
        // Without a tag the engine would take every tag there is.
        let last = reference.rsplit('/').next().unwrap_or(reference);
        let full = if last.contains([':', '@']) {
            reference.to_owned()
        } else {
            format!("{reference}:latest")
        };
        let options = CreateImageOptionsBuilder::default().from_image(&full).build();
        let mut progress = self.docker.create_image(Some(options), None, None);
        while let Some(line) = progress.next().await {
            line.map_err(|error| SandboxError {
                sentence: format!("The image {full} can not be had: {}.", detail(&error)),
            })?;
        }
        Ok(())
    }
}

impl Sandbox for DockerSandbox {
    async fn image(&self, reference: &str) -> Result<String, SandboxError> {
        let found = match self.docker.inspect_image(reference).await {
            Ok(found) => found,
            Err(Error::DockerResponseServerError { status_code: 404, .. }) => {
                self.pull(reference).await?;
                self.docker.inspect_image(reference).await.map_err(failed("inspect image"))?
            }
            Err(error) => return Err(failed("inspect image")(error)),
        };
        let digests = found.repo_digests.unwrap_or_default();
        let digest = digests.first().and_then(|full| full.split_once('@')).map(|(_, d)| d.to_owned());
        Ok(digest.or(found.id).unwrap_or_default())
    }

    async fn create(&self, spec: ContainerSpec) -> Result<String, SandboxError> {
        self.create_network().await?;
        let body = create::body(&spec);
        let made = self
            .docker
            .create_container(None::<bollard::query_parameters::CreateContainerOptions>, body)
            .await
            .map_err(failed("create a container"))?;
        let started = self
            .docker
            .start_container(&made.id, None::<bollard::query_parameters::StartContainerOptions>)
            .await;
        if let Err(error) = started {
            self.remove(&made.id).await?;
            return Err(failed("start a container")(error));
        }
        Ok(made.id)
    }

    async fn upload(&self, container: &str, tar: Vec<u8>) -> Result<(), SandboxError> {
        let options = UploadToContainerOptionsBuilder::default().path("/").build();
        self.docker
            .upload_to_container(container, Some(options), bollard::body_full(tar.into()))
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

    async fn exec(&self, container: &str, spec: ExecSpec) -> Result<Exec, SandboxError> {
        self.start(container, spec).await
    }

    async fn exit_code(&self, exec: &str) -> Result<i64, SandboxError> {
        let found = self.docker.inspect_exec(exec).await.map_err(failed("inspect a command"))?;
        found.exit_code.ok_or_else(|| SandboxError {
            sentence: "The job's shell has not ended.".to_owned(),
        })
    }

    async fn is_running(&self, container: &str) -> Result<bool, SandboxError> {
        let found = self
            .docker
            .inspect_container(
                container,
                None::<bollard::query_parameters::InspectContainerOptions>,
            )
            .await
            .map_err(failed("inspect a container"))?;
        Ok(found.state.and_then(|state| state.running).unwrap_or(false))
    }

    async fn last_lines(&self, container: &str) -> String {
        let options =
            LogsOptionsBuilder::default().stdout(true).stderr(true).tail("20").build();
        let mut logs = self.docker.logs(container, Some(options));
        let mut text = String::new();
        while let Some(Ok(piece)) = logs.next().await {
            text.push_str(&String::from_utf8_lossy(&piece.into_bytes()));
        }
        text
    }

    async fn freeze(&self, container: &str) -> Result<(), SandboxError> {
        content(self.docker.pause_container(container).await, "pause")
    }

    async fn thaw(&self, container: &str) -> Result<(), SandboxError> {
        content(self.docker.unpause_container(container).await, "unpause")
    }

    async fn remove(&self, container: &str) -> Result<(), SandboxError> {
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        content(self.docker.remove_container(container, Some(options)).await, "remove")
    }

    async fn of_attempt(&self, attempt: AttemptId) -> Result<Vec<String>, SandboxError> {
        self.labelled(ATTEMPT_LABEL, attempt.to_string()).await
    }

    async fn of_worker(&self, worker: WorkerId) -> Result<Vec<String>, SandboxError> {
        self.labelled(WORKER_LABEL, worker.to_string()).await
    }
}

/// Already so, or gone: that is what was wanted.
fn content(result: Result<(), Error>, what: &'static str) -> Result<(), SandboxError> {
    match result {
        Ok(()) | Err(Error::DockerResponseServerError { status_code: 304 | 404 | 409, .. }) => Ok(()),
        Err(error) => Err(failed(what)(error)),
    }
}

fn detail(error: &Error) -> String {
    match error {
        Error::DockerResponseServerError { message, .. } => message.trim_end_matches('.').to_owned(),
        other => other.to_string(),
    }
}

fn failed(what: &'static str) -> impl Fn(Error) -> SandboxError {
    move |error| SandboxError {
        sentence: format!("The engine could not {what}: {}.", detail(&error)),
    }
}
