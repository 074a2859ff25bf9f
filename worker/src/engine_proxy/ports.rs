//! `docker run -p`: what is published appears on the job's own localhost. A small container on the
//! job's network listens there and passes connections on by the container's name; it is the
//! program that deploys use, told by its standard input what to do.

use bollard::models::{ContainerCreateBody, HostConfig, HostConfigLogConfig};
use bollard::query_parameters::{CreateContainerOptions, StartContainerOptions};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

use super::JobEngine;
use super::refusal::Refusal;
use crate::sandbox::{Channel, Sandbox as _};

/// Longest wait for its answer.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);
/// What it needs for some hundred connections.
const MEMORY: i64 = 128 * 1024 * 1024;

/// The listener of one job.
pub(super) struct Gate {
    input: std::pin::Pin<Box<dyn tokio::io::AsyncWrite + Send>>,
    output: BufReader<std::pin::Pin<Box<dyn tokio::io::AsyncRead + Send>>>,
}

impl Gate {
    /// Starts it on the job's network.
    pub(super) async fn start(engine: &JobEngine) -> Result<Self, Refusal> {
        let image = crate::deploy::forwarder_image(&engine.docker).await;
        let image =
            image.map_err(|error| Refusal::failed(format!("No port was published: {error}.")))?;
        let body = ContainerCreateBody {
            image: Some(image),
            cmd: Some(["/forwarder", "gate"].map(str::to_owned).into()),
            attach_stdin: Some(true),
            attach_stdout: Some(true),
            open_stdin: Some(true),
            stop_signal: Some("SIGKILL".to_owned()),
            labels: Some(engine.labels().into()),
            host_config: Some(HostConfig {
                network_mode: Some(format!("container:{}", engine.job()?)),
                cap_drop: Some(vec!["ALL".to_owned()]),
                cap_add: Some(vec!["NET_BIND_SERVICE".to_owned()]),
                security_opt: Some(vec!["no-new-privileges".to_owned()]),
                log_config: Some(HostConfigLogConfig {
                    typ: Some("none".to_owned()),
                    config: None,
                }),
                memory: Some(MEMORY),
                memory_swap: Some(MEMORY),
                pids_limit: Some(4096),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        };
        let docker = engine.docker.clone();
        let made = engine.making.spawn(async move {
            docker.create_container(None::<CreateContainerOptions>, body).await
        });
        let id = made.await.map_err(Refusal::away)?.map_err(Refusal::away)?.id;
        let Channel { output, input } =
            engine.sandbox.attach(&id).await.map_err(|error| Refusal::failed(error.sentence))?;
        engine
            .docker
            .start_container(&id, None::<StartContainerOptions>)
            .await
            .map_err(Refusal::away)?;
        Ok(Self { input, output: BufReader::new(output) })
    }

    /// Listens at `IP:PORT` (0: any) and passes on to `HOST:TARGET`; gives the port.
    pub(super) async fn open(
        &mut self,
        ip: &str,
        port: u16,
        host: &str,
        target: &str,
    ) -> Result<u16, String> {
        let (target, protocol) = target.split_once('/').unwrap_or((target, "tcp"));
        let answer = self.tell(&format!("open {protocol} {ip} {port} {host} {target}")).await?;
        match answer.split_once(' ') {
            Some(("open", port)) => port.parse().map_err(|_| answer.clone()),
            Some(("failed", why)) => Err(why.to_owned()),
            _ => Err(answer),
        }
    }

    /// Listens there no more.
    pub(super) async fn close(&mut self, protocol: &str, ip: &str, port: u16) {
        if let Err(error) = self.tell(&format!("close {protocol} {ip} {port}")).await {
            tracing::debug!(error, "a port stays published");
        }
    }

    async fn tell(&mut self, line: &str) -> Result<String, String> {
        let told = async {
            self.input.write_all(format!("{line}\n").as_bytes()).await?;
            self.input.flush().await?;
            let mut answer = String::new();
            self.output.read_line(&mut answer).await?;
            Ok::<_, std::io::Error>(answer.trim_end().to_owned())
        };
        match tokio::time::timeout(PATIENCE, told).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("the listener does not answer".to_owned()),
        }
    }
}
