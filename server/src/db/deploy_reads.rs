//! What the REST interface shows of environments and deployments.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use slipway_pipelines::ids::{DeploymentId, Id, RepoId, RunId};
use uuid::Uuid;

use super::Db;
use crate::error::FlowError;

type Time = DateTime<Utc>;

#[derive(Debug, Serialize)]
pub(crate) struct Environment {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) url: Option<String>,
    /// `wire::Version` of what is live.
    pub(crate) live: Option<Value>,
    pub(crate) live_since: Option<Time>,
}

pub(crate) async fn environments(db: &Db, repo: RepoId) -> Result<Vec<Environment>, FlowError> {
    let environments = sqlx::query_as!(
        Environment,
        r#"SELECT e.id, e.name, e.url, d.version AS "live?", d.finished_at AS live_since
         FROM environments e LEFT JOIN deployments d ON d.id = e.live_deployment
         WHERE e.repo_id = $1 ORDER BY e.name"#,
        repo.as_uuid()
    )
    .fetch_all(db.pool())
    .await?;
    Ok(environments)
}

#[derive(Debug, Serialize)]
pub(crate) struct Deployment {
    pub(crate) id: Uuid,
    pub(crate) environment: String,
    pub(crate) run: i32,
    pub(crate) job: i32,
    pub(crate) version: Value,
    pub(crate) previous: Option<Value>,
    pub(crate) actor: String,
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) hops: Value,
    pub(crate) evidence: Value,
    pub(crate) created_at: Time,
    pub(crate) started_at: Option<Time>,
    pub(crate) finished_at: Option<Time>,
}

pub(crate) async fn deployments_of_run(db: &Db, run: RunId) -> Result<Vec<Deployment>, FlowError> {
    deployments(db, Some(run.as_uuid()), None, None).await
}

pub(crate) async fn deployments_of_environment(
    db: &Db,
    environment: Uuid,
) -> Result<Vec<Deployment>, FlowError> {
    deployments(db, None, Some(environment), None).await
}

/// One, if it is of this repo.
pub(crate) async fn deployment(
    db: &Db,
    repo: RepoId,
    id: DeploymentId,
) -> Result<Option<Deployment>, FlowError> {
    let owner = sqlx::query_scalar!(
        "SELECT e.repo_id FROM deployments d JOIN environments e ON e.id = d.environment_id
         WHERE d.id = $1",
        id.as_uuid()
    )
    .fetch_optional(db.pool())
    .await?;
    if owner != Some(repo.as_uuid()) {
        return Ok(None);
    }
    Ok(deployments(db, None, None, Some(id.as_uuid())).await?.pop())
}

async fn deployments(
    db: &Db,
    run: Option<Uuid>,
    environment: Option<Uuid>,
    one: Option<Uuid>,
) -> Result<Vec<Deployment>, FlowError> {
    let deployments = sqlx::query_as!(
        Deployment,
        "SELECT d.id, e.name AS environment, r.number AS run, j.number AS job, d.version,
                d.previous, d.actor, d.state, d.reason, d.url, d.hops, d.evidence, d.created_at,
                d.started_at, d.finished_at
         FROM deployments d JOIN environments e ON e.id = d.environment_id
              JOIN runs r ON r.id = d.run_id JOIN jobs j ON j.id = d.job_id
         WHERE d.run_id = $1 OR d.environment_id = $2 OR d.id = $3
         ORDER BY d.created_at DESC LIMIT 100",
        run,
        environment,
        one
    )
    .fetch_all(db.pool())
    .await?;
    Ok(deployments)
}
