//! What the REST interface shows: reads only, in its own words.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use slipway_pipelines::ids::{AttemptId, Id, JobId, JobNumber, RepoId, RunId, RunNumber};
use uuid::Uuid;

use super::Db;
use crate::error::FlowError;

type Time = DateTime<Utc>;

#[derive(Debug, Serialize)]
pub(crate) struct Run {
    pub(crate) id: Uuid,
    pub(crate) number: i32,
    pub(crate) branch: String,
    pub(crate) tag: Option<String>,
    pub(crate) commit: String,
    pub(crate) subject: String,
    pub(crate) actor: String,
    pub(crate) event: String,
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    pub(crate) diagnostics: Value,
    /// The number of the run that this one repeats.
    pub(crate) rerun_of: Option<i32>,
    pub(crate) created_at: Time,
    pub(crate) started_at: Option<Time>,
    pub(crate) finished_at: Option<Time>,
}

/// The newest first; `before` is a run number to go on from.
pub(crate) async fn runs(
    db: &Db,
    repo: RepoId,
    branch: Option<&str>,
    before: Option<i32>,
    limit: i64,
) -> Result<Vec<Run>, FlowError> {
    let runs = sqlx::query_as!(
        Run,
        "SELECT id, number, branch, tag, commit_sha AS commit, subject, actor, event, state, reason,
                diagnostics, created_at, started_at, finished_at,
                (SELECT o.number FROM runs o WHERE o.id = runs.rerun_of) AS rerun_of
         FROM runs WHERE repo_id = $1 AND ($2::text IS NULL OR branch = $2)
              AND ($3::int IS NULL OR number < $3)
         ORDER BY number DESC LIMIT $4",
        repo.as_uuid(),
        branch,
        before,
        limit
    )
    .fetch_all(db.pool())
    .await?;
    Ok(runs)
}

pub(crate) async fn run(
    db: &Db,
    repo: RepoId,
    number: RunNumber,
) -> Result<Option<Run>, FlowError> {
    let run = sqlx::query_as!(
        Run,
        "SELECT id, number, branch, tag, commit_sha AS commit, subject, actor, event, state, reason,
                diagnostics, created_at, started_at, finished_at,
                (SELECT o.number FROM runs o WHERE o.id = runs.rerun_of) AS rerun_of
         FROM runs WHERE repo_id = $1 AND number = $2",
        repo.as_uuid(),
        number.0
    )
    .fetch_optional(db.pool())
    .await?;
    Ok(run)
}

#[derive(Debug, Serialize)]
pub(crate) struct Job {
    pub(crate) id: Uuid,
    pub(crate) number: i32,
    pub(crate) name: String,
    pub(crate) stage: i32,
    pub(crate) stage_name: String,
    pub(crate) allow_failure: bool,
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    pub(crate) attempt: i32,
    pub(crate) image: Option<String>,
    pub(crate) image_digest: Option<String>,
    pub(crate) queued_at: Option<Time>,
    pub(crate) started_at: Option<Time>,
    pub(crate) finished_at: Option<Time>,
}

pub(crate) async fn jobs(db: &Db, run: RunId) -> Result<Vec<Job>, FlowError> {
    let jobs = sqlx::query_as!(
        Job,
        "SELECT id, number, name, stage, stage_name, allow_failure, state, reason, attempt, image,
                image_digest, queued_at, started_at, finished_at
         FROM jobs WHERE run_id = $1 ORDER BY number",
        run.as_uuid()
    )
    .fetch_all(db.pool())
    .await?;
    Ok(jobs)
}

pub(crate) async fn job(
    db: &Db,
    repo: RepoId,
    run: RunNumber,
    job: JobNumber,
) -> Result<Option<Job>, FlowError> {
    let job = sqlx::query_as!(
        Job,
        "SELECT j.id, j.number, j.name, j.stage, j.stage_name, j.allow_failure, j.state, j.reason,
                j.attempt, j.image, j.image_digest, j.queued_at, j.started_at, j.finished_at
         FROM jobs j JOIN runs r ON r.id = j.run_id
         WHERE r.repo_id = $1 AND r.number = $2 AND j.number = $3",
        repo.as_uuid(),
        run.0,
        job.0
    )
    .fetch_optional(db.pool())
    .await?;
    Ok(job)
}

#[derive(Debug, Serialize)]
pub(crate) struct Attempt {
    pub(crate) id: Uuid,
    pub(crate) number: i32,
    pub(crate) worker: String,
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    pub(crate) log_length: i64,
    pub(crate) log_lines: i64,
    pub(crate) log_sha256: Option<String>,
    /// What is wrong with the stored log: none is, as a rule.
    pub(crate) log_flaw: Option<String>,
    pub(crate) started_at: Time,
    pub(crate) finished_at: Option<Time>,
}

/// The job's own attempts; looking after its deployments later is not one.
pub(crate) async fn attempts(db: &Db, job: JobId) -> Result<Vec<Attempt>, FlowError> {
    let attempts = sqlx::query_as!(
        Attempt,
        "SELECT a.id, a.number, w.name AS worker, a.state, a.reason, a.log_length, a.log_lines,
                a.log_sha256, a.log_flaw, a.started_at, a.finished_at
         FROM attempts a JOIN workers w ON w.id = a.worker_id
              JOIN assignments s ON s.id = a.assignment_id
         WHERE a.job_id = $1 AND s.kind = 'job' ORDER BY a.number",
        job.as_uuid()
    )
    .fetch_all(db.pool())
    .await?;
    Ok(attempts)
}

#[derive(Debug, Serialize)]
pub(crate) struct Step {
    pub(crate) number: i32,
    pub(crate) phase: String,
    pub(crate) title: String,
    pub(crate) log_from: i64,
    pub(crate) log_to: Option<i64>,
    pub(crate) outcome: Option<Value>,
    pub(crate) started_at: Time,
    pub(crate) finished_at: Option<Time>,
}

pub(crate) async fn steps(db: &Db, attempt: AttemptId) -> Result<Vec<Step>, FlowError> {
    let steps = sqlx::query_as!(
        Step,
        "SELECT number, phase, title, log_from, log_to, outcome, started_at, finished_at
         FROM steps WHERE attempt_id = $1 ORDER BY number",
        attempt.as_uuid()
    )
    .fetch_all(db.pool())
    .await?;
    Ok(steps)
}

#[derive(Debug, Serialize)]
pub(crate) struct Delivery {
    pub(crate) id: Uuid,
    pub(crate) source: String,
    pub(crate) guid: String,
    pub(crate) event: String,
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    pub(crate) run: Option<i32>,
    pub(crate) received_at: Time,
    pub(crate) decided_at: Option<Time>,
}

pub(crate) async fn deliveries(db: &Db, repo: RepoId) -> Result<Vec<Delivery>, FlowError> {
    let deliveries = sqlx::query_as!(
        Delivery,
        r#"SELECT d.id, d.source, d.guid, d.event, d.state, d.reason, r.number AS "run?",
                d.received_at, d.decided_at
         FROM deliveries d LEFT JOIN runs r ON r.id = d.run_id
         WHERE d.repo_id = $1 ORDER BY d.received_at DESC LIMIT 100"#,
        repo.as_uuid()
    )
    .fetch_all(db.pool())
    .await?;
    Ok(deliveries)
}

#[derive(Debug, Serialize)]
pub(crate) struct Worker {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) engine: Option<String>,
    pub(crate) slots: i32,
    pub(crate) busy: i64,
    pub(crate) registered_at: Time,
    pub(crate) last_seen_at: Time,
}

pub(crate) async fn workers(db: &Db) -> Result<Vec<Worker>, FlowError> {
    let workers = sqlx::query_as!(
        Worker,
        r#"SELECT w.id, w.name, w.version, w.engine, w.slots, w.registered_at, w.last_seen_at,
                (SELECT count(*) FROM assignments a WHERE a.worker_id = w.id
                 AND a.state = 'leased' AND a.lane = 'job') AS "busy!"
         FROM workers w ORDER BY w.name, w.id"#
    )
    .fetch_all(db.pool())
    .await?;
    Ok(workers)
}
