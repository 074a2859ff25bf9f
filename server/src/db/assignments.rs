//! The queue.

use std::time::Duration;

use slipway_pipelines::ids::{AttemptId, AttemptNumber, DeploymentId, Id, JobId, RunId, WorkerId};
use slipway_pipelines::wire::Lane;
use uuid::Uuid;

use super::Tx;
use crate::error::FlowError;

/// What an assignment is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Plan,
    Job(JobId),
    Verify { deployment: DeploymentId, job: JobId },
}

pub(crate) struct Assignment {
    pub(crate) id: Uuid,
    pub(crate) kind: Kind,
    pub(crate) run: RunId,
    pub(crate) attempt: AttemptNumber,
    pub(crate) lost: i32,
    pub(crate) cancel: Option<String>,
    pub(crate) worker: Option<WorkerId>,
}

struct Row {
    id: Uuid,
    run_id: Uuid,
    job_id: Option<Uuid>,
    deployment_id: Option<Uuid>,
    attempt: i32,
    lost: i32,
    cancel: Option<String>,
    worker_id: Option<Uuid>,
}

impl Row {
    fn decode(self) -> Result<Assignment, FlowError> {
        let kind = match (self.job_id, self.deployment_id) {
            (None, None) => Kind::Plan,
            (Some(job), None) => Kind::Job(job.into()),
            (Some(job), Some(deployment)) => {
                Kind::Verify { deployment: deployment.into(), job: job.into() }
            }
            (None, Some(_)) => {
                return Err(anyhow::anyhow!("assignment {} verifies for no job", self.id).into());
            }
        };
        Ok(Assignment {
            id: self.id,
            kind,
            run: self.run_id.into(),
            attempt: AttemptNumber(self.attempt),
            lost: self.lost,
            cancel: self.cancel,
            worker: self.worker_id.map(WorkerId::from),
        })
    }
}

/// Queues work.
pub(crate) async fn create(tx: &mut Tx, run: RunId, kind: Kind) -> Result<(), FlowError> {
    let (lane, word, job, deployment) = match kind {
        Kind::Plan => (Lane::Plan, "plan", None, None),
        Kind::Job(job) => (Lane::Job, "job", Some(job.as_uuid()), None),
        Kind::Verify { deployment, job } => {
            (Lane::Job, "verify", Some(job.as_uuid()), Some(deployment.as_uuid()))
        }
    };
    sqlx::query!(
        "INSERT INTO assignments (id, lane, kind, run_id, job_id, deployment_id)
         VALUES ($1, $2, $3, $4, $5, $6)",
        Uuid::now_v7(),
        lane.word(),
        word,
        run.as_uuid(),
        job,
        deployment
    )
    .execute(&mut **tx)
    .await?;
    super::notify(tx, "slipway_work", "").await?;
    Ok(())
}

/// The front of the lane's queue, locked; rows that others are claiming are passed over.
pub(crate) async fn front(tx: &mut Tx, lane: Lane) -> Result<Option<Assignment>, FlowError> {
    sqlx::query_as!(
        Row,
        "SELECT id, run_id, job_id, deployment_id, attempt, lost, cancel, worker_id
         FROM assignments WHERE state = 'queued' AND lane = $1 AND available_at <= now()
         ORDER BY available_at, id LIMIT 1 FOR UPDATE SKIP LOCKED",
        lane.word()
    )
    .fetch_optional(&mut **tx)
    .await?
    .map(Row::decode)
    .transpose()
}

/// Gives it to a worker: the next attempt begins.
pub(crate) async fn lease(
    tx: &mut Tx,
    id: Uuid,
    number: AttemptNumber,
    worker: WorkerId,
    lease: Duration,
) -> Result<(), FlowError> {
    let rows = sqlx::query!(
        "UPDATE assignments SET state = 'leased', attempt = $2, worker_id = $3,
             lease_until = now() + make_interval(secs => $4)
         WHERE id = $1 AND state = 'queued'",
        id,
        number.0,
        worker.as_uuid(),
        lease.as_secs_f64()
    )
    .execute(&mut **tx)
    .await?
    .rows_affected();
    super::exactly_one(rows, "assignment")
}

/// Renews the lease of the attempt if it is current; answers the cancel request, if any.
pub(crate) async fn renew(
    tx: &mut Tx,
    attempt: AttemptId,
    lease: Duration,
) -> Result<Option<String>, FlowError> {
    let row = sqlx::query!(
        "UPDATE assignments a SET lease_until = now() + make_interval(secs => $2)
         FROM attempts t
         WHERE t.id = $1 AND t.assignment_id = a.id AND t.number = a.attempt
           AND t.state = 'running' AND a.state = 'leased'
         RETURNING a.cancel, a.worker_id",
        attempt.as_uuid(),
        lease.as_secs_f64()
    )
    .fetch_optional(&mut **tx)
    .await?
    .ok_or(FlowError::Fenced)?;
    sqlx::query!("UPDATE workers SET last_seen_at = now() WHERE id = $1", row.worker_id)
        .execute(&mut **tx)
        .await?;
    Ok(row.cancel)
}

/// Locks a leased assignment; none if it is leased no more.
pub(crate) async fn lock_leased(tx: &mut Tx, id: Uuid) -> Result<Option<Assignment>, FlowError> {
    sqlx::query_as!(
        Row,
        "SELECT id, run_id, job_id, deployment_id, attempt, lost, cancel, worker_id
         FROM assignments WHERE id = $1 AND state = 'leased' FOR UPDATE",
        id
    )
    .fetch_optional(&mut **tx)
    .await?
    .map(Row::decode)
    .transpose()
}

/// One assignment whose lease ended, locked.
pub(crate) async fn next_expired(tx: &mut Tx) -> Result<Option<Assignment>, FlowError> {
    sqlx::query_as!(
        Row,
        "SELECT id, run_id, job_id, deployment_id, attempt, lost, cancel, worker_id
         FROM assignments WHERE state = 'leased' AND lease_until < now()
         ORDER BY lease_until LIMIT 1 FOR UPDATE SKIP LOCKED"
    )
    .fetch_optional(&mut **tx)
    .await?
    .map(Row::decode)
    .transpose()
}

/// What the worker holds.
pub(crate) async fn held_by(tx: &mut Tx, worker: WorkerId) -> Result<Vec<Uuid>, FlowError> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM assignments WHERE worker_id = $1 AND state = 'leased' ORDER BY id",
        worker.as_uuid()
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(ids)
}

/// Back into the queue after a lost attempt.
pub(crate) async fn requeue(tx: &mut Tx, id: Uuid, delay: Duration) -> Result<(), FlowError> {
    let rows = sqlx::query!(
        "UPDATE assignments SET state = 'queued', lease_until = NULL, lost = lost + 1,
             available_at = now() + make_interval(secs => $2)
         WHERE id = $1 AND state = 'leased'",
        id,
        delay.as_secs_f64()
    )
    .execute(&mut **tx)
    .await?
    .rows_affected();
    super::exactly_one(rows, "assignment")?;
    super::notify(tx, "slipway_work", "").await?;
    Ok(())
}

/// Nobody has to do it any more.
pub(crate) async fn done(tx: &mut Tx, id: Uuid) -> Result<(), FlowError> {
    let rows = sqlx::query!(
        "UPDATE assignments SET state = 'done', lease_until = NULL
         WHERE id = $1 AND state <> 'done'",
        id
    )
    .execute(&mut **tx)
    .await?
    .rows_affected();
    super::exactly_one(rows, "assignment")
}

/// Asks to stop everything open of a run (but not its verifies: those find out what is true).
pub(crate) async fn cancel(tx: &mut Tx, run: RunId, reason: &str) -> Result<(), FlowError> {
    // In one order, so that two who cancel do not wait for each other.
    sqlx::query!(
        "SELECT id FROM assignments WHERE run_id = $1 AND state <> 'done' ORDER BY id FOR UPDATE",
        run.as_uuid()
    )
    .fetch_all(&mut **tx)
    .await?;
    sqlx::query!(
        "UPDATE assignments SET cancel = coalesce(cancel, $2),
             state = CASE WHEN state = 'queued' THEN 'done' ELSE state END
         WHERE run_id = $1 AND state <> 'done' AND kind <> 'verify'",
        run.as_uuid(),
        reason
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Why somebody asked to stop the run, if somebody did.
pub(crate) async fn cancel_reason(tx: &mut Tx, run: RunId) -> Result<Option<String>, FlowError> {
    let reason = sqlx::query_scalar!(
        "SELECT cancel FROM assignments WHERE run_id = $1 AND cancel IS NOT NULL LIMIT 1",
        run.as_uuid()
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(reason.flatten())
}
