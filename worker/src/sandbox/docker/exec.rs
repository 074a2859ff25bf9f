//! Commands inside a container.

use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use futures::StreamExt as _;

use super::{DockerSandbox, failed, hijack};
use crate::sandbox::{SandboxError, Terminal};

/// At most this much of what a command wrote is kept.
const KEPT: usize = 256 * 1024;

impl DockerSandbox {
    async fn made(
        &self,
        container: &str,
        terminal: bool,
        command: Vec<String>,
    ) -> Result<String, SandboxError> {
        let options = CreateExecOptions {
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            tty: Some(terminal),
            cmd: Some(command),
            // The job is root in its container; a service keeps the user of its image.
            user: terminal.then(|| "0:0".to_owned()),
            ..Default::default()
        };
        let made = self.docker.create_exec(container, options).await;
        Ok(made.map_err(failed("make a command"))?.id)
    }

    pub(super) async fn on_terminal(
        &self,
        container: &str,
        command: Vec<String>,
    ) -> Result<Terminal, SandboxError> {
        let id = self.made(container, true, command).await?;
        let output = hijack::start(&self.address, &id).await.map_err(|error| SandboxError {
            sentence: format!("The engine could not start the job's shell: {error}."),
        })?;
        Ok(Terminal { id, output })
    }

    pub(super) async fn to_its_end(
        &self,
        container: &str,
        command: Vec<String>,
    ) -> Result<(String, i64), SandboxError> {
        let mut text = Vec::new();
        let mut keep = |piece: &[u8]| {
            let room = KEPT.saturating_sub(text.len());
            text.extend_from_slice(&piece[..piece.len().min(room)]);
        };
        let code = self.shown(container, command, &mut keep).await?;
        Ok((String::from_utf8_lossy(&text).into_owned(), code))
    }

    /// Runs a command to its end and hands on what it writes.
    pub(super) async fn shown(
        &self,
        container: &str,
        command: Vec<String>,
        show: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<i64, SandboxError> {
        let id = self.made(container, false, command).await?;
        let options = Some(StartExecOptions::default());
        let started =
            self.docker.start_exec(&id, options).await.map_err(failed("start a command"))?;
        let StartExecResults::Attached { mut output, .. } = started else {
            return Err(SandboxError { sentence: "The engine did not attach.".to_owned() });
        };
        while let Some(piece) = output.next().await {
            show(&piece.map_err(failed("read a command's output"))?.into_bytes());
        }
        let ended = self.docker.inspect_exec(&id).await.map_err(failed("inspect a command"))?;
        Ok(ended.exit_code.unwrap_or(-1))
    }
}
