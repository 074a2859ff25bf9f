//! A worker's life: register, claim, execute, drain.

mod engine;
mod identity;
mod lanes;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use slipway_pipelines::ids::WorkerId;
use slipway_pipelines::wire::{PROTOCOL_VERSION, RegisterRequest, RegisterResponse};
use tokio_util::sync::CancellationToken;

use crate::client::{CallError, Client, Retry};
use crate::config::{Config, Operator};
use crate::deploy::Aws;
use crate::git::Mirrors;
use crate::sandbox::Sandbox as _;
pub(crate) use engine::Engine;

/// Longest time that a worker which was asked to stop waits for its jobs.
const DRAIN: Duration = Duration::from_secs(30);

/// What every attempt uses.
pub(crate) struct Worker {
    pub(crate) id: WorkerId,
    pub(crate) client: Client,
    pub(crate) mirrors: Arc<Mirrors>,
    /// None: it can only plan.
    pub(crate) engine: Option<Engine>,
    /// Where deploys ask AWS.
    pub(crate) aws: Aws,
    /// What jobs get beyond their containers.
    pub(crate) operator: Operator,
    /// Attempts are broken off: the drain took too long.
    pub(crate) kill: CancellationToken,
}

/// Runs a worker until `shutdown`, and returns when its attempts have ended or half a minute is
/// over. What it had to break off is given to another worker by the server.
///
/// # Errors
/// The data dir can not be used, or the server refuses this worker for good.
pub async fn run(config: Config, shutdown: CancellationToken) -> anyhow::Result<()> {
    let identity = identity::take(&config.data_dir)?;
    let client = Client::new(&config.server)?;
    let git_dir: PathBuf = config.data_dir.join("git");
    let mirrors = Arc::new(Mirrors::new(git_dir)?);
    mirrors.sweep().context("work trees of an earlier process can not be removed")?;
    let mut engine = None;
    let mut missing = engine::Missing::default();
    // Each turn is one registration: it ends when the server wants another, when an engine shows
    // up, or for good.
    while !shutdown.is_cancelled() {
        if engine.is_none() {
            engine = engine::find(&config, identity.id, &mut missing).await?;
        }
        let worker = Arc::new(Worker {
            id: identity.id,
            client: client.clone(),
            mirrors: Arc::clone(&mirrors),
            engine: engine.clone(),
            aws: config.aws.clone(),
            operator: config.operator.clone(),
            kill: CancellationToken::new(),
        });
        let Some(registered) = register(&config, &worker, &shutdown).await? else { break };
        lanes::work(&config, &worker, &registered, &shutdown).await?;
    }
    if let Some(engine) = &engine {
        engine.sandbox.close().await;
    }
    tracing::info!(worker = %identity.id, "worker stopped");
    Ok(())
}

/// Makes the worker known, however long the server is away; none on `shutdown`.
async fn register(
    config: &Config,
    worker: &Worker,
    shutdown: &CancellationToken,
) -> anyhow::Result<Option<RegisterResponse>> {
    let request = RegisterRequest {
        protocol: PROTOCOL_VERSION,
        worker: worker.id,
        name: config.name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        slots: config.slots,
        engine: worker.engine.as_ref().map(|engine| engine.name.clone()),
    };
    let mut retry = Retry::default();
    let mut told = false;
    loop {
        let call = worker.client.register(config.token.expose_secret(), &request);
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
