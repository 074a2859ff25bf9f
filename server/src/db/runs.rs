//! Runs.

use chrono::{DateTime, Utc};
use slipway_pipelines::ids::{DeliveryId, Id, RepoId, RunId, RunNumber};
use slipway_pipelines::language::Diagnostic;
use slipway_pipelines::lifecycle::RunState;
use slipway_pipelines::plan::{Plan, Trigger};

use super::Tx;
use crate::error::FlowError;

pub(crate) struct Run {
    pub(crate) id: RunId,
    pub(crate) repo: RepoId,
    pub(crate) number: RunNumber,
    pub(crate) trigger: Trigger,
    pub(crate) state: RunState,
    /// The file its plan came from.
    pub(crate) file: Option<String>,
}

/// Creates a run in state `planning` under the repo's next number.
pub(crate) async fn create(
    tx: &mut Tx,
    id: RunId,
    repo: RepoId,
    delivery: DeliveryId,
    trigger: &Trigger,
) -> Result<RunNumber, FlowError> {
    let number = sqlx::query_scalar!(
        "UPDATE repos SET next_run_number = next_run_number + 1 WHERE id = $1
         RETURNING next_run_number - 1 AS \"number!\"",
        repo.as_uuid()
    )
    .fetch_one(&mut **tx)
    .await?;
    sqlx::query!(
        "INSERT INTO runs (id, repo_id, number, delivery_id, trigger, branch, tag, commit_sha,
                           subject, actor, event, state)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'planning')",
        id.as_uuid(),
        repo.as_uuid(),
        number,
        delivery.as_uuid(),
        serde_json::to_value(trigger)?,
        trigger.event.branch(),
        trigger.event.tag(),
        trigger.commit.as_str(),
        trigger.subject(),
        trigger.actor.name(),
        if trigger.event.tag().is_some() { "tag" } else { "push" }
    )
    .execute(&mut **tx)
    .await?;
    Ok(RunNumber(number))
}

/// The run, locked until the transaction ends.
pub(crate) async fn lock(tx: &mut Tx, id: RunId) -> Result<Run, FlowError> {
    let row = sqlx::query!(
        "SELECT repo_id, number, trigger, state, reason, started_at, plan ->> 'file' AS file
         FROM runs WHERE id = $1 FOR UPDATE",
        id.as_uuid()
    )
    .fetch_optional(&mut **tx)
    .await?
    .ok_or(FlowError::NotFound)?;
    Ok(Run {
        id,
        repo: row.repo_id.into(),
        number: RunNumber(row.number),
        trigger: serde_json::from_value(row.trigger)?,
        state: decode(&row.state, row.reason, row.started_at)?,
        file: row.file,
    })
}

fn decode(
    word: &str,
    reason: Option<String>,
    started_at: Option<DateTime<Utc>>,
) -> Result<RunState, FlowError> {
    let reason = reason.unwrap_or_default();
    Ok(match (word, started_at) {
        ("planning", _) => RunState::Planning,
        ("queued", _) => RunState::Queued,
        ("running", Some(started_at)) => RunState::Running { started_at },
        ("passed", _) => RunState::Passed,
        ("failed", _) => RunState::Failed,
        ("errored", _) => RunState::Errored { reason },
        ("canceled", _) => RunState::Canceled { reason },
        ("skipped", _) => RunState::Skipped { reason },
        (other, _) => return Err(anyhow::anyhow!("a run can not be {other:?}").into()),
    })
}

/// Stores a change that `lifecycle` allowed.
pub(crate) async fn change(
    tx: &mut Tx,
    id: RunId,
    from: &RunState,
    to: &RunState,
) -> Result<(), FlowError> {
    let started_at =
        if let RunState::Running { started_at } = to { Some(*started_at) } else { None };
    let rows = sqlx::query!(
        "UPDATE runs SET state = $3, reason = $4, started_at = coalesce(started_at, $5),
             finished_at = CASE WHEN $6 THEN now() END
         WHERE id = $1 AND state = $2",
        id.as_uuid(),
        from.word(),
        to.word(),
        to.reason(),
        started_at,
        to.is_terminal()
    )
    .execute(&mut **tx)
    .await?
    .rows_affected();
    super::exactly_one(rows, "run")?;
    super::notify(tx, "slipway_run", &id.to_string()).await?;
    Ok(())
}

/// Stores what planning found, whatever it came to.
pub(crate) async fn planned(
    tx: &mut Tx,
    id: RunId,
    trigger: &Trigger,
    plan: Option<&Plan>,
    diagnostics: &[Diagnostic],
) -> Result<(), FlowError> {
    sqlx::query!(
        "UPDATE runs SET trigger = $2, subject = $3, plan = $4, diagnostics = $5, planned_at = now()
         WHERE id = $1",
        id.as_uuid(),
        serde_json::to_value(trigger)?,
        trigger.subject(),
        plan.map(serde_json::to_value).transpose()?,
        serde_json::to_value(diagnostics)?
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
