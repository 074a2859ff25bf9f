//! The life of an attempt, one file a step.

mod attempt;
mod commit;
mod control;
mod deploys;
mod events;
mod images;
mod imports;
mod lease;
mod limits;
#[expect(dead_code, reason = "jobs carry nothing yet")]
mod outside;
mod packages;
mod phases;
mod plan;
mod prepare;
mod services;
mod shell;
mod snapshot;
mod start;
mod verify;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use slipway_pipelines::wire::{Assignment, FinishRequest, JobOutcome, Secret, Work};
use tokio_util::task::TaskTracker;

use crate::client::{AttemptClient, CallError, Retry};
use crate::log::{LogSink, Masker, append};
use crate::runner::Worker;
use crate::sandbox::Sandbox as _;
use control::Control;
use events::Reporter;
pub(crate) use outside::{Answer, BlobStore, EventSink, Fetched, Kept, Outside, Transfer};

/// Plans and verifications say little.
const SMALL_LOG: u64 = 4 * 1024 * 1024;
/// Longest wait for containers that are being made, before they are removed.
const MAKING: Duration = Duration::from_secs(60);

/// What an attempt holds, whatever it does.
pub(crate) struct Held {
    control: Control,
    /// Containers in the making: none is forgotten when the attempt is dropped meanwhile.
    making: TaskTracker,
}

/// Executes an assignment to its end, or until the server has given it up. The `slot` is free for
/// the next one as soon as the outcome is known: removing containers takes a while.
pub(crate) async fn execute<S: Send>(worker: &Worker, assignment: Assignment, slot: S) {
    let held = Held { control: Control::default(), making: TaskTracker::new() };
    let client = worker.client.attempt(assignment.attempt, assignment.token.clone());
    let lease = lease::Lease {
        sink: &client,
        engine: worker.engine.as_ref(),
        attempt: assignment.attempt,
        seconds: assignment.lease_seconds,
        control: &held.control,
    };
    tokio::select! {
        ended = Box::pin(work(worker, &assignment, &client, &held)) => {
            if let Err(error) = ended {
                let error = format!("{error:#}");
                tracing::warn!(attempt = %assignment.attempt, error, "attempt dropped");
            }
        }
        () = lease.keep() => {
            tracing::warn!(attempt = %assignment.attempt, "the server has given this attempt up");
        }
        () = worker.kill.cancelled() => {
            tracing::warn!(attempt = %assignment.attempt, "broken off: the worker stops");
        }
    }
    drop(slot);
    clean_up(worker, &assignment, &held).await;
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
            let outside = Outside { sink: client, blobs: client };
            let run = |reporter| attempt::job(worker, assignment, work, outside, reporter, held);
            report(client, &work.secrets, limit, run).await
        }
        Work::Verify(work) => {
            let run = |reporter| verify::verify(worker, assignment, work, reporter);
            report(client, &work.secrets, SMALL_LOG, run).await
        }
    }
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

/// Everything of the attempt is removed, whatever it came to.
pub(super) async fn clean_up(worker: &Worker, assignment: &Assignment, held: &Held) {
    let (Some(engine), Work::Job(_)) = (&worker.engine, &assignment.work) else { return };
    held.making.close();
    if tokio::time::timeout(MAKING, held.making.wait()).await.is_err() {
        tracing::error!(attempt = %assignment.attempt, "a container is still being made");
    }
    match engine.sandbox.of_attempt(assignment.attempt).await {
        Ok(containers) => {
            for container in containers {
                if let Err(error) = engine.sandbox.remove(&container).await {
                    tracing::error!(container, %error, "a container is left over");
                }
            }
        }
        Err(error) => tracing::error!(%error, "left-overs can not be listed"),
    }
}
