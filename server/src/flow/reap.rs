//! Speaks for silent workers.

use slipway_pipelines::ids::{DeploymentId, JobId};
use slipway_pipelines::lifecycle::{AttemptState, JobEvent, RunEvent, RunState};
use uuid::Uuid;

use super::{FlowError, deploys, retry, schedule};
use crate::db::assignments::{self, Again, Assignment, Kind};
use crate::db::attempts::{self, End};
use crate::db::{Tx, jobs, runs, workers};
use crate::state::Server;

/// After so many lost attempts a piece of work is given up.
const MAX_LOST: i32 = 3;
/// How a lost piece of work is tried again.
const AGAIN: Again = Again { lost: true, asked: false, delay: retry::PAUSE };

/// Ends attempts whose lease ended, but only once this server itself has reached Postgres for a
/// whole lease: it never reaps for its own outage.
pub(crate) async fn tick(server: &Server) -> Result<(), FlowError> {
    let answer = server.db.ping().await;
    let healthy = server.note_health(answer.is_ok());
    answer?;
    if healthy < server.config.lease {
        return Ok(());
    }
    for id in assignments::expired(&server.db).await? {
        match reap(server, id).await {
            Ok(()) => {}
            Err(error @ FlowError::Away(_)) => return Err(error),
            // One that can not be ended must not stand in the way of the others.
            Err(error) => tracing::error!(assignment = %id, %error, "a lost attempt stays open"),
        }
    }
    Ok(())
}

async fn reap(server: &Server, id: Uuid) -> Result<(), FlowError> {
    let mut tx = server.db.begin().await?;
    let Some(expired) = assignments::lock_expired(&mut tx, id).await? else {
        return Ok(());
    };
    let worker = match expired.worker {
        Some(worker) => workers::name(&mut tx, worker).await?,
        None => "its worker".to_owned(),
    };
    let reason = format!("worker {worker} fell silent");
    tracing::warn!(worker, assignment = %expired.id, "lease ended");
    lose(server, &mut tx, expired, &reason).await?;
    tx.commit().await?;
    Ok(())
}

/// What waits in the queue and can not be handed out ends here, with the reason.
pub(crate) async fn give_up_queued(
    server: &Server,
    id: Uuid,
    reason: &str,
) -> Result<(), FlowError> {
    let mut tx = server.db.begin().await?;
    let Some(queued) = assignments::lock_queued(&mut tx, id).await? else {
        return Ok(());
    };
    assignments::done(&mut tx, id).await?;
    match queued.kind {
        Kind::Plan => {
            let event = RunEvent::PlanErrored { reason: reason.to_owned() };
            schedule::change_run(server, &mut tx, queued.run, event).await?;
        }
        Kind::Job(job) => {
            // Not by the job's plan: that it does not read may be the reason.
            let views = jobs::views(&mut tx, queued.run).await?;
            let event = JobEvent::GiveUp { reason: reason.to_owned() };
            schedule::change_job(&mut tx, queued.run, &views, job, event).await?;
            schedule::advance(server, &mut tx, queued.run).await?;
        }
        Kind::Deploy { deployment, .. } => deploys::fail(&mut tx, deployment, reason).await?,
        Kind::Verify { deployment, .. } => deploys::give_up(&mut tx, deployment, reason).await?,
    }
    tx.commit().await?;
    Ok(())
}

/// The latest attempt of a leased assignment is lost: try again, or give up and say so.
pub(crate) async fn lose(
    server: &Server,
    tx: &mut Tx,
    assignment: Assignment,
    reason: &str,
) -> Result<(), FlowError> {
    let mut begun = false;
    if let Some(attempt) = attempts::running_of(tx, &assignment).await? {
        let end = End { reason: Some(reason), ..End::default() };
        attempts::end(tx, attempt, AttemptState::Lost, end).await?;
        begun = deploys::settle(tx, attempt, reason).await?;
    }
    match assignment.kind {
        Kind::Plan => lose_plan(server, tx, &assignment, reason).await?,
        Kind::Job(job) => lose_job(server, tx, &assignment, job, begun, reason).await?,
        Kind::Deploy { deployment, .. } => {
            assignments::done(tx, assignment.id).await?;
            deploys::lose(tx, deployment, reason).await?;
        }
        Kind::Verify { deployment, .. } => {
            lose_verify(tx, &assignment, deployment, reason).await?;
        }
    }
    schedule::to_github(server, tx, assignment.run).await
}

fn last_try(assignment: &Assignment) -> bool {
    assignment.lost + 1 >= MAX_LOST
}

async fn lose_plan(
    server: &Server,
    tx: &mut Tx,
    assignment: &Assignment,
    reason: &str,
) -> Result<(), FlowError> {
    let run = runs::lock(tx, assignment.run).await?;
    if run.state != RunState::Planning {
        return assignments::done(tx, assignment.id).await;
    }
    if !last_try(assignment) {
        return assignments::requeue(tx, assignment.id, AGAIN).await;
    }
    assignments::done(tx, assignment.id).await?;
    let reason = format!("planning was lost {MAX_LOST} times; the last time {reason}");
    schedule::change_run(server, tx, assignment.run, RunEvent::PlanErrored { reason }).await
}

async fn lose_job(
    server: &Server,
    tx: &mut Tx,
    assignment: &Assignment,
    id: JobId,
    begun: bool,
    reason: &str,
) -> Result<(), FlowError> {
    let job = jobs::lock(tx, id).await?;
    let event = if begun {
        let cause = format!("{reason} in the middle of a deployment, which is never tried blindly");
        JobEvent::GiveUp { reason: format!("{cause}: its target is being looked at") }
    } else if let Some(reason) = &assignment.cancel {
        JobEvent::Cancel { reason: reason.clone() }
    } else if last_try(assignment) {
        if retry::after_loss(tx, &job, assignment).await? {
            return Ok(());
        }
        let times = assignment.lost + 1;
        let reason = format!("the job was lost {times} times; the last time {reason}");
        JobEvent::GiveUp { reason }
    } else {
        JobEvent::AttemptLost { attempt: assignment.attempt }
    };
    let again = matches!(event, JobEvent::AttemptLost { .. });
    let next = job.state.apply(event)?;
    jobs::change(tx, id, job.run, &job.state, &next).await?;
    if again {
        return assignments::requeue(tx, assignment.id, AGAIN).await;
    }
    assignments::done(tx, assignment.id).await?;
    schedule::advance(server, tx, job.run).await
}

async fn lose_verify(
    tx: &mut Tx,
    assignment: &Assignment,
    deployment: DeploymentId,
    reason: &str,
) -> Result<(), FlowError> {
    if !last_try(assignment) {
        return assignments::requeue(tx, assignment.id, AGAIN).await;
    }
    assignments::done(tx, assignment.id).await?;
    deploys::give_up(tx, deployment, reason).await
}
