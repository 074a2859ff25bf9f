//! Repos and their runs, as lists and alone.

use chrono::{DateTime, Utc};
use slipway_pipelines::ids::{Id as _, RunId};
use slipway_pipelines::language::Diagnostic;
use slipway_pipelines::plan::{Dropped, PullRequest};
use sqlx::types::Json;
use uuid::Uuid;

use crate::db::Db;

/// A repo, as pages name it.
#[derive(Debug)]
pub(crate) struct RepoRow {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    /// `git` or `github`.
    pub(crate) kind: String,
    pub(crate) clone_url: String,
    pub(crate) default_branch: String,
    pub(crate) enabled: bool,
    pub(crate) private: bool,
    pub(crate) build_pushes: bool,
    pub(crate) build_pull_requests: bool,
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
    pub(crate) pull: Option<Json<PullRequest>>,
    pub(crate) commit_sha: String,
    pub(crate) actor: String,
    pub(crate) event: String,
    pub(crate) reason: Option<String>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) started_at: Option<DateTime<Utc>>,
    pub(crate) finished_at: Option<DateTime<Utc>>,
}

/// Which runs of a repo to list.
#[derive(Debug, Default)]
pub(crate) struct RunFilter {
    /// Without the pull requests into it, unless pull requests are asked for.
    pub(crate) branch: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) event: Option<String>,
    pub(crate) actor: Option<String>,
    /// Only runs with a smaller number: the next page.
    pub(crate) before: Option<i32>,
    /// Only runs with a larger number: the page before.
    pub(crate) after: Option<i32>,
    pub(crate) limit: i64,
}

pub(crate) async fn repos(db: &Db) -> Result<Vec<RepoRow>, sqlx::Error> {
    sqlx::query_as!(
        RepoRow,
        "SELECT id, name, kind, clone_url, default_branch, enabled, private, build_pushes,
                build_pull_requests
         FROM repos ORDER BY name LIMIT 500"
    )
    .fetch_all(db.pool())
    .await
}

pub(crate) async fn repo(db: &Db, name: &str) -> Result<Option<RepoRow>, sqlx::Error> {
    sqlx::query_as!(
        RepoRow,
        "SELECT id, name, kind, clone_url, default_branch, enabled, private, build_pushes,
                build_pull_requests
         FROM repos WHERE name = $1",
        name
    )
    .fetch_optional(db.pool())
    .await
}

/// These runs, in this order.
pub(crate) async fn rows(db: &Db, ids: &[Uuid]) -> Result<Vec<RunRow>, sqlx::Error> {
    sqlx::query_as!(
        RunRow,
        r#"SELECT runs.id, repos.name AS repo, number, state, subject, branch,
                  CASE WHEN event = 'pull_request' THEN trigger -> 'event' END
                    AS "pull: Json<PullRequest>",
                  commit_sha, actor, event, reason, runs.created_at, started_at, finished_at
           FROM unnest($1::uuid[]) WITH ORDINALITY AS wanted (id, place)
           JOIN runs ON runs.id = wanted.id JOIN repos ON repos.id = runs.repo_id
           ORDER BY wanted.place"#,
        ids
    )
    .fetch_all(db.pool())
    .await
}

/// The last 20 runs of each repo's default branch, newest first within a repo.
pub(crate) async fn latest(db: &Db) -> Result<Vec<RunRow>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        r#"SELECT x.id AS "id!"
           FROM (SELECT * FROM repos ORDER BY name LIMIT 500) r
           CROSS JOIN LATERAL (SELECT id, number FROM runs WHERE repo_id = r.id
               AND branch = r.default_branch AND event IN ('push', 'api')
               ORDER BY number DESC LIMIT 20) x
           ORDER BY r.name, x.number DESC"#
    )
    .fetch_all(db.pool())
    .await?;
    rows(db, &ids).await
}

/// Newest first.
pub(crate) async fn list(
    db: &Db,
    repo: Uuid,
    filter: &RunFilter,
) -> Result<Vec<RunRow>, sqlx::Error> {
    let Some(after) = filter.after else { return newest(db, repo, filter).await };
    // From the other end, so that the index gives the page next to `after`.
    let mut ids = sqlx::query_scalar!(
        "SELECT id FROM runs WHERE repo_id = $1
             AND ($2::text IS NULL
                  OR branch = $2 AND (event <> 'pull_request' OR $4 = 'pull_request'))
             AND ($3::text IS NULL OR state = $3) AND ($4::text IS NULL OR event = $4)
             AND ($5::text IS NULL OR actor = $5) AND number > $6
         ORDER BY number LIMIT $7",
        repo,
        filter.branch,
        filter.state,
        filter.event,
        filter.actor,
        after,
        filter.limit
    )
    .fetch_all(db.pool())
    .await?;
    ids.reverse();
    rows(db, &ids).await
}

async fn newest(db: &Db, repo: Uuid, filter: &RunFilter) -> Result<Vec<RunRow>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM runs WHERE repo_id = $1
             AND ($2::text IS NULL
                  OR branch = $2 AND (event <> 'pull_request' OR $4 = 'pull_request'))
             AND ($3::text IS NULL OR state = $3) AND ($4::text IS NULL OR event = $4)
             AND ($5::text IS NULL OR actor = $5) AND ($6::int IS NULL OR number < $6)
         ORDER BY number DESC LIMIT $7",
        repo,
        filter.branch,
        filter.state,
        filter.event,
        filter.actor,
        filter.before,
        filter.limit
    )
    .fetch_all(db.pool())
    .await?;
    rows(db, &ids).await
}

pub(crate) async fn run(db: &Db, repo: &str, number: i32) -> Result<Option<RunRow>, sqlx::Error> {
    let id = sqlx::query_scalar!(
        "SELECT runs.id FROM runs JOIN repos ON repos.id = runs.repo_id
         WHERE repos.name = $1 AND number = $2",
        repo,
        number
    )
    .fetch_optional(db.pool())
    .await?;
    Ok(rows(db, id.as_slice()).await?.pop())
}

/// What only a run's own page shows of it.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) diagnostics: Json<Vec<Diagnostic>>,
    /// What the file has and the trigger did not want.
    pub(crate) dropped: Option<Json<Vec<Dropped>>>,
    /// Why GitHub has not heard of it yet, while it has not.
    pub(crate) unheard: Option<String>,
    /// When it is told again.
    pub(crate) told_again_at: Option<DateTime<Utc>>,
}

pub(crate) async fn told(db: &Db, run: Uuid) -> Result<Told, sqlx::Error> {
    sqlx::query_as!(
        Told,
        r#"SELECT diagnostics AS "diagnostics: Json<Vec<Diagnostic>>",
                  plan -> 'dropped' AS "dropped: Json<Vec<Dropped>>",
                  g.last_error AS "unheard?", g.available_at AS "told_again_at?"
           FROM runs LEFT JOIN github_reports g ON g.run_id = runs.id AND g.told < g.wanted
           WHERE runs.id = $1"#,
        run
    )
    .fetch_one(db.pool())
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
