//! Two lanes of claims: planning never waits behind jobs.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use slipway_pipelines::wire::{
    Assignment, ClaimRequest, Lane, PROTOCOL_VERSION, RegisterResponse, SecretText,
};
use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::{DRAIN, Engine, Worker, engine};
use crate::client::{CallError, Client, Retry};
use crate::config::Config;
use crate::job::execute;
use crate::sandbox::Sandbox as _;

/// Plans at once: most of their time they wait for a remote, and one that is slow must not take all.
const PLANS: u32 = 8;
/// Between two looks at an engine that does not answer.
const ENGINE_AWAY: Duration = Duration::from_secs(2);

/// How work is asked for.
#[derive(Clone, Copy)]
struct Calls<'a> {
    client: &'a Client,
    /// Of the registration.
    token: &'a SecretText,
}

/// Works under one registration, until the server wants another one, an engine shows up, or
/// `shutdown`; attempts that run then come to their end first.
pub(super) async fn work(
    config: &Config,
    worker: &Arc<Worker>,
    client: &Client,
    registered: &RegisterResponse,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    let stop = shutdown.child_token();
    let renewal = Duration::from_secs(registered.expires_in).mul_f64(0.9);
    let calls = Calls { client, token: &registered.token };
    let plans = lane(worker, calls, Lane::Plan, PLANS, &stop);
    let jobs = async {
        if worker.engine.is_some() {
            lane(worker, calls, Lane::Job, config.slots.max(1), &stop).await
        } else {
            engine::appears(config, worker.id, &stop).await;
            stop.cancel();
            Ok(())
        }
    };
    let bounds = async {
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(renewal) => stop.cancel(),
        }
        shutdown.cancelled().await;
        tokio::time::sleep(DRAIN).await;
        worker.kill.cancel();
        std::future::pending::<()>().await;
    };
    // Each comes to its own end, also when the other failed: what runs is never dropped.
    let lanes = async { tokio::join!(Box::pin(plans), Box::pin(jobs)) };
    tokio::select! {
        (plans, jobs) = lanes => plans.and(jobs),
        () = bounds => Ok(()),
    }
}

/// Claims and executes until `stop`, at most `most` at once; then waits for what runs.
async fn lane(
    worker: &Arc<Worker>,
    calls: Calls<'_>,
    lane: Lane,
    most: u32,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let mut running = JoinSet::new();
    let ended = claims(worker, calls, lane, most, stop, &mut running).await;
    stop.cancel();
    while let Some(done) = running.join_next().await {
        noted(done);
    }
    ended
}

async fn claims(
    worker: &Arc<Worker>,
    calls: Calls<'_>,
    lane: Lane,
    most: u32,
    stop: &CancellationToken,
    running: &mut JoinSet<()>,
) -> anyhow::Result<()> {
    let room = Arc::new(Semaphore::new(usize::try_from(most)?));
    let request = ClaimRequest { protocol: PROTOCOL_VERSION, lane };
    let mut retry = Retry::default();
    loop {
        let next = async {
            let permit = Arc::clone(&room).acquire_owned().await;
            if let (Lane::Job, Some(engine)) = (lane, &worker.engine) {
                answers(engine).await;
            }
            (permit, calls.client.claim(calls.token, &request).await)
        };
        let (permit, claimed) = tokio::select! {
            next = next => next,
            () = stop.cancelled() => return Ok(()),
        };
        while let Some(done) = running.try_join_next() {
            noted(done);
        }
        match claimed {
            Ok(Some(assignment)) => {
                retry = Retry::default();
                begins(&assignment, lane);
                let (worker, client) = (Arc::clone(worker), calls.client.clone());
                running.spawn(async move {
                    Box::pin(execute(&worker, &client, assignment, permit)).await;
                });
            }
            Ok(None) => retry = Retry::default(),
            Err(CallError::Away { why }) => {
                tracing::debug!(why, "a claim waits");
                tokio::select! {
                    () = retry.pause() => {}
                    () = stop.cancelled() => return Ok(()),
                }
            }
            Err(CallError::Unauthorized) => {
                tracing::info!("the server wants this worker to register again");
                return Ok(());
            }
            Err(error) => return Err(error).context("the server refuses to give work"),
        }
    }
}

fn begins(assignment: &Assignment, lane: Lane) {
    tracing::info!(
        attempt = %assignment.attempt,
        repo = %assignment.repo,
        run = %assignment.run_number,
        lane = lane.word(),
        "attempt begins"
    );
}

/// An attempt never ends by a panic; if one does, that is ours to mend, and others go on.
fn noted(done: Result<(), JoinError>) {
    if let Err(error) = done {
        tracing::error!(%error, "an attempt broke down; what it left is removed at the next start");
    }
}

/// Returns when the engine answers: jobs wait in the queue rather than fail here.
async fn answers(engine: &Engine) {
    let mut said = false;
    while !engine.sandbox.answers().await {
        if !said {
            tracing::warn!("the container engine does not answer: no job is taken until it does");
            said = true;
        }
        tokio::time::sleep(ENGINE_AWAY).await;
    }
}
