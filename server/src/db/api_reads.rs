//! What the REST interface shows: reads only, in its own words.

use slipway_pipelines::ids::{AttemptId, Id, JobId, JobNumber, RepoId, RunId, RunNumber};
use slipway_pipelines::language::Diagnostic;
use slipway_pipelines::plan::{Dropped, PullRequest};
use slipway_pipelines::wire::api::{Attempt, Delivery, Job, Report, Run, Step, Worker};
use sqlx::types::Json;

use super::Db;
use crate::error::FlowError;

/// Which runs of a repo to list.
#[derive(Debug)]
pub(crate) struct RunFilter {
    pub(crate) branch: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) event: Option<String>,
    pub(crate) actor: Option<String>,
    /// Not below this number.
    pub(crate) from: i32,
    /// Only below this number.
    pub(crate) before: i32,
    pub(crate) limit: i64,
}

impl Default for RunFilter {
    fn default() -> Self {
        let (branch, state, event, actor) = (None, None, None, None);
        Self { branch, state, event, actor, from: 0, before: i32::MAX, limit: 1 }
    }
}

/// The newest first. A pull request into a branch is no run of that branch, unless it is asked
/// for pull requests.
pub(crate) async fn runs(db: &Db, repo: RepoId, filter: &RunFilter) -> Result<Vec<Run>, FlowError> {
    let rows = sqlx::query!(
        r#"SELECT id, number, branch, tag, commit_sha, subject, actor, event, state, reason,
                  diagnostics AS "diagnostics: Json<Vec<Diagnostic>>", created_at, started_at,
                  finished_at,
                  CASE WHEN event = 'pull_request' THEN trigger -> 'event' END
                    AS "pull: Json<PullRequest>",
                  (SELECT o.number FROM runs o WHERE o.id = runs.rerun_of) AS rerun_of
           FROM runs WHERE repo_id = $1 AND number >= $2 AND number < $3
                AND ($4::text IS NULL
                     OR branch = $4 AND (event <> 'pull_request' OR $6 = 'pull_request'))
                AND ($5::text IS NULL OR state = $5) AND ($6::text IS NULL OR event = $6)
                AND ($7::text IS NULL OR actor = $7)
           ORDER BY number DESC LIMIT $8"#,
        repo.as_uuid(),
        filter.from,
        filter.before,
        filter.branch,
        filter.state,
        filter.event,
        filter.actor,
        filter.limit
    )
    .map(|row| Run {
        id: row.id.into(),
        number: row.number,
        branch: row.branch,
        tag: row.tag,
        pull_request: row.pull.map(|pull| pull.0),
        commit: row.commit_sha,
        subject: row.subject,
        actor: row.actor,
        event: row.event,
        state: row.state,
        reason: row.reason,
        diagnostics: row.diagnostics.0,
        rerun_of: row.rerun_of,
        created_at: row.created_at,
        started_at: row.started_at,
        finished_at: row.finished_at,
    })
    .fetch_all(db.pool())
    .await?;
    Ok(rows)
}

pub(crate) async fn run(
    db: &Db,
    repo: RepoId,
    number: RunNumber,
) -> Result<Option<Run>, FlowError> {
    let before = number.0.saturating_add(1);
    let only = RunFilter { from: number.0, before, ..RunFilter::default() };
    Ok(runs(db, repo, &only).await?.pop())
}

/// What a run's file has and its trigger did not want.
pub(crate) async fn dropped(db: &Db, run: RunId) -> Result<Vec<Dropped>, FlowError> {
    let dropped = sqlx::query_scalar!(
        r#"SELECT plan -> 'dropped' AS "dropped: Json<Vec<Dropped>>" FROM runs WHERE id = $1"#,
        run.as_uuid()
    )
    .fetch_one(db.pool())
    .await?;
    Ok(dropped.map(|dropped| dropped.0).unwrap_or_default())
}

/// How far GitHub has heard of a run.
pub(crate) async fn report(db: &Db, run: RunId) -> Result<Option<Report>, FlowError> {
    let report = sqlx::query_as!(
        Report,
        r#"SELECT told < wanted AS "behind!", last_error, available_at AS next_try_at
           FROM github_reports WHERE run_id = $1"#,
        run.as_uuid()
    )
    .fetch_optional(db.pool())
    .await?;
    Ok(report)
}

pub(crate) async fn jobs(db: &Db, run: RunId) -> Result<Vec<Job>, FlowError> {
    let jobs = sqlx::query_as!(
        Job,
        "SELECT id, number, name, stage, stage_name, allow_failure, state, reason, attempt, retries, image,
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
                j.attempt, j.retries, j.image, j.image_digest, j.queued_at, j.started_at, j.finished_at
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

pub(crate) async fn workers(db: &Db) -> Result<Vec<Worker>, FlowError> {
    let workers = sqlx::query_as!(
        Worker,
        r#"SELECT w.id, w.name, w.version, w.engine, w.slots, w.registered_at, w.last_seen_at,
                w.labels, w.memory_bytes, w.draining_since IS NOT NULL AS "draining!",
                (SELECT count(*) FROM assignments a WHERE a.worker_id = w.id
                 AND a.state = 'leased' AND a.lane = 'job') AS "busy!"
         FROM workers w ORDER BY w.name, w.id"#
    )
    .fetch_all(db.pool())
    .await?;
    Ok(workers)
}
