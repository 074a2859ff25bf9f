//! Jobs with their attempts, steps and where their logs lie.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::Db;

/// A job on its run's page or on its own.
#[derive(Debug)]
pub(crate) struct JobRow {
    pub(crate) id: Uuid,
    pub(crate) number: i32,
    pub(crate) name: String,
    pub(crate) stage: i32,
    pub(crate) stage_name: String,
    /// `[{key, value}]` of `plan::Axis`.
    pub(crate) axes: Option<serde_json::Value>,
    pub(crate) allow_failure: bool,
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    /// Numbers of the jobs that must have passed before it starts.
    pub(crate) needs: Vec<i32>,
    /// A worker's label; empty: any will do.
    pub(crate) requires: String,
    /// The memory that it asks for; 0: it does not say.
    pub(crate) memory_mib: i32,
    /// The latest attempt's number.
    pub(crate) attempt: i32,
    /// How often its file lets it be tried again.
    pub(crate) retries: i32,
    pub(crate) image: Option<String>,
    pub(crate) image_digest: Option<String>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) queued_at: Option<DateTime<Utc>>,
    pub(crate) started_at: Option<DateTime<Utc>>,
    pub(crate) finished_at: Option<DateTime<Utc>>,
}

/// One try of a job.
#[derive(Debug)]
pub(crate) struct AttemptRow {
    pub(crate) id: Uuid,
    pub(crate) number: i32,
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    pub(crate) worker: String,
    pub(crate) log_length: i64,
    pub(crate) log_lines: i64,
    /// What is wrong with the log: it is not what the worker wrote.
    pub(crate) log_flaw: Option<String>,
    pub(crate) started_at: DateTime<Utc>,
    pub(crate) finished_at: Option<DateTime<Utc>>,
}

/// A step of an attempt: where it lies in the log, and how it ended.
#[derive(Debug)]
pub(crate) struct StepRow {
    pub(crate) phase: String,
    pub(crate) title: String,
    pub(crate) log_from: i64,
    pub(crate) log_to: Option<i64>,
    pub(crate) outcome: Option<serde_json::Value>,
    pub(crate) started_at: DateTime<Utc>,
    pub(crate) finished_at: Option<DateTime<Utc>>,
}

/// Where a chunk of a log begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    pub(crate) start: i64,
    pub(crate) first_line: i64,
}

pub(crate) async fn of_run(db: &Db, run: Uuid) -> Result<Vec<JobRow>, sqlx::Error> {
    sqlx::query_as!(
        JobRow,
        "SELECT id, number, name, stage, stage_name, plan -> 'axes' AS axes, allow_failure, state,
                reason, needs, requires, memory_mib, attempt, retries, image, image_digest,
                created_at, queued_at, started_at, finished_at
         FROM jobs WHERE run_id = $1 ORDER BY number",
        run
    )
    .fetch_all(db.pool())
    .await
}

/// Newest first.
pub(crate) async fn attempts(db: &Db, job: Uuid) -> Result<Vec<AttemptRow>, sqlx::Error> {
    sqlx::query_as!(
        AttemptRow,
        "SELECT a.id, a.number, a.state, a.reason, w.name AS worker, a.log_length, a.log_lines,
                a.log_flaw, a.started_at, a.finished_at
         FROM attempts a JOIN assignments s ON s.id = a.assignment_id
         JOIN workers w ON w.id = a.worker_id
         WHERE a.job_id = $1 AND s.kind = 'job' ORDER BY a.number DESC",
        job
    )
    .fetch_all(db.pool())
    .await
}

/// What was done about a deployment without its job, oldest first: it was applied after an approval,
/// brought back, or looked at.
pub(crate) async fn of_deployment(
    db: &Db,
    deployment: Uuid,
) -> Result<Vec<AttemptRow>, sqlx::Error> {
    sqlx::query_as!(
        AttemptRow,
        "SELECT a.id, a.number, a.state, a.reason, w.name AS worker, a.log_length, a.log_lines,
                a.log_flaw, a.started_at, a.finished_at
         FROM attempts a JOIN assignments s ON s.id = a.assignment_id
         JOIN workers w ON w.id = a.worker_id
         WHERE s.deployment_id = $1 ORDER BY a.id",
        deployment
    )
    .fetch_all(db.pool())
    .await
}

pub(crate) async fn steps(db: &Db, attempt: Uuid) -> Result<Vec<StepRow>, sqlx::Error> {
    sqlx::query_as!(
        StepRow,
        "SELECT phase, title, log_from, log_to, outcome, started_at, finished_at
         FROM steps WHERE attempt_id = $1 ORDER BY number",
        attempt
    )
    .fetch_all(db.pool())
    .await
}

/// The names of the secrets that an attempt was given.
pub(crate) async fn secret_names(db: &Db, attempt: Uuid) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT name FROM secret_grants WHERE attempt_id = $1 ORDER BY name",
        attempt
    )
    .fetch_all(db.pool())
    .await
}

/// The last chunk that begins at or before this line (from 0).
pub(crate) async fn mark_of_line(
    db: &Db,
    attempt: Uuid,
    line: i64,
) -> Result<Option<Mark>, sqlx::Error> {
    sqlx::query_as!(
        Mark,
        "SELECT start, first_line FROM log_chunks WHERE attempt_id = $1
           AND (first_line < $2 OR start = 0) ORDER BY start DESC LIMIT 1",
        attempt,
        line
    )
    .fetch_optional(db.pool())
    .await
}

/// The last chunk that begins at or before this byte.
pub(crate) async fn mark_of_byte(
    db: &Db,
    attempt: Uuid,
    byte: i64,
) -> Result<Option<Mark>, sqlx::Error> {
    sqlx::query_as!(
        Mark,
        "SELECT start, first_line FROM log_chunks WHERE attempt_id = $1 AND start <= $2
         ORDER BY start DESC LIMIT 1",
        attempt,
        byte
    )
    .fetch_optional(db.pool())
    .await
}

/// A chunk of a log, still compressed.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) start: i64,
    pub(crate) first_line: i64,
    pub(crate) data: Vec<u8>,
}

/// The chunks in which these bytes lie, in order, each once.
pub(crate) async fn chunks_at(
    db: &Db,
    attempt: Uuid,
    offsets: &[i64],
) -> Result<Vec<Chunk>, sqlx::Error> {
    sqlx::query_as!(
        Chunk,
        "SELECT start, first_line, data FROM log_chunks WHERE attempt_id = $1 AND start IN (
             SELECT (SELECT c.start FROM log_chunks c WHERE c.attempt_id = $1 AND c.start <= o.at
                     ORDER BY c.start DESC LIMIT 1)
             FROM unnest($2::bigint[]) AS o (at))
         ORDER BY start",
        attempt,
        offsets
    )
    .fetch_all(db.pool())
    .await
}

/// A service of an attempt.
#[derive(Debug)]
pub(crate) struct ServiceRow {
    pub(crate) name: String,
    pub(crate) status: String,
    pub(crate) detail: String,
}

pub(crate) async fn services(db: &Db, attempt: Uuid) -> Result<Vec<ServiceRow>, sqlx::Error> {
    sqlx::query_as!(
        ServiceRow,
        "SELECT name, status, detail FROM services WHERE attempt_id = $1 ORDER BY name",
        attempt
    )
    .fetch_all(db.pool())
    .await
}

/// Name and digest of the images that an attempt built.
pub(crate) async fn built(db: &Db, attempt: Uuid) -> Result<Vec<(String, String)>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT name, digest FROM built_images WHERE attempt_id = $1 ORDER BY name",
        attempt
    )
    .fetch_all(db.pool())
    .await?;
    Ok(rows.into_iter().map(|row| (row.name, row.digest)).collect())
}
