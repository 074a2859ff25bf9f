//! What workers say about their attempts. Stale attempts are fenced off; saying something again
//! is harmless.

use sha2::{Digest, Sha256};
use slipway_pipelines::ids::{AttemptId, JobId};
use slipway_pipelines::lifecycle::{AttemptState, JobEvent};
use slipway_pipelines::wire::{
    AttemptEvent, EventBatch, FinishRequest, HeartbeatResponse, JobOutcome, PlanReport, PlanResult,
};

use super::{FlowError, deploys, planning, reap, retry, schedule};
use crate::db::assignments::{self, Kind};
use crate::db::attempts::{self, Current, End, StepStart};
use crate::db::{Tx, jobs, notify, workers};
use crate::state::Server;
use crate::store::logs::{self, Compared};

/// Renews the lease.
///
/// # Errors
/// [`FlowError::Fenced`] for an attempt that is no longer current.
pub async fn heartbeat(
    server: &Server,
    attempt: AttemptId,
) -> Result<HeartbeatResponse, FlowError> {
    let lease = server.config.lease;
    let (cancel, worker) = assignments::renew(&server.db, attempt, lease).await?;
    if let Some(worker) = worker {
        workers::seen(&server.db, worker).await?;
    }
    Ok(HeartbeatResponse { lease_seconds: lease.as_secs(), cancel })
}

/// Its worker stops and runs nothing of it any more: it is lost now, not when its lease ends.
///
/// # Errors
/// [`FlowError::Fenced`] for an attempt that is no longer current.
pub async fn give_back(server: &Server, attempt: AttemptId) -> Result<(), FlowError> {
    let mut tx = server.db.begin().await?;
    let current = attempts::current(&mut tx, attempt).await?;
    let worker = match current.assignment.worker {
        Some(worker) => workers::name(&mut tx, worker).await?,
        None => "its worker".to_owned(),
    };
    let reason = format!("worker {worker} stopped before it ended");
    reap::lose(server, &mut tx, current.assignment, &reason).await?;
    tx.commit().await?;
    Ok(())
}

/// Stores events; those already seen are passed over.
///
/// # Errors
/// [`FlowError::Gap`] when events before these are missing.
pub async fn events(
    server: &Server,
    attempt: AttemptId,
    batch: EventBatch,
) -> Result<(), FlowError> {
    let mut tx = server.db.begin().await?;
    let current = attempts::current(&mut tx, attempt).await?;
    let seen = u64::try_from(current.events).unwrap_or(0);
    if batch.first == 0 || batch.first > seen + 1 {
        return Err(FlowError::Gap { length: seen });
    }
    let known = usize::try_from(seen + 1 - batch.first).unwrap_or(usize::MAX);
    let count = batch.events.len();
    if known >= count {
        return Ok(());
    }
    let mut deployed = false;
    for event in batch.events.into_iter().skip(known) {
        deployed |= matches!(event, AttemptEvent::Deployment { .. });
        note(&mut tx, &current, event).await?;
    }
    let total = i64::try_from(batch.first + count as u64 - 1).unwrap_or(i64::MAX);
    attempts::note_events(&mut tx, attempt, total).await?;
    notify(&mut tx, "slipway_run", &current.assignment.run.to_string()).await?;
    if deployed {
        schedule::to_github(server, &mut tx, current.assignment.run).await?;
    }
    tx.commit().await?;
    Ok(())
}

async fn note(tx: &mut Tx, current: &Current, event: AttemptEvent) -> Result<(), FlowError> {
    match event {
        AttemptEvent::StepStarted { step, phase, title, log_from, at } => {
            let phase = phase.name();
            let step = StepStart { number: step.0, phase, title: &title, log_from, at };
            attempts::step_started(tx, current.id, &step).await
        }
        AttemptEvent::StepFinished { step, outcome, log_to, at } => {
            let outcome = serde_json::to_value(outcome)?;
            attempts::step_finished(tx, current.id, step.0, outcome, log_to, at).await
        }
        AttemptEvent::ImageResolved { reference, digest } => match current.assignment.kind {
            Kind::Job(job) => jobs::image(tx, job, &reference, &digest).await,
            Kind::Plan | Kind::Deploy { .. } | Kind::Verify { .. } => Ok(()),
        },
        AttemptEvent::ImageBuilt { .. }
        | AttemptEvent::Service { .. }
        | AttemptEvent::Published { .. } => attempts::note_part(tx, current.id, &event).await,
        AttemptEvent::Deployment { deployment, progress, at } => {
            deploys::progress(tx, current, deployment, progress, at).await
        }
    }
}

/// Ends a planning attempt.
///
/// # Errors
/// [`FlowError::Fenced`] for a stale attempt, unless it says again what it said last.
pub async fn plan_report(
    server: &Server,
    attempt: AttemptId,
    report: PlanReport,
) -> Result<(), FlowError> {
    let said = hex::encode(Sha256::digest(serde_json::to_vec(&report)?));
    let outcome = serde_json::json!({ "plan_report": said });
    let mut tx = server.db.begin().await?;
    let current = match attempts::current(&mut tx, attempt).await {
        Err(FlowError::Fenced) => return repeated(&mut tx, attempt, &outcome).await,
        other => other?,
    };
    let Kind::Plan = current.assignment.kind else {
        return Err(FlowError::Conflict("the attempt is not a planning".to_owned()));
    };
    let (state, reason) = match &report.result {
        PlanResult::Planned { .. } | PlanResult::Nothing { .. } => (AttemptState::Passed, None),
        PlanResult::Errored { reason } => (AttemptState::Errored, Some(reason.as_str())),
    };
    let end = End { reason, outcome: Some(outcome), ..End::default() };
    attempts::end(&mut tx, attempt, state, end).await?;
    assignments::done(&mut tx, current.assignment.id).await?;
    planning::store(server, &mut tx, current.assignment.run, &report).await?;
    tx.commit().await?;
    Ok(())
}

async fn repeated(
    tx: &mut Tx,
    attempt: AttemptId,
    said: &serde_json::Value,
) -> Result<(), FlowError> {
    if attempts::outcome(tx, attempt).await?.as_ref() == Some(said) {
        return Ok(());
    }
    Err(FlowError::Fenced)
}

/// Ends a job or deploy attempt.
///
/// # Errors
/// [`FlowError::Gap`] when the log is not all here; [`FlowError::Fenced`] for a stale attempt,
/// unless it says again what it said last.
pub async fn finish(
    server: &Server,
    attempt: AttemptId,
    request: FinishRequest,
) -> Result<(), FlowError> {
    let said = serde_json::to_value(&request)?;
    let mut tx = server.db.begin().await?;
    let current = match attempts::current(&mut tx, attempt).await {
        Err(FlowError::Fenced) => return repeated(&mut tx, attempt, &said).await,
        other => other?,
    };
    let log_flaw = match logs::compare(&mut tx, &current, &request).await? {
        Compared::Same => None,
        Compared::Shorter { length } => return Err(FlowError::Gap { length }),
        Compared::Differs { flaw } => Some(flaw),
    };
    let (state, reason) = match &request.outcome {
        JobOutcome::Passed => (AttemptState::Passed, None),
        JobOutcome::Failed { reason } => (AttemptState::Failed, Some(reason.as_str())),
        JobOutcome::Errored { reason } => (AttemptState::Errored, Some(reason.as_str())),
        JobOutcome::Canceled { reason } => (AttemptState::Canceled, Some(reason.as_str())),
    };
    if let Some(flaw) = &log_flaw {
        tracing::error!(%attempt, flaw, "a stored log is not what its worker wrote");
    }
    let log_sha256 = Some(request.log_sha256.as_str());
    let end = End { reason, outcome: Some(said), log_sha256, log_flaw };
    attempts::end(&mut tx, attempt, state, end).await?;
    match current.assignment.kind {
        Kind::Plan => {
            let sentence = "a planning attempt ends with its plan";
            return Err(FlowError::Conflict(sentence.to_owned()));
        }
        Kind::Job(job) => {
            let silence = "the job ended without saying how the deployment went";
            deploys::settle(&mut tx, attempt, silence).await?;
            finish_job(server, &mut tx, job, &current, request.outcome).await?;
        }
        Kind::Deploy { deployment, .. } => {
            assignments::done(&mut tx, current.assignment.id).await?;
            let silence = "the worker ended without saying how the deployment went";
            deploys::end(&mut tx, deployment, reason.unwrap_or(silence)).await?;
            schedule::to_github(server, &mut tx, current.assignment.run).await?;
        }
        Kind::Verify { deployment, .. } => {
            assignments::done(&mut tx, current.assignment.id).await?;
            let reason = reason.unwrap_or("the target did not tell what is true there");
            deploys::give_up(&mut tx, deployment, reason).await?;
            schedule::to_github(server, &mut tx, current.assignment.run).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

async fn finish_job(
    server: &Server,
    tx: &mut Tx,
    id: JobId,
    current: &Current,
    outcome: JobOutcome,
) -> Result<(), FlowError> {
    let job = jobs::lock(tx, id).await?;
    if retry::after(tx, &job, &current.assignment, current.id, &outcome).await? {
        return schedule::to_github(server, tx, job.run).await;
    }
    assignments::done(tx, current.assignment.id).await?;
    let next = job.state.apply(JobEvent::Finished { attempt: current.number, outcome })?;
    jobs::change(tx, id, job.run, &job.state, &next).await?;
    schedule::advance(server, tx, job.run).await
}
