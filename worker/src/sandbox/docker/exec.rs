//! Commands inside a container.

use bollard::exec::{CreateExecOptions, ResizeExecOptions, StartExecOptions, StartExecResults};
use futures::StreamExt as _;

use super::{DockerSandbox, failed};
use crate::sandbox::{Exec, ExecSpec, SandboxError};

impl DockerSandbox {
    /// Starts a command as root and attaches to it.
    pub(super) async fn start(&self, container: &str, spec: ExecSpec) -> Result<Exec, SandboxError> {
        let options = CreateExecOptions {
            attach_stdin: Some(spec.input),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            tty: Some(spec.terminal),
            cmd: Some(spec.command),
            env: Some(spec.env.iter().map(|(name, value)| format!("{name}={value}")).collect()),
            user: Some("0:0".to_owned()),
            ..Default::default()
        };
        let id = self
            .docker
            .create_exec(container, options)
            .await
            .map_err(failed("make a command"))?
            .id;
        let options = StartExecOptions { tty: spec.terminal, ..Default::default() };
        let started =
            self.docker.start_exec(&id, Some(options)).await.map_err(failed("start a command"))?;
        let StartExecResults::Attached { output, input } = started else {
            return Err(SandboxError { sentence: "The engine did not attach.".to_owned() });
        };
        if spec.terminal {
            let size = ResizeExecOptions { height: 24, width: 120 };
            // Too late for a command that has ended already: nothing to resize then.
            if let Err(error) = self.docker.resize_exec(&id, size).await {
                tracing::debug!(%error, "terminal not resized");
            }
        }
        let output = output.map(|piece| {
            piece.map(bollard::container::LogOutput::into_bytes).map_err(failed("read the output"))
        });
        Ok(Exec { id, output: Box::pin(output), input })
    }
}
