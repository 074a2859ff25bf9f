//! The queue.

use std::time::Duration;

use slipway_pipelines::ids::{AttemptId, AttemptNumber, DeploymentId, Id, JobId, RunId, WorkerId};
use slipway_pipelines::wire::Lane;
use uuid::Uuid;

use super::{Db, Tx};
use crate::error::FlowError;

/// What an assignment is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Plan,
    Job(JobId),
    /// Bring its version to the target, or an earlier one back.
    Deploy {
        deployment: DeploymentId,
        job: JobId,
    },
    /// Look at the target.
    Verify {
        deployment: DeploymentId,
        job: JobId,
    },
}

pub(crate) struct Assignment {
    pub(crate) id: Uuid,
    pub(crate) kind: Kind,
    pub(crate) run: RunId,
    pub(crate) attempt: AttemptNumber,
    pub(crate) lost: i32,
    /// How often it was tried again since its file wants that.
    pub(crate) retried: i32,
    pub(crate) cancel: Option<String>,
    pub(crate) worker: Option<WorkerId>,
}

pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) kind: String,
    pub(super) run_id: Uuid,
    pub(super) job_id: Option<Uuid>,
    pub(super) deployment_id: Option<Uuid>,
    pub(super) attempt: i32,
    pub(super) lost: i32,
    pub(super) retried: i32,
    pub(super) cancel: Option<String>,
    pub(super) worker_id: Option<Uuid>,
}

impl Row {
    pub(super) fn decode(self) -> Result<Assignment, FlowError> {
        let kind = match (self.job_id, self.deployment_id) {
            (None, None) => Kind::Plan,
            (Some(job), None) => Kind::Job(job.into()),
            (Some(job), Some(deployment)) => {
                let (deployment, job) = (deployment.into(), job.into());
                match self.kind.as_str() {
                    "deploy" => Kind::Deploy { deployment, job },
                    _ => Kind::Verify { deployment, job },
                }
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
            retried: self.retried,
            cancel: self.cancel,
            worker: self.worker_id.map(WorkerId::from),
        })
    }
}

/// Queues work. A job is queued among those that ask for the same machine; what is done about its
/// deployments goes to such a machine as well, since an engine may be their target.
pub(crate) async fn create(tx: &mut Tx, run: RunId, kind: Kind) -> Result<(), FlowError> {
    let (lane, word, job, deployment) = match kind {
        Kind::Plan => (Lane::Plan, "plan", None, None),
        Kind::Job(job) => (Lane::Job, "job", Some(job.as_uuid()), None),
        Kind::Deploy { deployment, job } => {
            (Lane::Job, "deploy", Some(job.as_uuid()), Some(deployment.as_uuid()))
        }
        Kind::Verify { deployment, job } => {
            (Lane::Job, "verify", Some(job.as_uuid()), Some(deployment.as_uuid()))
        }
    };
    sqlx::query!(
        "INSERT INTO assignments (id, lane, kind, run_id, job_id, deployment_id, requires,
                                  memory_mib)
         SELECT $1, $2, $3, $4, $5, $6, coalesce(j.requires, ''),
                CASE WHEN $3 = 'job' THEN coalesce(j.memory_mib, 0) ELSE 0 END
         FROM (VALUES (1)) AS one LEFT JOIN jobs j ON j.id = $5",
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

/// Renews the lease of the attempt if it is current; answers the cancel request, if any, and
/// the worker. One statement: nothing else is locked while this waits for the row.
pub(crate) async fn renew(
    db: &Db,
    attempt: AttemptId,
    lease: Duration,
) -> Result<(Option<String>, Option<WorkerId>), FlowError> {
    let row = sqlx::query!(
        "UPDATE assignments a SET lease_until = now() + make_interval(secs => $2)
         FROM attempts t
         WHERE t.id = $1 AND t.assignment_id = a.id AND t.number = a.attempt
           AND t.state = 'running' AND a.state = 'leased'
         RETURNING a.cancel, a.worker_id",
        attempt.as_uuid(),
        lease.as_secs_f64()
    )
    .fetch_optional(db.pool())
    .await?
    .ok_or(FlowError::Fenced)?;
    Ok((row.cancel, row.worker_id.map(WorkerId::from)))
}

/// Locks a leased assignment; none if it is leased no more.
pub(crate) async fn lock_leased(tx: &mut Tx, id: Uuid) -> Result<Option<Assignment>, FlowError> {
    sqlx::query_as!(
        Row,
        "SELECT id, kind, run_id, job_id, deployment_id, attempt, lost, retried, cancel, worker_id
         FROM assignments WHERE id = $1 AND state = 'leased' FOR NO KEY UPDATE",
        id
    )
    .fetch_optional(&mut **tx)
    .await?
    .map(Row::decode)
    .transpose()
}

/// Assignments whose lease ended, the longest ago first.
pub(crate) async fn expired(db: &Db) -> Result<Vec<Uuid>, FlowError> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM assignments WHERE state = 'leased' AND lease_until < now()
         ORDER BY lease_until LIMIT 100"
    )
    .fetch_all(db.pool())
    .await?;
    Ok(ids)
}

/// Locks an assignment whose lease ended; none if it was renewed meanwhile, or somebody else
/// has it in hand.
pub(crate) async fn lock_expired(tx: &mut Tx, id: Uuid) -> Result<Option<Assignment>, FlowError> {
    sqlx::query_as!(
        Row,
        "SELECT id, kind, run_id, job_id, deployment_id, attempt, lost, retried, cancel, worker_id
         FROM assignments WHERE id = $1 AND state = 'leased' AND lease_until < now()
         FOR NO KEY UPDATE SKIP LOCKED",
        id
    )
    .fetch_optional(&mut **tx)
    .await?
    .map(Row::decode)
    .transpose()
}

/// Locks an assignment that waits in the queue.
pub(crate) async fn lock_queued(tx: &mut Tx, id: Uuid) -> Result<Option<Assignment>, FlowError> {
    sqlx::query_as!(
        Row,
        "SELECT id, kind, run_id, job_id, deployment_id, attempt, lost, retried, cancel, worker_id
         FROM assignments WHERE id = $1 AND state = 'queued' FOR NO KEY UPDATE",
        id
    )
    .fetch_optional(&mut **tx)
    .await?
    .map(Row::decode)
    .transpose()
}

/// What the worker holds.
pub(crate) async fn held_by(db: &Db, worker: WorkerId) -> Result<Vec<Uuid>, FlowError> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM assignments WHERE worker_id = $1 AND state = 'leased' ORDER BY id",
        worker.as_uuid()
    )
    .fetch_all(db.pool())
    .await?;
    Ok(ids)
}

/// Why an assignment goes back into the queue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Again {
    /// Its attempt was lost.
    pub(crate) lost: bool,
    /// Its file wants another attempt, and is granted one less from here on.
    pub(crate) asked: bool,
    /// It waits so long before the next.
    pub(crate) delay: Duration,
}

/// Back into the queue after an attempt.
pub(crate) async fn requeue(tx: &mut Tx, id: Uuid, again: Again) -> Result<(), FlowError> {
    let rows = sqlx::query!(
        "UPDATE assignments SET state = 'queued', lease_until = NULL, lost = lost + $3,
             retried = retried + $4, available_at = now() + make_interval(secs => $2)
         WHERE id = $1 AND state = 'leased'",
        id,
        again.delay.as_secs_f64(),
        i32::from(again.lost),
        i32::from(again.asked)
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

/// Asks to stop everything open of a run (but not what is done about its deployments: that is
/// decided of each, and a verify finds out what is true).
pub(crate) async fn cancel(tx: &mut Tx, run: RunId, reason: &str) -> Result<(), FlowError> {
    // In one order, so that two who cancel do not wait for each other.
    sqlx::query!(
        "SELECT id FROM assignments WHERE run_id = $1 AND state <> 'done' ORDER BY id FOR NO KEY UPDATE",
        run.as_uuid()
    )
    .fetch_all(&mut **tx)
    .await?;
    sqlx::query!(
        "UPDATE assignments SET cancel = coalesce(cancel, $2),
             state = CASE WHEN state = 'queued' THEN 'done' ELSE state END
         WHERE run_id = $1 AND state <> 'done' AND kind NOT IN ('deploy', 'verify')",
        run.as_uuid(),
        reason
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The assignment of a job, locked; none if it waits for something or is over.
pub(crate) async fn lock_of_job(tx: &mut Tx, job: JobId) -> Result<Option<Uuid>, FlowError> {
    let id = sqlx::query_scalar!(
        "SELECT id FROM assignments WHERE job_id = $1 AND kind = 'job' AND state <> 'done'
         FOR NO KEY UPDATE",
        job.as_uuid()
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(id)
}

/// The work of a deployment that no worker has claimed is done: it was canceled.
pub(crate) async fn take_back_deploy(
    tx: &mut Tx,
    deployment: DeploymentId,
    reason: &str,
) -> Result<(), FlowError> {
    sqlx::query!(
        "UPDATE assignments SET cancel = coalesce(cancel, $2), state = 'done'
         WHERE deployment_id = $1 AND kind = 'deploy' AND state = 'queued'",
        deployment.as_uuid(),
        reason
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Asks to stop one: what nobody began is done, else its worker hears of it.
pub(crate) async fn cancel_one(tx: &mut Tx, id: Uuid, reason: &str) -> Result<(), FlowError> {
    sqlx::query!(
        "UPDATE assignments SET cancel = coalesce(cancel, $2),
             state = CASE WHEN state = 'queued' THEN 'done' ELSE state END WHERE id = $1",
        id,
        reason
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
