//! Repos and their runs, as lists and alone.

use chrono::{DateTime, Utc};
use slipway_pipelines::ids::Id as _;
use slipway_pipelines::ids::RunId;
use uuid::Uuid;

use crate::db::Db;

/// A repo, as pages name it.
#[derive(Debug)]
pub(crate) struct RepoRow {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) clone_url: String,
    pub(crate) default_branch: String,
    pub(crate) enabled: bool,
}

/// A run in a list or on its page.
#[derive(Debug)]
pub(crate) struct RunRow {
    pub(crate) id: Uuid,
    pub(crate) repo: String,
    pub(crate) number: i32,
    pub(crate) state: String,
    pub(crate) subject: String,
    pub(crate) branch: String,
    pub(crate) commit_sha: String,
    pub(crate) actor: String,
    pub(crate) event: String,
    pub(crate) reason: Option<String>,
    pub(crate) diagnostics: serde_json::Value,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) started_at: Option<DateTime<Utc>>,
    pub(crate) finished_at: Option<DateTime<Utc>>,
}

/// Which runs of a repo to list.
#[derive(Debug, Default)]
pub(crate) struct RunFilter {
    pub(crate) branch: Option<String>,
    pub(crate) state: Option<String>,
    /// Only runs with a smaller number: the next page.
    pub(crate) before: Option<i32>,
    /// Only runs with a larger number: the page before.
    pub(crate) after: Option<i32>,
    pub(crate) limit: i64,
}

pub(crate) async fn repos(db: &Db) -> Result<Vec<RepoRow>, sqlx::Error> {
    sqlx::query_as!(
        RepoRow,
        "SELECT id, name, clone_url, default_branch, enabled FROM repos ORDER BY name LIMIT 500"
    )
    .fetch_all(db.pool())
    .await
}

pub(crate) async fn repo(db: &Db, name: &str) -> Result<Option<RepoRow>, sqlx::Error> {
    sqlx::query_as!(
        RepoRow,
        "SELECT id, name, clone_url, default_branch, enabled FROM repos WHERE name = $1",
        name
    )
    .fetch_optional(db.pool())
    .await
}

/// The last 20 runs of each repo's default branch, newest first within a repo.
pub(crate) async fn latest(db: &Db) -> Result<Vec<RunRow>, sqlx::Error> {
    sqlx::query_as!(
        RunRow,
        r#"SELECT x.id AS "id!", r.name AS "repo!", x.number AS "number!", x.state AS "state!",
                  x.subject AS "subject!", x.branch AS "branch!", x.commit_sha AS "commit_sha!",
                  x.actor AS "actor!", x.event AS "event!", x.reason AS "reason?",
                  '[]'::jsonb AS "diagnostics!", x.created_at AS "created_at!",
                  x.started_at AS "started_at?", x.finished_at AS "finished_at?"
           FROM (SELECT * FROM repos ORDER BY name LIMIT 500) r
           CROSS JOIN LATERAL (SELECT * FROM runs WHERE repo_id = r.id
               AND branch = r.default_branch ORDER BY number DESC LIMIT 20) x
           ORDER BY r.name, x.number DESC"#
    )
    .fetch_all(db.pool())
    .await
}

/// Newest first.
pub(crate) async fn list(
    db: &Db,
    repo: Uuid,
    filter: &RunFilter,
) -> Result<Vec<RunRow>, sqlx::Error> {
    let Some(after) = filter.after else { return newest(db, repo, filter).await };
    // From the other end, so that the index gives the page next to `after`.
    let mut rows = sqlx::query_as!(
        RunRow,
        r#"SELECT runs.id, repos.name AS repo, number, state, subject, branch, commit_sha, actor,
                  event, reason, '[]'::jsonb AS "diagnostics!", runs.created_at, started_at,
                  finished_at
           FROM runs JOIN repos ON repos.id = runs.repo_id
           WHERE repo_id = $1 AND ($2::text IS NULL OR branch = $2)
             AND ($3::text IS NULL OR state = $3) AND number > $4
           ORDER BY number LIMIT $5"#,
        repo,
        filter.branch,
        filter.state,
        after,
        filter.limit
    )
    .fetch_all(db.pool())
    .await?;
    rows.reverse();
    Ok(rows)
}

async fn newest(db: &Db, repo: Uuid, filter: &RunFilter) -> Result<Vec<RunRow>, sqlx::Error> {
    sqlx::query_as!(
        RunRow,
        r#"SELECT runs.id, repos.name AS repo, number, state, subject, branch, commit_sha, actor,
                  event, reason, '[]'::jsonb AS "diagnostics!", runs.created_at, started_at,
                  finished_at
           FROM runs JOIN repos ON repos.id = runs.repo_id
           WHERE repo_id = $1 AND ($2::text IS NULL OR branch = $2)
             AND ($3::text IS NULL OR state = $3) AND ($4::int IS NULL OR number < $4)
           ORDER BY number DESC LIMIT $5"#,
        repo,
        filter.branch,
        filter.state,
        filter.before,
        filter.limit
    )
    .fetch_all(db.pool())
    .await
}

pub(crate) async fn run(db: &Db, repo: &str, number: i32) -> Result<Option<RunRow>, sqlx::Error> {
    sqlx::query_as!(
        RunRow,
        "SELECT runs.id, repos.name AS repo, number, state, subject, branch, commit_sha, actor,
                event, reason, diagnostics, runs.created_at, started_at, finished_at
         FROM runs JOIN repos ON repos.id = runs.repo_id
         WHERE repos.name = $1 AND number = $2",
        repo,
        number
    )
    .fetch_optional(db.pool())
    .await
}

/// Changes whenever something that a run's page shows changes, except logs.
pub(crate) async fn fingerprint(db: &Db, id: RunId) -> Result<String, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT concat_ws('/', runs.state,
             (SELECT string_agg(state || attempt, ',' ORDER BY number) FROM jobs
              WHERE run_id = runs.id),
             (SELECT string_agg(state || jsonb_array_length(hops), ',' ORDER BY id)
              FROM deployments WHERE run_id = runs.id),
             (SELECT sum(events)::text FROM attempts WHERE run_id = runs.id)) AS "print!"
           FROM runs WHERE id = $1"#,
        id.as_uuid()
    )
    .fetch_one(db.pool())
    .await
}

/// What stands around a run.
#[derive(Debug)]
pub(crate) struct Around {
    /// There is a run after it in its repo.
    pub(crate) newer: bool,
    /// The number of the run that it repeats.
    pub(crate) origin: Option<i32>,
}

pub(crate) async fn around(db: &Db, run: Uuid) -> Result<Around, sqlx::Error> {
    sqlx::query_as!(
        Around,
        r#"SELECT EXISTS (SELECT 1 FROM runs n WHERE n.repo_id = r.repo_id
                          AND n.number = r.number + 1) AS "newer!",
                  o.number AS "origin?"
           FROM runs r LEFT JOIN runs o ON o.id = r.rerun_of WHERE r.id = $1"#,
        run
    )
    .fetch_one(db.pool())
    .await
}

/// A secret, without its value.
#[derive(Debug)]
pub(crate) struct SecretRow {
    pub(crate) name: String,
    pub(crate) updated_at: DateTime<Utc>,
}

pub(crate) async fn secrets(db: &Db, repo: Uuid) -> Result<Vec<SecretRow>, sqlx::Error> {
    sqlx::query_as!(
        SecretRow,
        "SELECT name, updated_at FROM secrets WHERE repo_id = $1 ORDER BY name",
        repo
    )
    .fetch_all(db.pool())
    .await
}
