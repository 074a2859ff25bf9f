//! Where strangers' code runs.

mod docker;

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use futures::Stream;
use slipway_pipelines::ids::{AttemptId, JobId, WorkerId};
use tokio::io::AsyncWrite;

pub(crate) use docker::DockerSandbox;

/// What a sandbox did not do, in one sentence for the job's reader.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{sentence}")]
pub(crate) struct SandboxError {
    /// The sentence.
    pub(crate) sentence: String,
}

/// Whose a container is: written on it, so that nothing is ever left over.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    pub(crate) worker: WorkerId,
    pub(crate) job: JobId,
    pub(crate) attempt: AttemptId,
}

/// The network of a container.
#[derive(Clone, Debug)]
pub(crate) enum Net {
    /// Its own, on the worker's bridge; these names mean 127.0.0.1 in it.
    Own { local_names: Vec<String> },
    /// That of this container.
    Of(String),
}

/// A container to be.
#[derive(Clone, Debug)]
pub(crate) struct ContainerSpec {
    pub(crate) image: String,
    /// None: the image's own.
    pub(crate) command: Option<Vec<String>>,
    /// Replace the image's entry point by nothing: the command is all that runs.
    pub(crate) bare: bool,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) net: Net,
    pub(crate) memory_bytes: u64,
    pub(crate) pids: u32,
    pub(crate) cpu_millis: u32,
    pub(crate) owner: Owner,
}

/// A command inside a running container.
#[derive(Clone, Debug)]
pub(crate) struct ExecSpec {
    pub(crate) command: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    /// On a terminal of 24 lines and 120 columns.
    pub(crate) terminal: bool,
    /// With its standard input open.
    pub(crate) input: bool,
}

/// Such a command, started.
pub(crate) struct Exec {
    pub(crate) id: String,
    /// Ends when the command does.
    pub(crate) output: Pin<Box<dyn Stream<Item = Result<Bytes, SandboxError>> + Send>>,
    pub(crate) input: Pin<Box<dyn AsyncWrite + Send>>,
}

/// Isolates jobs. The contract every implementation keeps:
///
/// - What `create` makes has no capability beyond the short list, gains no privilege, and stays
///   within its memory, processes and CPU; it sees neither the host's files nor its engine.
/// - `remove` takes the container with its anonymous volumes, running or not, and is content if
///   it is gone already.
/// - `of_worker` and `of_attempt` find everything that `create` ever made and `remove` did not.
/// - `freeze` and `thaw` are content with a container that is frozen, running or gone already.
pub(crate) trait Sandbox: Send + Sync {
    /// Makes sure the image is there; gives its digest or id.
    fn image(&self, reference: &str) -> impl Future<Output = Result<String, SandboxError>> + Send;
    /// Makes and starts a container; gives its id.
    fn create(
        &self,
        spec: ContainerSpec,
    ) -> impl Future<Output = Result<String, SandboxError>> + Send;
    /// Unpacks a tar at `/` of the container.
    fn upload(
        &self,
        container: &str,
        tar: Vec<u8>,
    ) -> impl Future<Output = Result<(), SandboxError>> + Send;
    /// A folder of the container as a tar, whose paths begin with the folder's name.
    fn download(
        &self,
        container: &str,
        path: &str,
    ) -> impl Future<Output = Result<Vec<u8>, SandboxError>> + Send;
    /// Starts a command.
    fn exec(
        &self,
        container: &str,
        spec: ExecSpec,
    ) -> impl Future<Output = Result<Exec, SandboxError>> + Send;
    /// The exit code of a command that ended.
    fn exit_code(&self, exec: &str) -> impl Future<Output = Result<i64, SandboxError>> + Send;
    /// Is its main process alive?
    fn is_running(
        &self,
        container: &str,
    ) -> impl Future<Output = Result<bool, SandboxError>> + Send;
    /// The last lines a container wrote.
    fn last_lines(&self, container: &str) -> impl Future<Output = String> + Send;
    /// Stops every process where it is.
    fn freeze(&self, container: &str) -> impl Future<Output = Result<(), SandboxError>> + Send;
    /// Lets them go on.
    fn thaw(&self, container: &str) -> impl Future<Output = Result<(), SandboxError>> + Send;
    /// Kills and removes.
    fn remove(&self, container: &str) -> impl Future<Output = Result<(), SandboxError>> + Send;
    /// All containers of an attempt, those that joined another's network first.
    fn of_attempt(
        &self,
        attempt: AttemptId,
    ) -> impl Future<Output = Result<Vec<String>, SandboxError>> + Send;
    /// All containers of a worker.
    fn of_worker(
        &self,
        worker: WorkerId,
    ) -> impl Future<Output = Result<Vec<String>, SandboxError>> + Send;
}
