//! The life of an attempt, one file a step.

mod attempt;
mod carry;
mod commit;
mod control;
mod deploy_grant;
mod deploy_tree;
mod deploy_work;
mod deploys;
mod doors;
mod engine;
mod events;
mod identity;
mod images;
mod imports;
mod keep;
mod keep_rooms;
mod lease;
mod limits;
mod outside;
mod packages;
mod phases;
mod plan;
mod prepare;
mod scripted;
mod services;
mod shell;
mod shell_session;
mod shell_session_carry;
mod snapshot;
mod start;
mod watch;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use slipway_pipelines::wire::{Assignment, FinishRequest, JobOutcome, Secret, Work};
use tokio_util::task::TaskTracker;

use crate::client::{AttemptClient, CallError, Client, Retry};
use crate::engine_proxy::JobEngine;
use crate::log::{LogSink, Masker, append};
use crate::runner::Worker;
use crate::sandbox::Sandbox as _;
pub(crate) use carry::Spool;
use control::Control;
use events::Reporter;
pub(crate) use keep_rooms::Rooms;
pub(crate) use outside::{Answer, BlobStore, EventSink, Fetched, Here, Kept, Outside, Transfer};
pub(crate) use shell_session::serve;

/// Plans and deployments without a job say little.
const SMALL_LOG: u64 = 4 * 1024 * 1024;
/// Longest wait for containers that are being made, before they are removed.
const MAKING: Duration = Duration::from_secs(60);

/// Between two tries to remove what is left of an attempt.
const CLEAN_AGAIN: Duration = Duration::from_secs(3);

/// What an attempt holds, whatever it does.
#[derive(Default)]
pub(crate) struct Held {
    control: Control,
    /// Containers in the making: none is forgotten when the attempt is dropped meanwhile.
    making: TaskTracker,
    /// `services: docker`: the job's own engine.
    engine: OnceLock<Arc<JobEngine>>,
}

/// Executes an assignment to its end, or until the server has given it up. The `slot` is free for
/// the next one as soon as the outcome is known: removing containers takes a while.
pub(crate) async fn execute<S: Send>(
    worker: &Worker,
    server: &Client,
    assignment: Assignment,
    slot: S,
) {
    let held = Held::default();
    let client = server.attempt(assignment.attempt, assignment.token.clone());
    let lease = lease::Lease {
        sink: &client,
        engine: worker.engine.as_ref(),
        attempt: assignment.attempt,
        seconds: assignment.lease_seconds,
        control: &held.control,
    };
    let lost = async {
        lease.keep().await;
        if held.control.is_ending() {
            std::future::pending::<()>().await;
        }
    };
    let how = tokio::select! {
        ended = Box::pin(work(worker, &assignment, &client, &held)) => match ended {
            Ok(()) => How::Told,
            Err(error) => {
                let error = format!("{error:#}");
                tracing::warn!(attempt = %assignment.attempt, error, "attempt dropped");
                How::Dropped
            }
        },
        () = lost => {
            tracing::warn!(attempt = %assignment.attempt, "the server has given this attempt up");
            How::Dropped
        }
        () = worker.kill.cancelled() => {
            tracing::warn!(attempt = %assignment.attempt, "broken off: the worker stops");
            How::BrokenOff
        }
    };
    drop(slot);
    keep::hold(worker, &assignment, how == How::Told).await;
    // An engine that is away just now has the containers still when it is back.
    while !clean_up(worker, &assignment, &held).await {
        tokio::select! {
            () = tokio::time::sleep(CLEAN_AGAIN) => {}
            () = worker.kill.cancelled() => return,
        }
    }
    // Only now: no step of it may run beside its successor.
    if how == How::BrokenOff {
        client.give_back().await;
    }
}

/// How a worker came to the end of an attempt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// The server knows what came of it.
    Told,
    /// It is not this worker's any more.
    Dropped,
    /// The worker stops.
    BrokenOff,
}

async fn work(
    worker: &Worker,
    assignment: &Assignment,
    client: &AttemptClient,
    held: &Held,
) -> anyhow::Result<()> {
    match &assignment.work {
        Work::Plan(plan) => plan::plan(worker, assignment, plan, client).await,
        Work::Job(work) => {
            let limit = work.limits.log_bytes;
            let outside = Outside { sink: client, blobs: client, here: None };
            let run = |reporter| attempt::job(worker, assignment, work, outside, reporter, held);
            report(client, &work.secrets, limit, run).await
        }
        Work::Deploy(work) => {
            let outside = Outside { sink: client, blobs: client, here: None };
            let run = |reporter| deploy_work::run(worker, assignment, work, outside, reporter);
            report(client, &work.known.secrets, SMALL_LOG, run).await
        }
    }
}

/// Executes a job that no server has leased: to its end, or until `canceled` says why it ends. What
/// is left of it is removed, unless it `stays`.
///
/// # Errors
/// It is no job, or the sink refuses what it is told.
pub(crate) async fn alone(
    worker: &Worker,
    assignment: &Assignment,
    outside: Outside<'_>,
    canceled: impl Future<Output = String>,
    stays: impl FnOnce() -> bool,
) -> anyhow::Result<()> {
    let Work::Job(work) = &assignment.work else { anyhow::bail!("only jobs run without a lease") };
    let held = Held::default();
    let run = |reporter| attempt::job(worker, assignment, work, outside, reporter, &held);
    let ended = tokio::select! {
        ended = report(outside.sink, &work.secrets, work.limits.log_bytes, run) => ended,
        never = async { held.control.cancel(canceled.await); std::future::pending().await } => never,
    };
    if !stays() {
        clean_up(worker, assignment, &held).await;
    }
    ended
}

/// Runs `run` with a log and events, and reports its outcome once both are durable.
async fn report<F, R>(
    sink: &dyn EventSink,
    secrets: &[Secret],
    limit: u64,
    run: F,
) -> anyhow::Result<()>
where
    F: FnOnce(Arc<Reporter>) -> R,
    R: Future<Output = JobOutcome>,
{
    let masker = Masker::new(secrets.iter().map(|secret| secret.value.expose()))?;
    let log = Arc::new(LogSink::new(masker, limit));
    let (reporter, queue) = Reporter::new(Arc::clone(&log));
    let appending = append(&log, sink);
    let sending = queue.send(sink);
    let finishing = async {
        let reporter = Arc::new(reporter);
        let outcome = run(Arc::clone(&reporter)).await;
        let (log_length, log_sha256) = log.close();
        reporter.close();
        FinishRequest { outcome, log_length, log_sha256 }
    };
    // Boxed: three state machines of a whole job side by side are large.
    let (finish, (), ()) =
        tokio::try_join!(async { Ok(Box::pin(finishing).await) }, appending, sending)?;
    until_back(|| sink.finish(&finish)).await?;
    Ok(())
}

/// Calls until the server is there to answer.
pub(crate) async fn until_back<T, F, R>(mut call: F) -> Result<T, CallError>
where
    F: FnMut() -> R,
    R: Future<Output = Result<T, CallError>>,
{
    let mut retry = Retry::default();
    loop {
        match call().await {
            Err(CallError::Away { why }) => {
                tracing::debug!(why, "call waits");
                retry.pause().await;
            }
            answer => return answer,
        }
    }
}

/// Everything of the attempt is removed, whatever it came to; is nothing left?
pub(super) async fn clean_up(worker: &Worker, assignment: &Assignment, held: &Held) -> bool {
    let (Some(engine), Work::Job(_)) = (&worker.engine, &assignment.work) else { return true };
    if let Some(own) = held.engine.get() {
        own.stop().await;
    }
    held.making.close();
    if tokio::time::timeout(MAKING, held.making.wait()).await.is_err() {
        tracing::error!(attempt = %assignment.attempt, "a container is still being made");
    }
    let containers = match engine.sandbox.of_attempt(assignment.attempt).await {
        Ok(containers) => containers,
        Err(error) => {
            tracing::warn!(%error, "left-overs can not be listed");
            return false;
        }
    };
    let mut clean = true;
    for container in containers {
        if let Err(error) = engine.sandbox.remove(&container).await {
            tracing::warn!(container, %error, "a container is left over");
            clean = false;
        }
    }
    if let Some(own) = held.engine.get() {
        own.remove().await;
    }
    clean
}
