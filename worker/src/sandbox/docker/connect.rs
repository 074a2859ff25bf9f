//! Finding the engine.

use std::path::PathBuf;
use std::sync::Arc;

use bollard::Docker;
use bollard::models::SystemVersion;
use slipway_pipelines::ids::WorkerId;

use super::hijack::Address;
use super::{CALL_SECONDS, DockerSandbox, PING};

/// Where an engine listens unless somebody says else.
const USUAL: &str = "unix:///var/run/docker.sock";

/// Processes of one user. Unless a container names it, Podman asks for more than it may give where
/// it runs in a container itself. The kernel counts over all containers together, so it is half of
/// what Podman takes for itself; what bounds a job is its pids limit.
const USER_PROCESSES: i64 = 16_384;

/// An engine that answered.
pub(crate) struct Connected {
    pub(crate) docker: Docker,
    pub(crate) sandbox: DockerSandbox,
    /// Where it listens.
    pub(crate) address: String,
    /// For people: `Docker 20.10.24`.
    pub(crate) name: String,
}

/// Connects to the engine at `address`, or at the usual place.
pub(crate) async fn connect(address: Option<&str>, worker: WorkerId) -> anyhow::Result<Connected> {
    let address = address.unwrap_or(USUAL);
    let parsed = parse(address)?;
    let docker = match &parsed {
        Address::Unix(path) => {
            let path = path.to_string_lossy();
            Docker::connect_with_unix(&path, CALL_SECONDS, bollard::API_DEFAULT_VERSION)?
        }
        Address::Tcp(host) => {
            let url = format!("http://{host}");
            Docker::connect_with_http(&url, CALL_SECONDS, bollard::API_DEFAULT_VERSION)?
        }
    };
    let ask = async {
        let docker = docker.negotiate_version().await?;
        let version = docker.version().await?;
        anyhow::Ok((docker, version))
    };
    let (docker, version) = tokio::time::timeout(PING, ask)
        .await
        .map_err(|_| anyhow::anyhow!("no answer within {} seconds", PING.as_secs()))??;
    let sandbox = DockerSandbox {
        docker: docker.clone(),
        address: parsed,
        worker,
        making_network: Arc::default(),
        processes_of_a_user: is_podman(&version).then_some(USER_PROCESSES),
    };
    let (address, name) = (address.to_owned(), name(&version));
    Ok(Connected { docker, sandbox, address, name })
}

/// `Docker 20.10.24`, `Podman 4.3.1`
fn name(version: &SystemVersion) -> String {
    let product = if is_podman(version) { "Podman" } else { "Docker" };
    format!("{product} {}", version.version.as_deref().unwrap_or_default())
}

fn is_podman(version: &SystemVersion) -> bool {
    version.components.iter().flatten().any(|part| part.name.starts_with("Podman"))
}

fn parse(address: &str) -> anyhow::Result<Address> {
    if let Some(path) = address.strip_prefix("unix://") {
        return Ok(Address::Unix(PathBuf::from(path)));
    }
    let host = address.strip_prefix("tcp://").or_else(|| address.strip_prefix("http://"));
    match host {
        Some(host) => Ok(Address::Tcp(host.trim_end_matches('/').to_owned())),
        None => anyhow::bail!(
            "{address:?} is not an engine's address: write unix:///PATH or tcp://HOST:PORT"
        ),
    }
}
