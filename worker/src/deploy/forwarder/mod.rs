//! The small container that owns a service's published ports and passes each connection on to
//! the version that serves. Its program is `main.rs` beside this file.

mod image;

use std::collections::HashMap;

use bollard::Docker;
use bollard::models::{ContainerCreateBody, HostConfig, PortBinding};
use bollard::query_parameters::UploadToContainerOptionsBuilder;
use slipway_pipelines::plan::PortMapping;

use super::engine::{self, exec};
use super::names::{PORTS, SERVICE, Service};
use super::trouble::Trouble;

/// The name of the forwarder's image, made if the engine lacks it.
pub(crate) async fn image(docker: &Docker) -> Result<String, String> {
    image::ensure(docker).await
}

const PROGRAM: &str = "/forwarder";
/// Published there only, until an operator can say else.
const LOOPBACK: &str = "127.0.0.1";

pub(super) struct Forwarder<'a> {
    docker: &'a Docker,
    service: &'a Service,
    name: String,
    /// Made just now, so nobody told it a target.
    is_new: bool,
}

impl<'a> Forwarder<'a> {
    /// The service's forwarder, made if there is none.
    pub(super) async fn ensure(
        docker: &'a Docker,
        service: &'a Service,
        ports: &[PortMapping],
    ) -> Result<Self, Trouble> {
        let mut forwarder = Self { docker, service, name: service.forwarder(), is_new: false };
        match docker.inspect_container(&forwarder.name, None).await {
            Ok(seen) => {
                let runs = seen.state.and_then(|state| state.running).unwrap_or(false);
                if !runs && engine::run(docker, &forwarder.name).await.is_err() {
                    // Half-made by a crash, or its ports are another's now: it serves nobody.
                    engine::remove(docker, &forwarder.name).await?;
                    forwarder.make(&written(ports), None).await?;
                    forwarder.is_new = true;
                }
            }
            Err(error) if engine::is_status(&error, 404) => {
                forwarder.make(&written(ports), None).await?;
                forwarder.is_new = true;
            }
            Err(error) => return Err(format!("the forwarder can not be seen: {error}").into()),
        }
        Ok(forwarder)
    }

    /// The service's forwarder, if there is one that runs.
    pub(super) async fn find(docker: &'a Docker, service: &'a Service) -> Option<Self> {
        let name = service.forwarder();
        let seen = docker.inspect_container(&name, None).await.ok()?;
        let runs = seen.state.and_then(|state| state.running).unwrap_or(false);
        runs.then_some(Self { docker, service, name, is_new: false })
    }

    pub(super) fn is_new(&self) -> bool {
        self.is_new
    }

    /// The container that has the traffic.
    pub(super) async fn target(&self) -> Result<Option<String>, String> {
        let said = exec(self.docker, &self.name, &[PROGRAM, "target"]).await?;
        match said.code {
            0 => Ok(Some(said.out).filter(|name| !name.is_empty())),
            code => Err(format!("the forwarder names no target: exit {code}, {}", said.err.trim())),
        }
    }

    /// The ports it publishes, as [`written`].
    pub(super) async fn ports(&self) -> Result<String, String> {
        let seen = self.docker.inspect_container(&self.name, None).await;
        let seen = seen.map_err(|error| format!("the forwarder can not be seen: {error}"))?;
        let mut labels = seen.config.and_then(|config| config.labels).unwrap_or_default();
        Ok(labels.remove(PORTS).unwrap_or_default())
    }

    /// Moves the traffic. Other published ports need another forwarder, with a short gap.
    pub(super) async fn point(&self, target: &str, ports: &str) -> Result<(), Trouble> {
        let before = self.ports().await?;
        if before == ports {
            return Ok(self.write(target).await?);
        }
        let old = self.target().await?;
        engine::remove(self.docker, &self.name).await?;
        if let Err(reason) = self.make(ports, Some(target)).await {
            self.make(&before, old.as_deref()).await?;
            return Err(reason);
        }
        Ok(())
    }

    async fn write(&self, target: &str) -> Result<(), String> {
        let said = exec(self.docker, &self.name, &[PROGRAM, "point", target]).await?;
        match said.code {
            0 => Ok(()),
            code => Err(format!("the traffic was not moved: exit {code}, {}", said.err.trim())),
        }
    }

    /// One GET request to a version: the answer as it came, or why there was none.
    pub(super) async fn get(
        &self,
        target: &str,
        port: u16,
        path: &str,
    ) -> Result<Result<String, String>, String> {
        let port = port.to_string();
        let said = exec(self.docker, &self.name, &[PROGRAM, "get", target, &port, path]).await?;
        Ok(if said.code == 0 { Ok(said.out) } else { Err(said.err.trim().to_owned()) })
    }

    /// Gives the ports back.
    pub(super) async fn remove(&self) -> Result<(), String> {
        engine::remove(self.docker, &self.name).await
    }

    /// Makes and starts it; nothing is left when that fails.
    async fn make(&self, ports: &str, target: Option<&str>) -> Result<(), Trouble> {
        let image = image::ensure(self.docker).await?;
        engine::make(self.docker, self.service, &self.name, self.body(image, ports)).await?;
        let started = match self.lay(target).await {
            Ok(()) => engine::run(self.docker, &self.name).await,
            Err(reason) => Err(reason.into()),
        };
        if started.is_err() {
            engine::remove(self.docker, &self.name).await?;
        }
        started
    }

    fn body(&self, image: String, ports: &str) -> ContainerCreateBody {
        let mut bindings: HashMap<String, Option<Vec<PortBinding>>> = HashMap::new();
        let mut command = vec![PROGRAM.to_owned(), "serve".to_owned()];
        for (host, container) in ports.split(',').filter_map(|pair| pair.split_once(':')) {
            let all = bindings.entry(format!("{container}/tcp")).or_default();
            if all.is_none() {
                command.push(container.to_owned());
            }
            all.get_or_insert_default().push(PortBinding {
                host_ip: Some(LOOPBACK.to_owned()),
                host_port: Some(host.to_owned()),
            });
        }
        ContainerCreateBody {
            image: Some(image),
            cmd: Some(command),
            exposed_ports: Some(bindings.keys().cloned().collect()),
            // It holds nothing that an orderly end would save.
            stop_signal: Some("SIGKILL".to_owned()),
            labels: Some(HashMap::from([
                (SERVICE.to_owned(), self.service.label.clone()),
                (PORTS.to_owned(), ports.to_owned()),
            ])),
            host_config: Some(HostConfig {
                port_bindings: Some(bindings),
                restart_policy: Some(engine::restarted()),
                cap_drop: Some(vec!["ALL".to_owned()]),
                cap_add: Some(vec!["NET_BIND_SERVICE".to_owned()]),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        }
    }

    /// Writes the target before the first connection can come.
    async fn lay(&self, target: Option<&str>) -> Result<(), String> {
        let Some(target) = target else { return Ok(()) };
        let mut archive = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(target.len() as u64);
        header.set_mode(0o644);
        let packed = archive
            .append_data(&mut header, "target", target.as_bytes())
            .and_then(|()| archive.into_inner())
            .map_err(|error| format!("the forwarder's target was not packed: {error}"))?;
        let options = UploadToContainerOptionsBuilder::new().path("/").build();
        let body = bollard::body_full(packed.into());
        let laid = self.docker.upload_to_container(&self.name, Some(options), body).await;
        laid.map_err(|error| format!("the forwarder's target was not laid: {error}"))
    }
}

/// The ports as one label's text: `8080:80,8443:443`.
pub(super) fn written(ports: &[PortMapping]) -> String {
    let pairs: Vec<String> =
        ports.iter().map(|port| format!("{}:{}", port.host, port.container)).collect();
    pairs.join(",")
}
