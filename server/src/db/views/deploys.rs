//! Environments and what was brought to them.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::Db;

/// One try to bring one version to one environment.
#[derive(Debug)]
pub(crate) struct DeployRow {
    pub(crate) id: Uuid,
    pub(crate) repo: String,
    pub(crate) environment: String,
    pub(crate) run: i32,
    pub(crate) subject: String,
    pub(crate) job: i32,
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    /// `plan::DeployPlan`.
    pub(crate) plan: serde_json::Value,
    pub(crate) version: serde_json::Value,
    pub(crate) previous: Option<serde_json::Value>,
    pub(crate) actor: String,
    pub(crate) url: Option<String>,
    pub(crate) hops: serde_json::Value,
    pub(crate) evidence: serde_json::Value,
    /// `wire::Finding`s, root cause first.
    pub(crate) findings: serde_json::Value,
    /// Why there is one, unless a run deployed.
    pub(crate) why: Option<String>,
    pub(crate) needs_approval: bool,
    pub(crate) approved_by: Option<String>,
    pub(crate) approved_at: Option<DateTime<Utc>>,
    /// Where GitHub shows the repo; none: it is not there.
    pub(crate) forge: Option<String>,
    pub(crate) live: bool,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) finished_at: Option<DateTime<Utc>>,
}

/// Which deployments to list: every given part narrows.
#[derive(Debug, Default)]
pub(crate) struct DeployFilter {
    pub(crate) id: Option<Uuid>,
    pub(crate) run: Option<Uuid>,
    pub(crate) environment: Option<String>,
    pub(crate) only_live: bool,
}

/// Newest first, at most 50.
pub(crate) async fn list(
    db: &Db,
    repo: &str,
    filter: &DeployFilter,
) -> Result<Vec<DeployRow>, sqlx::Error> {
    sqlx::query_as!(
        DeployRow,
        r#"SELECT d.id, r.name AS repo, e.name AS environment, runs.number AS run, runs.subject,
                  jobs.number AS job, d.state, d.reason, d.plan, d.version, d.previous, d.actor,
                  coalesce(d.url, e.url) AS url, d.hops, d.evidence,
                  d.findings, d.why, d.needs_approval, d.approved_by, d.approved_at,
                  CASE WHEN r.kind = 'github' THEN r.clone_url END AS forge,
                  coalesce(e.live_deployment = d.id, false) AS "live!", d.created_at,
                  d.finished_at
           FROM deployments d JOIN environments e ON e.id = d.environment_id
           JOIN repos r ON r.id = e.repo_id JOIN runs ON runs.id = d.run_id
           JOIN jobs ON jobs.id = d.job_id
           WHERE r.name = $1 AND ($2::uuid IS NULL OR d.id = $2)
             AND ($3::uuid IS NULL OR d.run_id = $3) AND ($4::text IS NULL OR e.name = $4)
             AND (NOT $5 OR e.live_deployment = d.id)
           ORDER BY d.created_at DESC LIMIT 50"#,
        repo,
        filter.id,
        filter.run,
        filter.environment,
        filter.only_live
    )
    .fetch_all(db.pool())
    .await
}

/// The names of a repo's environments.
pub(crate) async fn environments(db: &Db, repo: Uuid) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!("SELECT name FROM environments WHERE repo_id = $1 ORDER BY name", repo)
        .fetch_all(db.pool())
        .await
}

/// What holds for every deploy to an environment.
pub(crate) struct Rules {
    pub(crate) approval: bool,
    pub(crate) branches: Vec<String>,
    pub(crate) newest_wins: bool,
    pub(crate) ambient: bool,
    pub(crate) writers_approve: bool,
}

/// The rules of an environment; none: there is no such environment.
pub(crate) async fn rules(db: &Db, repo: Uuid, name: &str) -> Result<Option<Rules>, sqlx::Error> {
    sqlx::query_as!(
        Rules,
        "SELECT approval, branches, newest_wins, ambient, writers_approve
         FROM environments
         WHERE repo_id = $1 AND name = $2",
        repo,
        name
    )
    .fetch_optional(db.pool())
    .await
}
