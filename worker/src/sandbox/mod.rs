//! Where strangers' code runs.

mod docker;
mod waiting;

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use futures::Stream;
use futures::stream::BoxStream;
use slipway_pipelines::ids::{AttemptId, JobId, WorkerId};
use slipway_pipelines::plan::PublishedPort;
use slipway_pipelines::wire::ShellSize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use crate::log::StepLog;
pub(crate) use docker::{
    ATTEMPT_LABEL, BRIDGE_NAME, CAPABILITIES, Connected, DockerSandbox, JOB_LABEL, OPEN_FILES,
    Starting, WORKER_LABEL, connect, pull,
};
pub(crate) use waiting::Waiting;

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

/// What a container does.
#[derive(Clone, Debug)]
pub(crate) enum Role {
    /// Keeps the job's place: waits for ever, and carries the channel of the job's shell. It has a
    /// network of its own, in which these names mean 127.0.0.1.
    Job { local_names: Vec<String> },
    /// Runs the image's own program, or this command, on the network of that container.
    Service { beside: String, command: Option<Vec<String>> },
}

/// A folder of the host in a container: of the operator's list, or of the worker's own making.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    /// On the engine's host.
    pub(crate) source: String,
    /// In the container.
    pub(crate) target: String,
    pub(crate) read_only: bool,
}

/// A container to be.
#[derive(Clone, Debug)]
pub(crate) struct ContainerSpec {
    pub(crate) image: String,
    pub(crate) role: Role,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) memory_bytes: u64,
    pub(crate) pids: u32,
    pub(crate) cpu_millis: u32,
    pub(crate) mounts: Vec<Mount>,
    pub(crate) ports: Vec<PublishedPort>,
    pub(crate) owner: Owner,
}

/// Standard input and output of a container's main process.
pub(crate) struct Channel {
    pub(crate) output: Pin<Box<dyn AsyncRead + Send>>,
    pub(crate) input: Pin<Box<dyn AsyncWrite + Send>>,
}

/// A tar on its way out of a container.
pub(crate) type TarStream = Pin<Box<dyn Stream<Item = Result<Bytes, SandboxError>> + Send>>;

/// What is at a path of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PathKind {
    Folder,
    File,
    /// A symbolic link, wherever it leads.
    Link,
    /// A device, a pipe, a socket.
    Special,
}

/// What became of a container's main process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Running,
    Ended,
    /// It ended, and the container had reached its memory limit.
    OutOfMemory,
    /// There is no such container any more.
    Gone,
}

/// A command that runs on a terminal.
pub(crate) struct Terminal {
    /// For [`Sandbox::exit_code`].
    pub(crate) id: String,
    /// Ends when the command does.
    pub(crate) output: Pin<Box<dyn AsyncRead + Send>>,
}

/// A job's container that runs.
pub(crate) struct Running {
    /// Its id.
    pub(crate) container: String,
    /// The shell in it that waits for the job's program.
    pub(crate) waiting: Waiting,
}

/// A command that is typed into.
pub(crate) struct Talk {
    /// For [`Sandbox::exit_code`] and [`Sandbox::resize`].
    pub(crate) id: String,
    /// What it writes, as a rule until it ends.
    pub(crate) output: BoxStream<'static, std::io::Result<Written>>,
    /// What it reads; closing it is the end of its input.
    pub(crate) input: Pin<Box<dyn AsyncWrite + Send>>,
}

/// What a command wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// To its standard output, or its terminal.
    Out(Bytes),
    /// To its standard error.
    Err(Bytes),
}

/// What a container has become, as an image.
pub(crate) struct KeptImage {
    /// Its id.
    pub(crate) id: String,
    /// What it has beyond the image that the container was made from.
    pub(crate) own_bytes: u64,
}

/// Isolates jobs. The contract every implementation keeps:
///
/// - What `create` makes has no capability beyond the short list, gains no privilege, and stays
///   within its memory, processes and CPU; it sees neither the host's files nor its engine.
/// - `remove` takes the container with its anonymous volumes, running or not, and is content if
///   it is gone already.
/// - `of_worker` and `of_attempt` find everything that `create` ever made and `remove` did not.
/// - `take` gives what was started before anybody wanted it: nothing has run in it but what waits,
///   so it belongs to no job, no repo and no level of trust. From the moment it is taken it is the
///   owner's, is found by `of_attempt`, and is removed like any other: nothing is given back.
/// - `freeze` and `thaw` are content with a container that is frozen, running or gone already.
pub(crate) trait Sandbox: Send + Sync {
    /// Makes sure the image is there, and says in the log how far it is if that takes a while;
    /// gives its digest or id.
    fn image(
        &self,
        reference: &str,
        log: &dyn StepLog,
    ) -> impl Future<Output = Result<String, SandboxError>> + Send;
    /// A container for a job that runs already, made as `spec` would make it, its limits and names
    /// included; none: there is none, or the image's name means another image by now.
    fn take(&self, spec: &ContainerSpec) -> impl Future<Output = Option<Running>> + Send;
    /// A job is being started: as long as this is held, nothing is done beside that could wait.
    fn starting(&self) -> Starting;
    /// A job of such a container runs: others like it may come.
    fn began(&self, spec: &ContainerSpec);
    /// Starts containers of the images that are used most, until `stop`, and removes them then.
    fn tend(&self, stop: &CancellationToken) -> impl Future<Output = ()> + Send;
    /// Starts the shell that waits in a container that runs.
    fn waiting(
        &self,
        container: &str,
    ) -> impl Future<Output = Result<Waiting, SandboxError>> + Send;
    /// Makes a container; gives its id.
    fn create(
        &self,
        spec: ContainerSpec,
    ) -> impl Future<Output = Result<String, SandboxError>> + Send;
    /// Starts its main process.
    fn start(&self, container: &str) -> impl Future<Output = Result<(), SandboxError>> + Send;
    /// Holds the main process by its standard input and output; before `start` nothing is missed.
    fn attach(&self, container: &str)
    -> impl Future<Output = Result<Channel, SandboxError>> + Send;
    /// Unpacks a tar at `/` of the container, started or not.
    fn upload(
        &self,
        container: &str,
        tar: Vec<u8>,
    ) -> impl Future<Output = Result<(), SandboxError>> + Send;
    /// The same, in pieces that are made while they are taken.
    fn upload_stream<S>(
        &self,
        container: &str,
        tar: S,
    ) -> impl Future<Output = Result<(), SandboxError>> + Send
    where
        S: Stream<Item = std::io::Result<Bytes>> + Send + 'static;
    /// A folder of the container as a tar, whose paths begin with the folder's name.
    fn download(
        &self,
        container: &str,
        path: &str,
    ) -> impl Future<Output = Result<Vec<u8>, SandboxError>> + Send;
    /// The same in pieces, as fast as they are taken; of a file as well. A link is given as a link.
    fn download_stream(&self, container: &str, path: &str) -> TarStream;
    /// What is at this path; none: nothing is. Links above it are followed, one that is there is not.
    fn look(
        &self,
        container: &str,
        path: &str,
    ) -> impl Future<Output = Result<Option<PathKind>, SandboxError>> + Send;
    /// Starts a command as root on a terminal.
    fn terminal(
        &self,
        container: &str,
        command: Vec<String>,
    ) -> impl Future<Output = Result<Terminal, SandboxError>> + Send;
    /// Starts a command as root that is typed into: on a terminal of this size, or without one.
    fn talk(
        &self,
        container: &str,
        command: Vec<String>,
        env: Vec<String>,
        size: Option<ShellSize>,
    ) -> impl Future<Output = Result<Talk, SandboxError>> + Send;
    /// Its terminal has another size now.
    fn resize(
        &self,
        talk: &str,
        size: ShellSize,
    ) -> impl Future<Output = Result<(), SandboxError>> + Send;
    /// The exit code of such a command; none: it runs.
    fn exit_code(
        &self,
        terminal: &str,
    ) -> impl Future<Output = Result<Option<i64>, SandboxError>> + Send;
    /// Runs a shell command to its end; gives what it wrote (the first part of it) and its code.
    fn run(
        &self,
        container: &str,
        command: &str,
    ) -> impl Future<Output = Result<(String, i64), SandboxError>> + Send;
    /// Runs a command to its end, with what it writes in the log; gives its code.
    fn run_logged(
        &self,
        container: &str,
        command: Vec<String>,
        log: &dyn StepLog,
    ) -> impl Future<Output = Result<i64, SandboxError>> + Send;
    /// Why a container of this image has no shell, in one sentence.
    fn no_shell(&self, image: &str) -> impl Future<Output = String> + Send;
    /// How many processes and threads a container has now.
    fn processes(&self, container: &str) -> impl Future<Output = Result<u64, SandboxError>> + Send;
    /// What all containers of an attempt have written to their own layers, in bytes.
    fn written(&self, attempt: AttemptId)
    -> impl Future<Output = Result<u64, SandboxError>> + Send;
    /// Is its main process alive?
    fn is_running(
        &self,
        container: &str,
    ) -> impl Future<Output = Result<bool, SandboxError>> + Send;
    /// The published ports of a started container, and at which address of its host each is.
    fn published(
        &self,
        container: &str,
    ) -> impl Future<Output = Result<Vec<(u16, String)>, SandboxError>> + Send;
    /// What became of its main process?
    fn fate(&self, container: &str) -> impl Future<Output = Result<Fate, SandboxError>> + Send;
    /// The last lines a container wrote.
    fn last_lines(&self, container: &str) -> impl Future<Output = String> + Send;
    /// What a container wrote from its beginning, as far as the engine kept it; at most so many
    /// bytes, the last ones.
    fn whole_log(&self, container: &str, most: usize) -> impl Future<Output = Vec<u8>> + Send;
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
    /// All containers of a worker, those that joined another's network first.
    fn of_worker(
        &self,
        worker: WorkerId,
    ) -> impl Future<Output = Result<Vec<String>, SandboxError>> + Send;
    /// What its containers are made for: `linux/amd64`.
    fn platform(&self) -> impl Future<Output = Result<String, SandboxError>> + Send;
    /// Makes an image of this name of what the container has become. It has the settings of the image
    /// that the container was made from, and these labels beside that one's. Every process stands
    /// still meanwhile. A sandbox that has no images says so.
    fn keep(
        &self,
        container: &str,
        name: &str,
        labels: &[(String, String)],
    ) -> impl Future<Output = Result<KeptImage, SandboxError>> + Send;
    /// Does it answer at all?
    fn answers(&self) -> impl Future<Output = bool> + Send;
    /// Takes away what is shared by containers, once there are none.
    fn close(&self) -> impl Future<Output = ()> + Send;
}
