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
    /// Who caused this run: who pushed, or who asked for the re-run.
    pub(crate) actor: String,
    pub(crate) is_rerun: bool,
    pub(crate) state: RunState,
    /// Why somebody asked to stop it, if somebody did.
    pub(crate) cancel: Option<String>,
    /// It has its verdict when its last required job ended.
    pub(crate) fast_finish: bool,
    /// The file its plan came from.
    pub(crate) file: Option<String>,
}

/// What a new run is made of.
pub(crate) struct NewRun<'a> {
    pub(crate) id: RunId,
    pub(crate) repo: RepoId,
    /// What started it: a delivery, or another run.
    pub(crate) delivery: Option<DeliveryId>,
    pub(crate) rerun_of: Option<RunId>,
    pub(crate) actor: &'a str,
    pub(crate) trigger: &'a Trigger,
}

/// Creates a run in state `planning` under the repo's next number.
pub(crate) async fn create(tx: &mut Tx, new: &NewRun<'_>) -> Result<RunNumber, FlowError> {
    let number = sqlx::query_scalar!(
        "UPDATE repos SET next_run_number = next_run_number + 1 WHERE id = $1
         RETURNING next_run_number - 1 AS \"number!\"",
        new.repo.as_uuid()
    )
    .fetch_one(&mut **tx)
    .await?;
    sqlx::query!(
        "INSERT INTO runs (id, repo_id, number, delivery_id, rerun_of, trigger, branch, tag,
                           commit_sha, subject, actor, event, pull_request, state)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'planning')",
        new.id.as_uuid(),
        new.repo.as_uuid(),
        number,
        new.delivery.map(Id::as_uuid),
        new.rerun_of.map(Id::as_uuid),
        serde_json::to_value(new.trigger)?,
        new.trigger.event.branch(),
        new.trigger.event.tag(),
        new.trigger.commit.as_str(),
        new.trigger.subject(),
        new.actor,
        new.trigger.event.word(),
        new.trigger.event.pull_request().and_then(|pull| i64::try_from(pull.number).ok())
    )
    .execute(&mut **tx)
    .await?;
    Ok(RunNumber(number))
}

struct Row {
    id: uuid::Uuid,
    repo_id: uuid::Uuid,
    number: i32,
    trigger: serde_json::Value,
    actor: String,
    rerun_of: Option<uuid::Uuid>,
    state: String,
    reason: Option<String>,
    cancel: Option<String>,
    started_at: Option<DateTime<Utc>>,
    fast_finish: bool,
    file: Option<String>,
}

impl Row {
    fn decode(self) -> Result<Run, FlowError> {
        Ok(Run {
            id: self.id.into(),
            repo: self.repo_id.into(),
            number: RunNumber(self.number),
            trigger: serde_json::from_value(self.trigger)?,
            actor: self.actor,
            is_rerun: self.rerun_of.is_some(),
            state: decode(&self.state, self.reason, self.started_at)?,
            cancel: self.cancel,
            fast_finish: self.fast_finish,
            file: self.file,
        })
    }
}

/// The run, locked until the transaction ends.
pub(crate) async fn lock(tx: &mut Tx, id: RunId) -> Result<Run, FlowError> {
    sqlx::query_as!(
        Row,
        "SELECT id, repo_id, number, trigger, actor, rerun_of, state, reason, cancel, started_at,
                fast_finish, plan ->> 'file' AS file
         FROM runs WHERE id = $1 FOR NO KEY UPDATE",
        id.as_uuid()
    )
    .fetch_optional(&mut **tx)
    .await?
    .ok_or(FlowError::NotFound)?
    .decode()
}

/// The run, for those who change nothing of it: they do not wait for one another.
pub(crate) async fn look(tx: &mut Tx, id: RunId) -> Result<Run, FlowError> {
    sqlx::query_as!(
        Row,
        "SELECT id, repo_id, number, trigger, actor, rerun_of, state, reason, cancel, started_at,
                fast_finish, plan ->> 'file' AS file
         FROM runs WHERE id = $1",
        id.as_uuid()
    )
    .fetch_optional(&mut **tx)
    .await?
    .ok_or(FlowError::NotFound)?
    .decode()
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

/// Remembers that somebody asked to stop it; the first reason stays.
pub(crate) async fn cancel(tx: &mut Tx, id: RunId, reason: &str) -> Result<(), FlowError> {
    sqlx::query!(
        "UPDATE runs SET cancel = coalesce(cancel, $2) WHERE id = $1",
        id.as_uuid(),
        reason
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Stores what planning found, whatever it came to. The commit changes only where a pull request's
/// merge was found.
pub(crate) async fn planned(
    tx: &mut Tx,
    id: RunId,
    trigger: &Trigger,
    plan: Option<&Plan>,
    diagnostics: &[Diagnostic],
) -> Result<(), FlowError> {
    let rows = sqlx::query!(
        "UPDATE runs SET trigger = $2, subject = $3, plan = $4, diagnostics = $5, commit_sha = $6,
             fast_finish = $7, planned_at = now()
         WHERE id = $1 AND state = 'planning'",
        id.as_uuid(),
        serde_json::to_value(trigger)?,
        trigger.subject(),
        plan.map(serde_json::to_value).transpose()?,
        serde_json::to_value(diagnostics)?,
        trigger.commit.as_str(),
        plan.is_some_and(|plan| plan.fast_finish)
    )
    .execute(&mut **tx)
    .await?
    .rows_affected();
    super::exactly_one(rows, "run")
}
