//! Shells, and failed jobs that are kept for them.

use std::time::Duration;

use chrono::{DateTime, Utc};
use slipway_pipelines::ids::{
    AttemptId, Id, JobId, JobNumber, RepoId, RunNumber, ShellId, WorkerId,
};
use slipway_pipelines::wire::{KeptJob, ShellQuery};
use sqlx::types::Json;
use uuid::Uuid;

use super::{Db, Tx};
use crate::error::FlowError;

/// Where a person can have a shell.
pub(crate) struct Place {
    pub(crate) attempt: AttemptId,
    pub(crate) worker: WorkerId,
    /// Its container is that of a job that is over; else the job runs.
    pub(crate) kept: bool,
}

/// The container of this job, if there is one now.
pub(crate) async fn place(tx: &mut Tx, job: JobId) -> Result<Option<Place>, FlowError> {
    let row = sqlx::query!(
        r#"SELECT t.id, t.worker_id, t.state <> 'running' AS "kept!"
           FROM attempts t JOIN assignments a ON a.id = t.assignment_id
           WHERE t.job_id = $1 AND a.kind = 'job'
             AND (t.state = 'running' OR t.kept_until > now())
           ORDER BY t.number DESC LIMIT 1"#,
        job.as_uuid()
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(|row| Place {
        attempt: row.id.into(),
        worker: row.worker_id.into(),
        kept: row.kept,
    }))
}

/// Until when the job's container is kept, if it is.
pub(crate) async fn kept_until(db: &Db, job: JobId) -> Result<Option<DateTime<Utc>>, FlowError> {
    let until = sqlx::query_scalar!(
        r#"SELECT kept_until AS "until!" FROM attempts
           WHERE job_id = $1 AND state <> 'running' AND kept_until > now()
           ORDER BY number DESC LIMIT 1"#,
        job.as_uuid()
    )
    .fetch_optional(db.pool())
    .await?;
    Ok(until)
}

/// How many shells of the attempt are not closed. Its row is locked: nobody counts meanwhile.
pub(crate) async fn count(tx: &mut Tx, attempt: AttemptId) -> Result<i64, FlowError> {
    sqlx::query_scalar!(
        "SELECT id FROM attempts WHERE id = $1 FOR NO KEY UPDATE",
        attempt.as_uuid()
    )
    .fetch_optional(&mut **tx)
    .await?;
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM shells WHERE attempt_id = $1 AND state <> 'closed'"#,
        attempt.as_uuid()
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(count)
}

/// A shell that somebody waits for.
pub(crate) async fn create(
    tx: &mut Tx,
    id: ShellId,
    repo: RepoId,
    place: &Place,
    actor: &str,
    asked: &ShellQuery,
) -> Result<(), FlowError> {
    sqlx::query!(
        "INSERT INTO shells (id, repo_id, attempt_id, worker_id, actor, asked)
         VALUES ($1, $2, $3, $4, $5, $6)",
        id.as_uuid(),
        repo.as_uuid(),
        place.attempt.as_uuid(),
        place.worker.as_uuid(),
        actor,
        serde_json::to_value(asked)?
    )
    .execute(&mut **tx)
    .await?;
    super::notify(tx, "slipway_shell", &id.to_string()).await?;
    Ok(())
}

/// A shell with what its worker has to know.
pub(crate) struct Waiting {
    pub(crate) id: ShellId,
    pub(crate) attempt: AttemptId,
    pub(crate) repo: String,
    pub(crate) run: RunNumber,
    pub(crate) job: JobNumber,
    pub(crate) asked: ShellQuery,
}

/// The shell that waits longest for this worker. It is offered again if it is not taken: what was
/// answered last may not have arrived.
pub(crate) async fn offer(
    tx: &mut Tx,
    worker: WorkerId,
    again: Duration,
) -> Result<Option<Waiting>, FlowError> {
    let row = sqlx::query!(
        r#"WITH front AS (
             SELECT id FROM shells WHERE worker_id = $1 AND state = 'waiting'
               AND (offered_at IS NULL OR offered_at < now() - make_interval(secs => $2))
             ORDER BY id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
         ), offered AS (
             UPDATE shells s SET offered_at = now() FROM front WHERE s.id = front.id
             RETURNING s.id, s.attempt_id, s.asked
         )
         SELECT o.id AS "id!", o.attempt_id AS "attempt_id!", r.name AS "repo!",
                u.number AS "run!", j.number AS "job!", o.asked AS "asked!: Json<ShellQuery>"
         FROM offered o JOIN attempts t ON t.id = o.attempt_id JOIN jobs j ON j.id = t.job_id
         JOIN runs u ON u.id = j.run_id JOIN repos r ON r.id = u.repo_id"#,
        worker.as_uuid(),
        again.as_secs_f64()
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(|row| Waiting {
        id: row.id.into(),
        attempt: row.attempt_id.into(),
        repo: row.repo,
        run: RunNumber(row.run),
        job: JobNumber(row.job),
        asked: row.asked.0,
    }))
}

/// The worker has it: it opens, if it still waits for this worker.
pub(crate) async fn open(
    tx: &mut Tx,
    id: ShellId,
    worker: WorkerId,
) -> Result<Option<RepoId>, FlowError> {
    let repo = sqlx::query_scalar!(
        "UPDATE shells SET state = 'open', opened_at = now(), worker_seen_at = now()
         WHERE id = $1 AND worker_id = $2 AND state = 'waiting' RETURNING repo_id",
        id.as_uuid(),
        worker.as_uuid()
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(repo.map(RepoId::from))
}

/// Which end of a shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Side {
    /// Whoever types.
    Person,
    /// The job's.
    Worker,
}

/// The server that holds this end of the shell is there. False: the shell is closed, or nobody
/// holds its other end any more.
pub(crate) async fn beat(
    db: &Db,
    id: ShellId,
    side: Side,
    patience: Duration,
) -> Result<bool, FlowError> {
    let alive = sqlx::query_scalar!(
        r#"UPDATE shells SET
             person_seen_at = CASE WHEN $2 THEN now() ELSE person_seen_at END,
             worker_seen_at = CASE WHEN $2 THEN worker_seen_at ELSE now() END
           WHERE id = $1 AND state <> 'closed'
           RETURNING CASE WHEN $2 THEN coalesce(worker_seen_at, created_at) ELSE person_seen_at END
                     > now() - make_interval(secs => $3) AS "alive!""#,
        id.as_uuid(),
        side == Side::Person,
        patience.as_secs_f64()
    )
    .fetch_optional(db.pool())
    .await?;
    Ok(alive.unwrap_or(false))
}

/// What the audit says of a shell that ended.
pub(crate) struct Closed {
    pub(crate) actor: String,
    pub(crate) repo: String,
    pub(crate) run: i32,
    pub(crate) job: i32,
    /// How long it was open; none: it never was.
    pub(crate) seconds: Option<i64>,
}

/// It is over; none: it was already.
pub(crate) async fn close(
    tx: &mut Tx,
    id: ShellId,
    reason: &str,
) -> Result<Option<Closed>, FlowError> {
    let row = sqlx::query!(
        r#"WITH closed AS (
             UPDATE shells SET state = 'closed', closed_at = now(), reason = $2
             WHERE id = $1 AND state <> 'closed'
             RETURNING actor, attempt_id, opened_at
           )
           SELECT c.actor AS "actor!", r.name AS "repo!", u.number AS "run!", j.number AS "job!",
                  extract(epoch FROM now() - c.opened_at)::bigint AS seconds
           FROM closed c JOIN attempts t ON t.id = c.attempt_id JOIN jobs j ON j.id = t.job_id
           JOIN runs u ON u.id = j.run_id JOIN repos r ON r.id = u.repo_id"#,
        id.as_uuid(),
        reason
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(|row| Closed {
        actor: row.actor,
        repo: row.repo,
        run: row.run,
        job: row.job,
        seconds: row.seconds,
    }))
}

/// Shells whose person's end nobody holds any more: a server ended with them.
pub(crate) async fn forsaken(db: &Db, patience: Duration) -> Result<Vec<ShellId>, FlowError> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM shells WHERE state <> 'closed'
           AND person_seen_at < now() - make_interval(secs => $1) LIMIT 100",
        patience.as_secs_f64()
    )
    .fetch_all(db.pool())
    .await?;
    Ok(ids.into_iter().map(ShellId::from).collect())
}

/// What a worker keeps, all of it: what it does not name is kept no more. Answers the runs that
/// changed by it.
pub(crate) async fn keeps(
    tx: &mut Tx,
    worker: WorkerId,
    kept: &[KeptJob],
) -> Result<Vec<Uuid>, FlowError> {
    let (attempts, until): (Vec<Uuid>, Vec<DateTime<Utc>>) =
        kept.iter().map(|one| (one.attempt.as_uuid(), one.until)).unzip();
    let runs = sqlx::query_scalar!(
        "WITH known AS (
             SELECT id, kept_until FROM attempts WHERE worker_id = $1 AND kept_until IS NOT NULL
             UNION SELECT id, kept_until FROM attempts WHERE worker_id = $1 AND id = ANY ($2)
         )
         UPDATE attempts t SET kept_until = k.until
         FROM known o LEFT JOIN unnest($2::uuid[], $3::timestamptz[]) AS k (attempt, until)
              ON k.attempt = o.id
         WHERE o.id = t.id AND o.kept_until IS DISTINCT FROM k.until
         RETURNING t.run_id",
        worker.as_uuid(),
        &attempts,
        &until
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(runs)
}

/// How long containers of this repo's failed jobs are kept, in seconds.
pub(crate) async fn keep_failed(tx: &mut Tx, repo: RepoId) -> Result<u32, FlowError> {
    let seconds =
        sqlx::query_scalar!("SELECT keep_failed_seconds FROM repos WHERE id = $1", repo.as_uuid())
            .fetch_optional(&mut **tx)
            .await?;
    Ok(seconds.and_then(|seconds| u32::try_from(seconds).ok()).unwrap_or(0))
}

/// The same outside of a transaction, for the page of settings.
pub(crate) async fn keep_failed_of(db: &Db, repo: RepoId) -> Result<u32, FlowError> {
    let seconds =
        sqlx::query_scalar!("SELECT keep_failed_seconds FROM repos WHERE id = $1", repo.as_uuid())
            .fetch_optional(db.pool())
            .await?;
    Ok(seconds.and_then(|seconds| u32::try_from(seconds).ok()).unwrap_or(0))
}

/// Hands a sealed piece of a shell to the server that holds its other end. Nothing is stored.
pub(crate) async fn relay(db: &Db, payload: &str) -> Result<(), FlowError> {
    sqlx::query!("SELECT pg_notify('slipway_shell', $1)", payload).execute(db.pool()).await?;
    Ok(())
}

/// Was any attempt of the job given a secret?
pub(crate) async fn saw_secrets(db: &Db, job: JobId) -> Result<bool, FlowError> {
    let saw = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM attempts JOIN secret_grants g ON g.attempt_id = attempts.id
                          WHERE attempts.job_id = $1) AS "saw!""#,
        job.as_uuid()
    )
    .fetch_one(db.pool())
    .await?;
    Ok(saw)
}
