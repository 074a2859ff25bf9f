//! The small container that owns a service's published ports and passes each connection on to
//! the version that serves.
//!
//! It reads the target's name anew for each connection, so moving the traffic is one rename of
//! one file; connections that are open stay where they are.

use std::collections::HashMap;

use bollard::Docker;
use bollard::models::{ContainerCreateBody, HostConfig, PortBinding};
use bollard::query_parameters::UploadToContainerOptionsBuilder;
use slipway_pipelines::plan::PortMapping;

use super::engine::{self, exec};
use super::names::{PORTS, SERVICE, Service};

const IMAGE: &str = "busybox:latest";
const FORWARD: &str = "#!/bin/sh\nread -r target </target || exit 1\nexec nc \"$target\" \"$1\"\n";
/// Speaks on the connection and shows the answer on standard error; it does not half-close,
/// which some servers take for a client that went away.
const PROBE: &str = "#!/bin/sh\nprintf 'GET %s HTTP/1.0\\r\\nHost: %s\\r\\nConnection: close\\r\\n\\r\\n' \
                     \"$1\" \"$2\"\nhead -c 4096 >&2\n";

pub(super) struct Forwarder<'a> {
    docker: &'a Docker,
    service: &'a Service,
    name: String,
}

impl<'a> Forwarder<'a> {
    /// The service's forwarder, made if there is none.
    pub(super) async fn ensure(
        docker: &'a Docker,
        service: &'a Service,
        ports: &[PortMapping],
    ) -> Result<Self, String> {
        let forwarder = Self { docker, service, name: service.forwarder() };
        match docker.inspect_container(&forwarder.name, None).await {
            Ok(seen) => {
                let runs = seen.state.and_then(|state| state.running).unwrap_or(false);
                if !runs && engine::run(docker, &forwarder.name).await.is_err() {
                    // Half-made by a crash, or its ports are another's now: it serves nobody.
                    engine::remove(docker, &forwarder.name).await?;
                    forwarder.make(&written(ports), None).await?;
                }
            }
            Err(error) if engine::is_status(&error, 404) => {
                engine::ensure_image(docker, IMAGE).await?;
                forwarder.make(&written(ports), None).await?;
            }
            Err(error) => return Err(format!("the forwarder can not be seen: {error}")),
        }
        Ok(forwarder)
    }

    /// The service's forwarder, if there is one that runs.
    pub(super) async fn find(docker: &'a Docker, service: &'a Service) -> Option<Self> {
        let name = service.forwarder();
        let seen = docker.inspect_container(&name, None).await.ok()?;
        let runs = seen.state.and_then(|state| state.running).unwrap_or(false);
        runs.then_some(Self { docker, service, name })
    }

    /// The container that has the traffic.
    pub(super) async fn target(&self) -> Result<Option<String>, String> {
        let said = exec(self.docker, &self.name, &["cat", "/target"]).await?;
        let target = said.out.trim();
        Ok((said.code == 0 && !target.is_empty()).then(|| target.to_owned()))
    }

    /// The ports it publishes, as [`written`].
    pub(super) async fn ports(&self) -> Result<String, String> {
        let seen = self.docker.inspect_container(&self.name, None).await;
        let seen = seen.map_err(|error| format!("the forwarder can not be seen: {error}"))?;
        let mut labels = seen.config.and_then(|config| config.labels).unwrap_or_default();
        Ok(labels.remove(PORTS).unwrap_or_default())
    }

    /// Moves the traffic. Other published ports need another forwarder, with a short gap.
    pub(super) async fn point(&self, target: &str, ports: &str) -> Result<(), String> {
        let before = self.ports().await?;
        if before != ports {
            let old = self.target().await?;
            engine::remove(self.docker, &self.name).await?;
            if let Err(reason) = self.make(ports, Some(target)).await {
                engine::remove(self.docker, &self.name).await?;
                self.make(&before, old.as_deref()).await?;
                return Err(reason);
            }
        }
        self.write(target).await
    }

    async fn write(&self, target: &str) -> Result<(), String> {
        let script = "printf '%s\\n' \"$1\" >/target.new && mv /target.new /target";
        let said = exec(self.docker, &self.name, &["sh", "-c", script, "sh", target]).await?;
        match said.code {
            0 => Ok(()),
            code => Err(format!("the traffic was not moved: exit {code}, {}", said.err.trim())),
        }
    }

    /// One GET request to a version: the whole answer, empty if there was none.
    pub(super) async fn get(&self, target: &str, port: u16, path: &str) -> Result<String, String> {
        let port = port.to_string();
        let command =
            ["timeout", "5", "nc", "-w", "3", target, &port, "-e", "/probe", path, "localhost"];
        Ok(exec(self.docker, &self.name, &command).await?.err)
    }

    async fn make(&self, ports: &str, target: Option<&str>) -> Result<(), String> {
        let pairs: Vec<(&str, &str)> =
            ports.split(',').filter_map(|pair| pair.split_once(':')).collect();
        let binding = |host: &str| PortBinding {
            host_ip: Some("127.0.0.1".to_owned()),
            host_port: Some(host.to_owned()),
        };
        let mut bindings: HashMap<String, Option<Vec<PortBinding>>> = HashMap::new();
        for (host, container) in &pairs {
            let all = bindings.entry(format!("{container}/tcp")).or_default();
            all.get_or_insert_default().push(binding(host));
        }
        let mut script = String::new();
        for port in bindings.keys().filter_map(|key| key.strip_suffix("/tcp")) {
            script.push_str(&format!("nc -ll -p {port} -e /forward {port} & "));
        }
        // Without ports it only probes. A signal ends it at once either way.
        script.push_str("trap 'exit 0' TERM; while :; do sleep 3600 & wait $!; done");
        let body = ContainerCreateBody {
            image: Some(IMAGE.to_owned()),
            cmd: Some(vec!["sh".to_owned(), "-c".to_owned(), script]),
            exposed_ports: Some(bindings.keys().cloned().collect()),
            labels: Some(HashMap::from([
                (SERVICE.to_owned(), self.service.label.clone()),
                (PORTS.to_owned(), ports.to_owned()),
            ])),
            host_config: Some(HostConfig {
                port_bindings: Some(bindings),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        };
        engine::make(self.docker, &self.name, body).await?;
        self.furnish(target).await?;
        engine::run(self.docker, &self.name).await
    }

    async fn furnish(&self, target: Option<&str>) -> Result<(), String> {
        let mut archive = tar::Builder::new(Vec::new());
        let target = target.map(|target| format!("{target}\n"));
        let scripts = [("forward", FORWARD, 0o755), ("probe", PROBE, 0o755)];
        let target = target.as_deref().map(|target| ("target", target, 0o644));
        for (path, text, mode) in scripts.into_iter().chain(target) {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(mode);
            let added = archive.append_data(&mut header, path, text.as_bytes());
            added.map_err(|error| format!("the forwarder's files were not packed: {error}"))?;
        }
        let bytes = archive.into_inner();
        let bytes = bytes.map_err(|error| format!("the forwarder's files: {error}"))?;
        let options = UploadToContainerOptionsBuilder::new().path("/").build();
        let body = bollard::body_full(bytes.into());
        let laid = self.docker.upload_to_container(&self.name, Some(options), body).await;
        laid.map_err(|error| format!("the forwarder's files were not laid: {error}"))
    }
}

/// The ports as one label's text: `8080:80,8443:443`.
pub(super) fn written(ports: &[PortMapping]) -> String {
    let pairs: Vec<String> =
        ports.iter().map(|port| format!("{}:{}", port.host, port.container)).collect();
    pairs.join(",")
}
