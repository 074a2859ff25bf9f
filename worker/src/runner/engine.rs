//! The container engine of a worker, or the lack of one.

use std::sync::Arc;
use std::time::Duration;

use bollard::Docker;
use slipway_pipelines::ids::WorkerId;
use slipway_pipelines::plan::Arch;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::engine_proxy::{self, Names};
use crate::guard::Wanted;
use crate::sandbox::{Connected, DockerSandbox, Sandbox as _, connect};
use crate::snapshots::Snapshots;

/// Between two looks for an engine that was not there.
const LOOK: Duration = Duration::from_secs(5);

/// An engine that answered.
#[derive(Clone)]
pub(crate) struct Engine {
    pub(crate) docker: Docker,
    pub(crate) sandbox: DockerSandbox,
    /// What jobs keep for those that come after them.
    pub(crate) snapshots: Option<Arc<Snapshots>>,
    /// Where it listens.
    pub(crate) address: String,
    /// For people: `Docker 20.10.24`.
    pub(crate) name: String,
    /// Its processors.
    pub(crate) arch: Option<Arch>,
    /// The memory of its machine, in bytes.
    pub(crate) memory: Option<u64>,
    /// Whose turn it is to use names of images.
    pub(crate) names: Arc<Names>,
}

/// That there is none is said once.
#[derive(Default)]
pub(super) struct Missing {
    said: bool,
}

const OPEN: &str = "jobs can reach this machine's services and its cloud's metadata address";

/// Finds the engine and removes what an earlier process of this worker left there; none if there
/// is no engine.
pub(super) async fn find(
    config: &Config,
    worker: WorkerId,
    missing: &mut Missing,
) -> anyhow::Result<Option<Engine>> {
    match connect(config.engine.as_deref(), worker).await {
        Ok(Connected { docker, sandbox, address, name, arch, memory }) => {
            engine_proxy::sweep(&docker, &address, &config.data_dir).await;
            sweep(&sandbox, worker).await?;
            sandbox.sweep_networks().await?;
            sandbox.renew_network().await?;
            sandbox.ensure_network().await?;
            let guard = &config.operator.guard;
            if let Err(error) = guard.raise(&sandbox.bridge()).await {
                if guard.wanted == Wanted::Required {
                    anyhow::bail!(
                        "network_guard is required, and jobs can not be kept away: {error}"
                    );
                }
                tracing::warn!(%error, "{OPEN}");
            }
            let warm = usize::try_from(config.warm)?;
            let sandbox = sandbox.with_pool(warm, config.data_dir.join("warm.json"));
            let file = config.data_dir.join("snapshots.json");
            let settings = config.snapshots.clone();
            let snapshots = Snapshots::new(docker.clone(), worker, settings, file)?;
            let snapshots = Some(Arc::new(snapshots));
            tracing::info!(engine = name, "engine found");
            missing.said = false;
            let names = Arc::default();
            Ok(Some(Engine { docker, sandbox, snapshots, address, name, arch, memory, names }))
        }
        Err(error) => {
            if !missing.said {
                let error = format!("{error:#}");
                tracing::warn!(error, "no container engine: this worker can plan, jobs wait");
                missing.said = true;
            }
            Ok(None)
        }
    }
}

/// Returns when there is an engine to be found.
pub(super) async fn appears(config: &Config, worker: WorkerId, stop: &CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = stop.cancelled() => return,
        }
        if connect(config.engine.as_deref(), worker).await.is_ok() {
            return;
        }
    }
}

async fn sweep(sandbox: &DockerSandbox, worker: WorkerId) -> anyhow::Result<()> {
    for container in sandbox.of_worker(worker).await? {
        tracing::info!(container, "removing what an earlier process of this worker left");
        sandbox.remove(&container).await?;
    }
    Ok(())
}
