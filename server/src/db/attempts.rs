//! Attempts and what happens inside them.

use chrono::{DateTime, Utc};
use serde_json::Value;
use slipway_pipelines::ids::{AttemptId, AttemptNumber, Id};
use slipway_pipelines::lifecycle::AttemptState;
use slipway_pipelines::plan::Phase;
use slipway_pipelines::wire::{AttemptEvent, StepOutcome};

use super::Tx;
use super::assignments::{self, Assignment};
use crate::error::FlowError;

/// An attempt that was current when its rows were locked: they are until the transaction ends.
pub(crate) struct Current {
    pub(crate) id: AttemptId,
    pub(crate) assignment: Assignment,
    pub(crate) number: AttemptNumber,
    pub(crate) events: i64,
    pub(crate) log_length: i64,
    pub(crate) log_lines: i64,
}

/// Locks the attempt's rows, assignment first, and answers them only if the attempt is current.
pub(crate) async fn current(tx: &mut Tx, id: AttemptId) -> Result<Current, FlowError> {
    let row = sqlx::query!(
        "SELECT a.id, a.kind, a.run_id, a.job_id, a.deployment_id, a.attempt, a.lost, a.retried, a.cancel,
                a.worker_id, t.events, t.log_length, t.log_lines
         FROM assignments a JOIN attempts t ON t.assignment_id = a.id AND t.number = a.attempt
         WHERE t.id = $1 AND t.state = 'running' AND a.state = 'leased' FOR NO KEY UPDATE OF a, t",
        id.as_uuid()
    )
    .fetch_optional(&mut **tx)
    .await?
    .ok_or(FlowError::Fenced)?;
    let assignment = assignments::Row {
        id: row.id,
        kind: row.kind,
        run_id: row.run_id,
        job_id: row.job_id,
        deployment_id: row.deployment_id,
        attempt: row.attempt,
        lost: row.lost,
        retried: row.retried,
        cancel: row.cancel,
        worker_id: row.worker_id,
    };
    Ok(Current {
        id,
        number: AttemptNumber(row.attempt),
        assignment: assignment.decode()?,
        events: row.events,
        log_length: row.log_length,
        log_lines: row.log_lines,
    })
}

/// What the worker said last, for an attempt that ended.
pub(crate) async fn outcome(tx: &mut Tx, id: AttemptId) -> Result<Option<Value>, FlowError> {
    let outcome = sqlx::query_scalar!("SELECT outcome FROM attempts WHERE id = $1", id.as_uuid())
        .fetch_optional(&mut **tx)
        .await?;
    Ok(outcome.flatten())
}

/// The id of the assignment's latest attempt, if that still runs.
pub(crate) async fn running_of(
    tx: &mut Tx,
    assignment: &Assignment,
) -> Result<Option<AttemptId>, FlowError> {
    let id = sqlx::query_scalar!(
        "SELECT id FROM attempts WHERE assignment_id = $1 AND number = $2 AND state = 'running'",
        assignment.id,
        assignment.attempt.0
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(id.map(AttemptId::from))
}

/// How an attempt ends.
#[derive(Default)]
pub(crate) struct End<'a> {
    pub(crate) reason: Option<&'a str>,
    /// What the worker said, to recognise a repeat.
    pub(crate) outcome: Option<Value>,
    pub(crate) log_sha256: Option<&'a str>,
    /// What is wrong with the stored log.
    pub(crate) log_flaw: Option<String>,
}

/// Ends an attempt.
pub(crate) async fn end(
    tx: &mut Tx,
    id: AttemptId,
    state: AttemptState,
    end: End<'_>,
) -> Result<(), FlowError> {
    let rows = sqlx::query!(
        "UPDATE attempts SET state = $2, reason = $3, outcome = $4, log_sha256 = $5,
             log_flaw = $6, finished_at = now()
         WHERE id = $1 AND state = 'running'",
        id.as_uuid(),
        state.word(),
        end.reason,
        end.outcome,
        end.log_sha256,
        end.log_flaw
    )
    .execute(&mut **tx)
    .await?
    .rows_affected();
    super::exactly_one(rows, "attempt")?;
    // Whoever follows the log learns that it is complete.
    super::notify(tx, "slipway_log", &id.to_string()).await?;
    Ok(())
}

pub(crate) async fn note_events(tx: &mut Tx, id: AttemptId, events: i64) -> Result<(), FlowError> {
    sqlx::query!("UPDATE attempts SET events = $2 WHERE id = $1", id.as_uuid(), events)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// A step begins.
pub(crate) struct StepStart<'a> {
    pub(crate) number: i32,
    pub(crate) phase: &'a str,
    pub(crate) title: &'a str,
    pub(crate) log_from: u64,
    pub(crate) at: DateTime<Utc>,
}

pub(crate) async fn step_started(
    tx: &mut Tx,
    id: AttemptId,
    step: &StepStart<'_>,
) -> Result<(), FlowError> {
    sqlx::query!(
        "INSERT INTO steps (attempt_id, number, phase, title, log_from, started_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        id.as_uuid(),
        step.number,
        step.phase,
        step.title,
        i64::try_from(step.log_from).unwrap_or(i64::MAX),
        step.at
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(crate) async fn step_finished(
    tx: &mut Tx,
    id: AttemptId,
    number: i32,
    outcome: Value,
    log_to: u64,
    at: DateTime<Utc>,
) -> Result<(), FlowError> {
    sqlx::query!(
        "UPDATE steps SET outcome = $3, log_to = $4, finished_at = $5
         WHERE attempt_id = $1 AND number = $2 AND finished_at IS NULL",
        id.as_uuid(),
        number,
        outcome,
        i64::try_from(log_to).unwrap_or(i64::MAX),
        at
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// How the steps of an attempt ended, in order.
pub(crate) async fn steps(
    tx: &mut Tx,
    id: AttemptId,
) -> Result<Vec<(Phase, StepOutcome)>, FlowError> {
    let rows = sqlx::query!(
        r#"SELECT phase, outcome AS "outcome!" FROM steps
           WHERE attempt_id = $1 AND outcome IS NOT NULL ORDER BY number"#,
        id.as_uuid()
    )
    .fetch_all(&mut **tx)
    .await?;
    let decode = |phase: String, outcome: Value| {
        Ok((serde_json::from_value(Value::String(phase))?, serde_json::from_value(outcome)?))
    };
    rows.into_iter().map(|row| decode(row.phase, row.outcome)).collect()
}

/// Did it begin to change a target? A grant may have gone out before the first word came back.
pub(crate) async fn began_deploy(tx: &mut Tx, id: AttemptId) -> Result<bool, FlowError> {
    let began = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM deployments WHERE attempt_id = $1
             AND (started_at IS NOT NULL OR state NOT IN ('waiting', 'superseded', 'failed')))
           AS "began!""#,
        id.as_uuid()
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(began)
}

/// Stores what an event says about a service or a built image; other events are not its matter.
pub(crate) async fn note_part(
    tx: &mut Tx,
    id: AttemptId,
    event: &AttemptEvent,
) -> Result<(), FlowError> {
    match event {
        AttemptEvent::ImageBuilt { name, digest } => {
            sqlx::query!(
                "INSERT INTO built_images (attempt_id, name, digest) VALUES ($1, $2, $3)
                 ON CONFLICT (attempt_id, name) DO UPDATE SET digest = EXCLUDED.digest",
                id.as_uuid(),
                name,
                digest
            )
            .execute(&mut **tx)
            .await?;
        }
        AttemptEvent::Service { name, status, detail } => {
            let word = match status {
                slipway_pipelines::wire::ServiceStatus::Starting => "starting",
                slipway_pipelines::wire::ServiceStatus::Ready => "ready",
                slipway_pipelines::wire::ServiceStatus::Died => "died",
            };
            note_service(tx, id, name, word, detail).await?;
        }
        AttemptEvent::Published { port, address } => {
            // A door of the job beside its services: the page shows where.
            let (name, detail) = (format!("port {port}"), format!("published at {address}"));
            note_service(tx, id, &name, "ready", &detail).await?;
        }
        AttemptEvent::StepStarted { .. }
        | AttemptEvent::StepFinished { .. }
        | AttemptEvent::ImageResolved { .. }
        | AttemptEvent::Deployment { .. } => {}
    }
    Ok(())
}

async fn note_service(
    tx: &mut Tx,
    id: AttemptId,
    name: &str,
    word: &str,
    detail: &str,
) -> Result<(), FlowError> {
    sqlx::query!(
        "INSERT INTO services (attempt_id, name, status, detail) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (attempt_id, name)
                 DO UPDATE SET status = EXCLUDED.status, detail = EXCLUDED.detail",
        id.as_uuid(),
        name,
        word,
        detail
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
