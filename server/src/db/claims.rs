//! The front of the queue for one worker.

use std::time::Duration;

use slipway_pipelines::ids::{AttemptId, Id, WorkerId};
use slipway_pipelines::wire::Lane;
use uuid::Uuid;

use super::Tx;
use super::assignments::{Assignment, Row};
use crate::error::FlowError;

/// What a worker can take now. There is a queue for each label and size of jobs; sizes are in MiB,
/// rounded as those of jobs are.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) lane: Lane,
    /// What jobs may require of it: nothing (the empty text), or one of its labels.
    pub(crate) requires: Vec<String>,
    /// Memory that no job of its own has.
    pub(crate) room: i32,
    /// All of its memory: a job that wants more is not for it.
    pub(crate) whole: i32,
    /// What a job counts that does not say what it wants.
    pub(crate) usual: i32,
}

/// What came of a claim.
pub(crate) enum Leased {
    /// The worker's next attempt begins.
    Assignment(Box<Assignment>),
    /// There is nothing for it now.
    Nothing,
    /// There is, and others are just claiming it: look again.
    Contended,
}

/// A job that wants more memory than there is room for now lets smaller ones pass so long. From
/// then on none passes it, so that it waits no longer than until the worker is empty.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Leases the front of what the worker can take. Rows that others are claiming are passed over.
/// One statement, so that many claimers cost little; it reads the front of each queue that the
/// worker serves and no other row, however many there are.
pub(crate) async fn lease_front(
    tx: &mut Tx,
    wanted: &Wanted,
    attempt: AttemptId,
    worker: WorkerId,
    lease: Duration,
) -> Result<Leased, FlowError> {
    let row = sqlx::query!(
        r#"WITH RECURSIVE fronts AS (
             SELECT k.requires, f.memory_mib, f.available_at, f.id
             FROM unnest($5::text[]) AS k (requires) CROSS JOIN LATERAL (
                 SELECT memory_mib, available_at, id FROM assignments
                 WHERE state = 'queued' AND lane = $1 AND requires = k.requires
                 ORDER BY memory_mib, available_at, id LIMIT 1) f
             UNION ALL
             SELECT p.requires, f.memory_mib, f.available_at, f.id
             FROM fronts p CROSS JOIN LATERAL (
                 SELECT memory_mib, available_at, id FROM assignments
                 WHERE state = 'queued' AND lane = $1 AND requires = p.requires
                   AND memory_mib > p.memory_mib
                 ORDER BY memory_mib, available_at, id LIMIT 1) f
         ), due AS (
             SELECT *, CASE WHEN memory_mib = 0 THEN $8 ELSE memory_mib END <= $6::integer AS fits
             FROM fronts WHERE available_at <= now() AND memory_mib <= $7
         ), chosen AS (
             SELECT requires, memory_mib FROM due d WHERE fits AND NOT EXISTS (
                 SELECT FROM due b WHERE NOT b.fits
                   AND b.available_at < now() - make_interval(secs => $9)
                   AND (b.available_at, b.id) < (d.available_at, d.id))
             ORDER BY available_at, id LIMIT 1
         ), front AS (
             SELECT id FROM assignments
             WHERE state = 'queued' AND lane = $1 AND requires = (SELECT requires FROM chosen)
               AND memory_mib = (SELECT memory_mib FROM chosen) AND available_at <= now()
             ORDER BY available_at, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
         ), leased AS (
             UPDATE assignments a SET state = 'leased', attempt = a.attempt + 1, worker_id = $3,
                 lease_until = now() + make_interval(secs => $4)
             FROM front WHERE a.id = front.id
             RETURNING a.id, a.kind, a.run_id, a.job_id, a.deployment_id, a.attempt, a.lost, a.retried,
                 a.cancel, a.worker_id
         ), begun AS (
             INSERT INTO attempts (id, assignment_id, run_id, job_id, number, worker_id, state)
             SELECT $2, id, run_id, job_id, attempt, $3, 'running' FROM leased
         )
         SELECT l.id AS "id?", l.kind AS "kind?", l.run_id AS "run_id?", l.job_id, l.deployment_id,
                l.attempt AS "attempt?", l.lost AS "lost?", l.retried AS "retried?", l.cancel,
                l.worker_id
         FROM chosen LEFT JOIN leased l ON true"#,
        wanted.lane.word(),
        attempt.as_uuid(),
        worker.as_uuid(),
        lease.as_secs_f64(),
        &wanted.requires,
        wanted.room,
        wanted.whole,
        wanted.usual,
        PATIENCE.as_secs_f64()
    )
    .fetch_optional(&mut **tx)
    .await?;
    let Some(row) = row else { return Ok(Leased::Nothing) };
    let found: Option<(Uuid, String, Uuid, i32, i32, i32)> =
        (|| Some((row.id?, row.kind?, row.run_id?, row.attempt?, row.lost?, row.retried?)))();
    let Some((id, kind, run_id, attempt, lost, retried)) = found else {
        return Ok(Leased::Contended);
    };
    let (job_id, deployment_id, cancel) = (row.job_id, row.deployment_id, row.cancel);
    let worker_id = row.worker_id;
    let row =
        Row { id, kind, run_id, job_id, deployment_id, attempt, lost, retried, cancel, worker_id };
    Ok(Leased::Assignment(Box::new(row.decode()?)))
}
