//! Jobs.

use chrono::{DateTime, Utc};
use slipway_pipelines::ids::{AttemptNumber, Id, JobId, JobNumber, RunId, StageIndex};
use slipway_pipelines::lifecycle::{JobState, JobView};
use slipway_pipelines::plan::JobPlan;

use super::Tx;
use crate::error::FlowError;

pub(crate) struct Job {
    pub(crate) id: JobId,
    pub(crate) run: RunId,
    pub(crate) number: JobNumber,
    pub(crate) stage_name: String,
    pub(crate) plan: JobPlan,
    pub(crate) state: JobState,
    pub(crate) first_started_at: Option<DateTime<Utc>>,
}

pub(crate) async fn create(
    tx: &mut Tx,
    run: RunId,
    stage_name: &str,
    plan: &JobPlan,
    memory_mib: i32,
) -> Result<(), FlowError> {
    let id: JobId = super::new_id();
    let needs: Vec<i32> = plan.order.needs.iter().map(|number| number.0).collect();
    let retries = plan.order.retry.as_ref().map_or(0, |retry| retry.max);
    let retries = i32::try_from(retries).unwrap_or(i32::MAX);
    let requires = plan.machine.requires().map(String::from).unwrap_or_default();
    sqlx::query!(
        "INSERT INTO jobs (id, run_id, number, name, stage, stage_name, allow_failure, plan, state,
                           needs, retries, requires, memory_mib)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'waiting', $9, $10, $11, $12)",
        id.as_uuid(),
        run.as_uuid(),
        plan.number.0,
        plan.name,
        plan.stage.0,
        stage_name,
        plan.allow_failure,
        serde_json::to_value(plan)?,
        &needs,
        retries,
        requires,
        memory_mib
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

struct StateColumns {
    word: String,
    reason: Option<String>,
    attempt: i32,
    worker: Option<uuid::Uuid>,
    started_at: Option<DateTime<Utc>>,
}

impl StateColumns {
    fn decode(self) -> Result<JobState, FlowError> {
        let reason = self.reason.unwrap_or_default();
        Ok(match (self.word.as_str(), self.worker, self.started_at) {
            ("waiting", ..) => JobState::Waiting,
            ("queued", ..) => JobState::Queued,
            ("running", Some(worker), Some(started_at)) => JobState::Running {
                attempt: AttemptNumber(self.attempt),
                worker: worker.into(),
                started_at,
            },
            ("passed", ..) => JobState::Passed,
            ("failed", ..) => JobState::Failed { reason },
            ("errored", ..) => JobState::Errored { reason },
            ("canceled", ..) => JobState::Canceled { reason },
            ("skipped", ..) => JobState::Skipped { reason },
            (other, ..) => return Err(anyhow::anyhow!("a job can not be {other:?}").into()),
        })
    }
}

/// The job, locked until the transaction ends.
pub(crate) async fn lock(tx: &mut Tx, id: JobId) -> Result<Job, FlowError> {
    let row = sqlx::query!(
        "SELECT run_id, number, stage_name, plan, state, reason, attempt, worker_id, started_at,
                first_started_at
         FROM jobs WHERE id = $1 FOR NO KEY UPDATE",
        id.as_uuid()
    )
    .fetch_optional(&mut **tx)
    .await?
    .ok_or(FlowError::NotFound)?;
    let state = StateColumns {
        word: row.state,
        reason: row.reason,
        attempt: row.attempt,
        worker: row.worker_id,
        started_at: row.started_at,
    };
    Ok(Job {
        id,
        run: row.run_id.into(),
        number: JobNumber(row.number),
        stage_name: row.stage_name,
        plan: serde_json::from_value(row.plan)?,
        state: state.decode()?,
        first_started_at: row.first_started_at,
    })
}

/// What it does, for whoever goes on without it.
pub(crate) async fn plan(tx: &mut Tx, id: JobId) -> Result<JobPlan, FlowError> {
    let plan = sqlx::query_scalar!("SELECT plan FROM jobs WHERE id = $1", id.as_uuid())
        .fetch_one(&mut **tx)
        .await?;
    Ok(serde_json::from_value(plan)?)
}

/// What `ready_jobs` needs of a run's jobs, in job-number order. The caller holds the run's lock.
pub(crate) async fn views(tx: &mut Tx, run: RunId) -> Result<Vec<JobView>, FlowError> {
    let rows = sqlx::query!(
        "SELECT id, number, name, stage, stage_name, needs, allow_failure, state, reason, attempt,
                worker_id, started_at
         FROM jobs WHERE run_id = $1 ORDER BY number",
        run.as_uuid()
    )
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            let state = StateColumns {
                word: row.state,
                reason: row.reason,
                attempt: row.attempt,
                worker: row.worker_id,
                started_at: row.started_at,
            };
            Ok(JobView {
                id: row.id.into(),
                number: JobNumber(row.number),
                name: row.name,
                stage: StageIndex(row.stage),
                stage_name: row.stage_name,
                needs: row.needs.into_iter().map(JobNumber).collect(),
                allow_failure: row.allow_failure,
                state: state.decode()?,
            })
        })
        .collect()
}

/// Stores a change that `lifecycle` allowed.
pub(crate) async fn change(
    tx: &mut Tx,
    id: JobId,
    run: RunId,
    from: &JobState,
    to: &JobState,
) -> Result<(), FlowError> {
    let (attempt, worker, started_at) = match to {
        JobState::Running { attempt, worker, started_at } => {
            (Some(attempt.0), Some(worker.as_uuid()), Some(*started_at))
        }
        JobState::Waiting
        | JobState::Queued
        | JobState::Passed
        | JobState::Failed { .. }
        | JobState::Errored { .. }
        | JobState::Canceled { .. }
        | JobState::Skipped { .. } => (None, None, None),
    };
    let rows = sqlx::query!(
        "UPDATE jobs SET state = $3, reason = $4, attempt = coalesce($5, attempt),
             worker_id = coalesce($6, worker_id), started_at = coalesce($7, started_at),
             first_started_at = coalesce(first_started_at, $7),
             queued_at = CASE WHEN $3 = 'queued' THEN now() ELSE queued_at END,
             finished_at = CASE WHEN $8 THEN now() END
         WHERE id = $1 AND state = $2",
        id.as_uuid(),
        from.word(),
        to.word(),
        to.reason(),
        attempt,
        worker,
        started_at,
        to.is_terminal()
    )
    .execute(&mut **tx)
    .await?
    .rows_affected();
    super::exactly_one(rows, "job")?;
    super::notify(tx, "slipway_run", &run.to_string()).await?;
    Ok(())
}

/// A try that its file asks for has a time limit of its own: the clock starts anew.
pub(crate) async fn start_anew(tx: &mut Tx, id: JobId) -> Result<(), FlowError> {
    sqlx::query!("UPDATE jobs SET first_started_at = NULL WHERE id = $1", id.as_uuid())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(crate) async fn image(
    tx: &mut Tx,
    id: JobId,
    reference: &str,
    digest: &str,
) -> Result<(), FlowError> {
    sqlx::query!(
        "UPDATE jobs SET image = $2, image_digest = $3 WHERE id = $1",
        id.as_uuid(),
        reference,
        digest
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
