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

use super::room::Room;
use super::{Engine, Stop, Worker, engine, shells};
use crate::client::{CallError, Client, Retry};
use crate::config::Config;
use crate::job::execute;
use crate::sandbox::Sandbox as _;

/// Plans at once: most of their time they wait for a remote, and one that is slow must not take all.
const PLANS: u32 = 8;
/// Between two looks at an engine that does not answer.
const ENGINE_AWAY: Duration = Duration::from_secs(2);
/// For the answer to a claim that was on its way when the worker was told to stop: what it brings
/// was given out, and would be missed.
const LAST_ANSWER: Duration = Duration::from_secs(3);

/// How work is asked for.
#[derive(Clone, Copy)]
pub(super) struct Calls<'a> {
    pub(super) client: &'a Client,
    /// Of the registration.
    pub(super) token: &'a SecretText,
}

/// Works under one registration, until the server wants another one, an engine shows up, or
/// `shutdown`; attempts that run then come to their end first.
pub(super) async fn work(
    config: &Config,
    worker: &Arc<Worker>,
    client: &Client,
    registered: &RegisterResponse,
    Stop { shutdown, force }: &Stop,
) -> anyhow::Result<()> {
    let stop = shutdown.child_token();
    let room = Room::new(worker.memory(config), config.slots);
    let renewal = Duration::from_secs(registered.expires_in).mul_f64(0.9);
    let calls = Calls { client, token: &registered.token };
    let plans = lane(worker, calls, (Lane::Plan, PLANS), &room, &stop);
    let jobs = async {
        if worker.engine.is_some() {
            lane(worker, calls, (Lane::Job, config.slots.max(1)), &room, &stop).await
        } else {
            engine::appears(config, worker.id, &stop).await;
            stop.cancel();
            Ok(())
        }
    };
    // Beside the slots: a shell is in the container of a job that has one, or had.
    let shells = shells::lane(worker, calls, &stop);
    let bounds = async {
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(renewal) => stop.cancel(),
        }
        shutdown.cancelled().await;
        tokio::select! {
            () = tokio::time::sleep(config.drain) => {
                tracing::warn!(seconds = config.drain.as_secs(), "the drain's time is over");
            }
            () = force.cancelled() => tracing::warn!("told again to stop: nothing is waited for"),
        }
        worker.kill.cancel();
        std::future::pending::<()>().await;
    };
    // The server answers the claims that wait there, and gives this worker nothing more.
    let draining = async {
        stop.cancelled().await;
        if let Err(error) = client.drain(calls.token).await {
            tracing::debug!(%error, "the server has not heard that this worker drains");
        }
    };
    // Each comes to its own end, also when the other failed: what runs is never dropped.
    let lanes = async {
        let (plans, jobs, shells) = (Box::pin(plans), Box::pin(jobs), Box::pin(shells));
        let (plans, jobs, (), ()) = tokio::join!(plans, jobs, shells, draining);
        (plans, jobs)
    };
    tokio::select! {
        (plans, jobs) = lanes => plans.and(jobs),
        () = bounds => Ok(()),
    }
}

/// Claims and executes until `stop`, at most `most` at once; then waits for what runs.
async fn lane(
    worker: &Arc<Worker>,
    calls: Calls<'_>,
    lane: (Lane, u32),
    room: &Room,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let mut running = JoinSet::new();
    let ended = claims(worker, calls, lane, room, stop, &mut running).await;
    stop.cancel();
    while let Some(done) = running.join_next().await {
        noted(done);
    }
    ended
}

async fn claims(
    worker: &Arc<Worker>,
    calls: Calls<'_>,
    (lane, most): (Lane, u32),
    room: &Room,
    stop: &CancellationToken,
    running: &mut JoinSet<()>,
) -> anyhow::Result<()> {
    let slots = Arc::new(Semaphore::new(usize::try_from(most)?));
    let mut retry = Retry::default();
    loop {
        let ready = async {
            let slot = Arc::clone(&slots).acquire_owned().await;
            if let (Lane::Job, Some(engine)) = (lane, &worker.engine) {
                answers(engine).await;
            }
            slot
        };
        let slot = tokio::select! {
            slot = ready => slot,
            () = stop.cancelled() => return Ok(()),
        };
        let room_bytes = if lane == Lane::Job { room.left() } else { None };
        let request = ClaimRequest { protocol: PROTOCOL_VERSION, lane, room_bytes };
        let Some(claimed) = answer(calls.client.claim(calls.token, &request), stop).await else {
            return Ok(());
        };
        while let Some(done) = running.try_join_next() {
            noted(done);
        }
        match claimed {
            Ok(Some(assignment)) => {
                retry = Retry::default();
                begins(&assignment, lane);
                let (worker, client) = (Arc::clone(worker), calls.client.clone());
                let held = (slot, room.take(&assignment));
                running.spawn(async move {
                    Box::pin(execute(&worker, &client, assignment, held)).await;
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

/// What a call comes to; none if it is still on its way a while after `stop`.
async fn answer<T>(call: impl Future<Output = T>, stop: &CancellationToken) -> Option<T> {
    tokio::pin!(call);
    tokio::select! {
        answer = &mut call => Some(answer),
        () = stop.cancelled() => tokio::time::timeout(LAST_ANSWER, call).await.ok(),
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
