//! A worker's life: register, claim, execute, drain.

mod engine;
mod identity;
mod lanes;
mod room;
mod shells;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use slipway_pipelines::ids::WorkerId;
use slipway_pipelines::names::WorkerLabel;
use slipway_pipelines::plan::Arch;
use slipway_pipelines::wire::{PROTOCOL_VERSION, RegisterRequest, RegisterResponse};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::client::{CallError, Client, Retry};
use crate::config::Config;
use crate::deploy::Aws;
use crate::git::Mirrors;
use crate::job::{Rooms, Spool};
use crate::operator::Operator;
use crate::sandbox::Sandbox as _;
pub(crate) use engine::Engine;

/// What every attempt uses.
pub(crate) struct Worker {
    pub(crate) id: WorkerId,
    pub(crate) mirrors: Arc<Mirrors>,
    /// Where files lie on their way between jobs and the store.
    pub(crate) spool: Spool,
    /// Where it keeps what outlives an attempt.
    pub(crate) data_dir: PathBuf,
    /// None: it can only plan.
    pub(crate) engine: Option<Engine>,
    /// Where deploys ask AWS.
    pub(crate) aws: Aws,
    /// What jobs get beyond their containers.
    pub(crate) operator: Operator,
    /// Containers that people can have a shell in.
    pub(crate) rooms: Rooms,
    /// Attempts are broken off: the drain took too long.
    pub(crate) kill: CancellationToken,
}

/// Runs a worker until `shutdown`, and returns when its attempts have ended or its drain's bound is
/// over. What it had to break off is given to another worker by the server.
///
/// # Errors
/// The data dir can not be used, or the server refuses this worker for good.
pub async fn run(config: Config, shutdown: CancellationToken) -> anyhow::Result<()> {
    Box::pin(run_until(config, shutdown, CancellationToken::new())).await
}

/// When a worker stops.
struct Stop {
    /// It takes no more work, and lets its attempts end.
    shutdown: CancellationToken,
    /// After that: it waits for nothing.
    force: CancellationToken,
}

/// As [`run`]; `force` breaks off what is waited for after `shutdown`.
///
/// # Errors
/// As [`run`].
pub async fn run_until(
    config: Config,
    shutdown: CancellationToken,
    force: CancellationToken,
) -> anyhow::Result<()> {
    let stop = Stop { shutdown, force };
    let shutdown = &stop.shutdown;
    let identity = identity::take(&config.data_dir)?;
    let client = Client::new(&config.server)?;
    let git_dir: PathBuf = config.data_dir.join("git");
    let mirrors = Arc::new(Mirrors::new(git_dir)?);
    mirrors.sweep().context("work trees of an earlier process can not be removed")?;
    let spool = Spool::open(config.data_dir.join("spool"))?;
    let mut engine = None;
    let mut missing = engine::Missing::default();
    // What it does beside jobs ends with it.
    let mut beside = JoinSet::new();
    // Each turn is one registration: it ends when the server wants another, when an engine shows
    // up, or for good.
    while !shutdown.is_cancelled() {
        if engine.is_none() {
            engine = engine::find(&config, identity.id, &mut missing).await?;
            if let Some(engine) = &engine {
                let (sandbox, stop) = (engine.sandbox.clone(), shutdown.clone());
                beside.spawn(async move { sandbox.tend(&stop).await });
                let (guard, bridge) = (config.operator.guard.clone(), engine.sandbox.bridge());
                let stop = shutdown.clone();
                beside.spawn(async move { guard.tend(&bridge, &stop).await });
                if let Some(snapshots) = engine.snapshots.clone() {
                    let stop = shutdown.clone();
                    beside.spawn(async move { snapshots.tend(&stop).await });
                }
            }
        }
        let worker = Arc::new(Worker {
            id: identity.id,
            mirrors: Arc::clone(&mirrors),
            spool: spool.clone(),
            data_dir: config.data_dir.clone(),
            engine: engine.clone(),
            aws: config.aws.clone(),
            operator: config.operator.clone(),
            rooms: Rooms::new(config.keep_failed_most),
            kill: CancellationToken::new(),
        });
        let Some(registered) = register(&config, &worker, &client, shutdown).await? else { break };
        Box::pin(lanes::work(&config, &worker, &client, &registered, &stop)).await?;
    }
    while let Some(ended) = beside.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "what the worker does beside jobs broke down");
        }
    }
    if let Some(engine) = &engine {
        engine.sandbox.close().await;
    }
    tracing::info!(worker = %identity.id, "worker stopped");
    Ok(())
}

impl Worker {
    /// The memory that its jobs may use together: of its engine's as much as the operator gives.
    fn memory(&self, config: &Config) -> Option<u64> {
        let engine = self.engine.as_ref().and_then(|engine| engine.memory);
        match (config.memory, engine) {
            (Some(given), Some(whole)) => Some(given.min(whole)),
            (given, whole) => given.or(whole),
        }
    }
}

/// What is true of the worker: what its operator says, and its own facts. Where the operator speaks
/// of processors, that holds instead: an engine may run those of others, too.
fn labels(config: &Config, engine: Option<&Engine>) -> Vec<WorkerLabel> {
    let mut labels = config.labels.clone();
    let system: Option<WorkerLabel> = "os=linux".parse().ok();
    let arch = engine.and_then(|engine| engine.arch).map(Arch::label);
    for (key, fact) in [("os", system), ("arch", arch)] {
        if !labels.iter().any(|label| label.is_of(key)) {
            labels.extend(fact);
        }
    }
    labels
}

/// Makes the worker known, however long the server is away; none on `shutdown`.
async fn register(
    config: &Config,
    worker: &Worker,
    client: &Client,
    shutdown: &CancellationToken,
) -> anyhow::Result<Option<RegisterResponse>> {
    let engine = worker.engine.as_ref();
    let request = RegisterRequest {
        protocol: PROTOCOL_VERSION,
        worker: worker.id,
        name: config.name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        slots: config.slots,
        engine: engine.map(|engine| engine.name.clone()),
        labels: labels(config, engine),
        memory_bytes: worker.memory(config),
    };
    let mut retry = Retry::default();
    let mut told = false;
    loop {
        let call = client.register(config.token.expose_secret(), &request);
        let answer = tokio::select! {
            answer = call => answer,
            () = shutdown.cancelled() => return Ok(None),
        };
        match answer {
            Ok(registered) => {
                tracing::info!(worker = %worker.id, slots = config.slots, "registered");
                return Ok(Some(registered));
            }
            Err(CallError::Away { why }) => {
                if !told {
                    tracing::warn!(why, server = %config.server, "no server yet: asking again");
                    told = true;
                }
                tokio::select! {
                    () = retry.pause() => {}
                    () = shutdown.cancelled() => return Ok(None),
                }
            }
            Err(CallError::Unauthorized) => anyhow::bail!(
                "the server at {} does not accept this worker's registration token",
                config.server
            ),
            Err(error) => {
                return Err(error).context(format!("the server at {} refuses", config.server));
            }
        }
    }
}
