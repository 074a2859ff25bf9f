//! Speaks for silent workers.

use std::time::Duration;

use slipway_pipelines::ids::{DeploymentId, JobId};
use slipway_pipelines::lifecycle::{AttemptState, JobEvent, RunEvent, RunState};

use super::{FlowError, deploys, schedule};
use crate::db::assignments::{self, Assignment, Kind};
use crate::db::{Tx, attempts, jobs, runs, workers};
use crate::state::Server;

/// After so many lost attempts a piece of work is given up.
const MAX_LOST: i32 = 3;
/// Before the next try: whatever ended the worker gets time to pass.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Ends attempts whose lease ended, but only once this server itself has reached Postgres for a
/// whole lease: it never reaps for its own outage.
pub(crate) async fn tick(server: &Server) -> Result<(), FlowError> {
    let answer = server.db.ping().await;
    let healthy = server.note_health(answer.is_ok());
    answer?;
    if healthy < server.config.lease {
        return Ok(());
    }
    loop {
        let mut tx = server.db.begin().await?;
        let Some(expired) = assignments::next_expired(&mut tx).await? else {
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
    }
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
        attempts::end(tx, attempt, AttemptState::Lost, Some(reason), None, None).await?;
        begun = deploys::settle(tx, attempt, reason).await?;
    }
    match assignment.kind {
        Kind::Plan => lose_plan(server, tx, &assignment, reason).await,
        Kind::Job(job) => lose_job(server, tx, &assignment, job, begun, reason).await,
        Kind::Verify { deployment, .. } => lose_verify(tx, &assignment, deployment, reason).await,
    }
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
        return assignments::requeue(tx, assignment.id, RETRY_DELAY).await;
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
        let reason = format!("the job was lost {MAX_LOST} times; the last time {reason}");
        JobEvent::GiveUp { reason }
    } else {
        JobEvent::AttemptLost { attempt: assignment.attempt }
    };
    let again = matches!(event, JobEvent::AttemptLost { .. });
    let next = job.state.apply(event)?;
    jobs::change(tx, id, job.run, &job.state, &next).await?;
    if again {
        return assignments::requeue(tx, assignment.id, RETRY_DELAY).await;
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
        return assignments::requeue(tx, assignment.id, RETRY_DELAY).await;
    }
    assignments::done(tx, assignment.id).await?;
    deploys::give_up(tx, deployment, reason).await
}
