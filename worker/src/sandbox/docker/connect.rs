//! Finding the engine.

use std::path::PathBuf;
use std::sync::Arc;

use bollard::Docker;
use bollard::models::SystemVersion;
use slipway_pipelines::ids::WorkerId;
use slipway_pipelines::plan::Arch;

use super::hijack::Address;
use super::pool::Pool;
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
    /// Its processors, if they are of a kind that jobs can ask for.
    pub(crate) arch: Option<Arch>,
    /// The memory of its machine, in bytes; none: it does not say.
    pub(crate) memory: Option<u64>,
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
        let info = docker.info().await?;
        anyhow::Ok((docker, version, info))
    };
    let (docker, version, info) = tokio::time::timeout(PING, ask)
        .await
        .map_err(|_| anyhow::anyhow!("no answer within {} seconds", PING.as_secs()))??;
    let sandbox = DockerSandbox {
        docker: docker.clone(),
        address: parsed,
        worker,
        making_network: Arc::default(),
        processes_of_a_user: is_podman(&version).then_some(USER_PROCESSES),
        pool: Arc::new(Pool::new(0, None)),
        pulls: Arc::default(),
    };
    let name = name(&version);
    let arch = version.arch.or(info.architecture).and_then(|word| Arch::read(&word));
    let memory = info.mem_total.and_then(|bytes| u64::try_from(bytes).ok()).filter(|it| *it > 0);
    Ok(Connected { docker, sandbox, address: address.to_owned(), name, arch, memory })
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
