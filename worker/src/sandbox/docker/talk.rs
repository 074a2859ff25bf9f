//! Commands that are typed into.

use std::time::Duration;

use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, ResizeExecOptions, StartExecOptions, StartExecResults};
use futures::{StreamExt as _, TryStreamExt as _};
use slipway_pipelines::wire::ShellSize;
use tokio_util::io::ReaderStream;

use super::{DockerSandbox, failed, hijack};
use crate::sandbox::{SandboxError, Talk, Written};

/// Of one read of a terminal.
const PIECE: usize = 16 * 1024;
/// A terminal that was just started has no size to change for a moment.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(25);

impl DockerSandbox {
    pub(super) async fn begin_talk(
        &self,
        container: &str,
        command: Vec<String>,
        env: Vec<String>,
        size: Option<ShellSize>,
    ) -> Result<Talk, SandboxError> {
        let options = CreateExecOptions {
            attach_stdin: Some(true),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            tty: Some(size.is_some()),
            cmd: Some(command),
            env: Some(env),
            user: Some("0:0".to_owned()),
            ..Default::default()
        };
        let made = self.docker.create_exec(container, options).await;
        let id = made.map_err(failed("make a shell"))?.id;
        let Some(size) = size else { return self.through_pipes(id).await };
        let opened = hijack::open(&self.address, &id).await.map_err(|error| SandboxError {
            sentence: format!("The engine could not start the shell: {error}."),
        })?;
        self.first_size(&id, size).await;
        let (output, input) = tokio::io::split(opened);
        let output = ReaderStream::with_capacity(output, PIECE).map_ok(Written::Out);
        Ok(Talk { id, output: output.boxed(), input: Box::pin(input) })
    }

    async fn through_pipes(&self, id: String) -> Result<Talk, SandboxError> {
        let options = Some(StartExecOptions { output_capacity: Some(PIECE), ..Default::default() });
        let started =
            self.docker.start_exec(&id, options).await.map_err(failed("start a shell"))?;
        let StartExecResults::Attached { output, input } = started else {
            return Err(SandboxError { sentence: "The engine did not attach.".to_owned() });
        };
        let output = output.map(|piece| match piece {
            Ok(LogOutput::StdErr { message }) => Ok(Written::Err(message)),
            Ok(
                LogOutput::StdOut { message }
                | LogOutput::StdIn { message }
                | LogOutput::Console { message },
            ) => Ok(Written::Out(message)),
            Err(error) => Err(std::io::Error::other(error)),
        });
        Ok(Talk { id, output: output.boxed(), input })
    }

    /// The engine knows the size only once the command runs.
    async fn first_size(&self, id: &str, size: ShellSize) {
        for _ in 0..TRIES {
            if self.resize_talk(id, size).await.is_ok() {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
        tracing::debug!("a shell's terminal keeps the size that the engine gave it");
    }

    pub(super) async fn resize_talk(&self, id: &str, size: ShellSize) -> Result<(), SandboxError> {
        let options = ResizeExecOptions { height: size.rows.max(1), width: size.columns.max(1) };
        let resized = self.docker.resize_exec(id, options).await;
        resized.map_err(failed("change the size of a terminal"))
    }
}
