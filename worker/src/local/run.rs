//! A run without a server, from its folder to its state.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use slipway_pipelines::ids::RunId;
use slipway_pipelines::lifecycle::RunState;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::identity::{self, Identity};
use super::store::Store;
use super::{CANCELED, LocalRun, News, Stop, jobs};
use crate::deploy::Aws;
use crate::git::{Folder, FolderRequest, Mirrors};
use crate::job::{Rooms, Spool};
use crate::runner::{Engine, Worker};
use crate::sandbox::{Connected, Sandbox as _, connect};

/// Longest time that a run which was told to end at once takes to remove what it made.
const LAST: Duration = Duration::from_secs(20);

/// Where news go.
#[derive(Clone)]
pub(super) struct Telling(mpsc::Sender<News>);

impl Telling {
    /// Tells it, once there is room.
    pub(super) async fn tell(&self, news: News) {
        // Who hears nothing any more needs no news.
        let _nobody_hears = self.0.send(news).await;
    }
}

/// Runs the jobs of a plan; what happens is told to `news`. Nothing is left of them, but of those
/// that failed and are to stay.
///
/// # Errors
/// In one sentence: there is no engine, or a folder can not be read or written.
pub async fn run_local(
    run: LocalRun,
    stop: Stop,
    news: mpsc::Sender<News>,
) -> anyhow::Result<RunState> {
    let live = run.data_dir.join("live");
    std::fs::create_dir_all(&live)
        .with_context(|| format!("{} can not be made", live.display()))?;
    let identity = Identity::take(&live)?;
    let engine = run.engine.clone();
    let connected = match connect(run.engine.as_deref(), identity.id).await {
        Ok(connected) => connected,
        Err(error) => {
            identity.end();
            return Err(error.context(no_engine(run.engine.as_deref())));
        }
    };
    identity::sweep(&live, run.engine.as_deref()).await?;
    let telling = Telling(news);
    let started = async {
        let whole = Arc::new(Whole::prepare(run, &identity, connected, telling).await?);
        let state = jobs::run(&whole, &stop).await;
        anyhow::Ok((whole, state))
    };
    let started = tokio::select! {
        started = started => started,
        () = stop.force.cancelled() => {
            // What the engine does not remove in this time, the next run does.
            let forced = forced(identity, engine.as_deref());
            let _in_time = tokio::time::timeout(LAST, forced).await;
            return Ok(RunState::Canceled { reason: CANCELED.to_owned() });
        }
    };
    let (whole, state) = match started {
        Ok(started) => started,
        Err(error) => {
            identity.end();
            return Err(error);
        }
    };
    if let Err(error) = whole.store.shrink(whole.run.store_bytes) {
        tracing::warn!(%error, "caches can not be looked through");
    }
    if let Some(engine) = &whole.worker.engine {
        // Refused while a job that stays is on the network.
        engine.sandbox.close().await;
    }
    identity.end();
    Ok(state)
}

/// Removes what is there, until nothing more appears: a container may be in the making.
async fn forced(identity: Identity, engine: Option<&str>) {
    /// The engine needs no longer for one that was asked for.
    const APPEARS: Duration = Duration::from_millis(300);
    let mut clean = 0;
    while clean < 2 {
        match identity::remove(identity.id, engine).await {
            Ok(0) => clean += 1,
            Ok(_) => clean = 0,
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "left-overs can not be removed");
                return;
            }
        }
        tokio::time::sleep(APPEARS).await;
    }
    identity.end();
}

fn no_engine(address: Option<&str>) -> String {
    let address = address.unwrap_or("unix:///var/run/docker.sock");
    format!(
        "no container engine answers at {address}: start Docker or Podman, or name where it \
         listens by --engine"
    )
}

/// What all jobs of a run have in common.
pub(super) struct Whole {
    pub(super) run: LocalRun,
    pub(super) worker: Worker,
    pub(super) folder: Folder,
    pub(super) store: Store,
    pub(super) id: RunId,
    pub(super) telling: Telling,
    /// Where the work tree is, in a job's container.
    pub(super) build_dir: String,
}

impl Whole {
    async fn prepare(
        run: LocalRun,
        identity: &Identity,
        connected: Connected,
        telling: Telling,
    ) -> anyhow::Result<Self> {
        let Connected { docker, sandbox, address, name, arch, memory } = connected;
        sandbox.ensure_network().await?;
        let build_dir = format!("/build/{}/{}", run.repo.owner(), run.repo.name());
        let mirrors = Mirrors::new(identity.folder.join("git"))?;
        let folder = mirrors
            .folder(FolderRequest {
                root: &run.root,
                trigger: &run.trigger,
                origin: run.origin.as_deref(),
                options: run.plan.jobs.iter().map(|job| &job.git).collect(),
                at: &build_dir,
                most: run.limits.disk_bytes,
            })
            .await
            .context("the folder can not be copied for its jobs")?;
        let store = Store::new(
            run.data_dir.join("store"),
            identity.folder.join("workspaces"),
            &run.root,
            run.artifacts.clone(),
        )?;
        let worker = Worker {
            id: identity.id,
            mirrors: Arc::new(mirrors),
            spool: Spool::open(identity.folder.join("spool"))?,
            engine: Some(Engine {
                docker,
                sandbox,
                snapshots: None,
                address,
                name,
                arch,
                memory,
                names: Arc::default(),
            }),
            aws: Aws::default(),
            operator: run.operator.clone(),
            rooms: Rooms::new(0),
            data_dir: identity.folder.clone(),
            kill: CancellationToken::new(),
        };
        let id = RunId::from(Uuid::now_v7());
        Ok(Self { run, worker, folder, store, id, telling, build_dir })
    }
}
