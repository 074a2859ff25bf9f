//! What the REST interface shows of environments and deployments.

use slipway_pipelines::ids::{DeploymentId, EnvironmentId, Id, RepoId, RunId};
use slipway_pipelines::wire::api::{Deployment, Environment, EnvironmentRules, Hop};
use slipway_pipelines::wire::{Evidence, Finding, Version};
use sqlx::types::Json;
use uuid::Uuid;

use super::Db;
use crate::error::FlowError;

pub(crate) async fn environments(db: &Db, repo: RepoId) -> Result<Vec<Environment>, FlowError> {
    let environments = sqlx::query!(
        r#"SELECT e.id, e.name, e.url, d.version AS "live?: Json<Version>",
                  d.finished_at AS live_since, e.approval, e.branches, e.newest_wins, e.ambient,
                  e.writers_approve
         FROM environments e LEFT JOIN deployments d ON d.id = e.live_deployment
         WHERE e.repo_id = $1 ORDER BY e.name"#,
        repo.as_uuid()
    )
    .map(|row| Environment {
        id: row.id.into(),
        name: row.name,
        url: row.url,
        live: row.live.map(|version| version.0),
        live_since: row.live_since,
        rules: EnvironmentRules {
            approval: row.approval,
            branches: row.branches,
            newest_wins: row.newest_wins,
            ambient: row.ambient,
            writers_approve: row.writers_approve,
        },
    })
    .fetch_all(db.pool())
    .await?;
    Ok(environments)
}

pub(crate) async fn deployments_of_run(db: &Db, run: RunId) -> Result<Vec<Deployment>, FlowError> {
    deployments(db, Some(run.as_uuid()), None, None).await
}

pub(crate) async fn deployments_of_environment(
    db: &Db,
    environment: EnvironmentId,
) -> Result<Vec<Deployment>, FlowError> {
    deployments(db, None, Some(environment.as_uuid()), None).await
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
    let deployments = sqlx::query!(
        r#"SELECT d.id, e.name AS environment, r.number AS run, j.number AS job,
                d.version AS "version: Json<Version>", d.previous AS "previous: Json<Version>",
                d.actor, d.why, d.needs_approval, d.approved_by, d.approved_at,
                d.carried IS NOT NULL OR d.rollback_to IS NOT NULL AS "deferred!", d.state, d.reason, d.url, d.hops AS "hops: Json<Vec<Hop>>",
                d.evidence AS "evidence: Json<Vec<Evidence>>",
                d.findings AS "findings: Json<Vec<Finding>>", d.created_at, d.started_at,
                d.finished_at
         FROM deployments d JOIN environments e ON e.id = d.environment_id
              JOIN runs r ON r.id = d.run_id JOIN jobs j ON j.id = d.job_id
         WHERE d.run_id = $1 OR d.environment_id = $2 OR d.id = $3
         ORDER BY d.created_at DESC LIMIT 100"#,
        run,
        environment,
        one
    )
    .map(|row| Deployment {
        id: row.id.into(),
        environment: row.environment,
        run: row.run,
        job: row.job,
        compare: compare(row.previous.as_deref(), &row.version),
        version: row.version.0,
        previous: row.previous.map(|version| version.0),
        actor: row.actor,
        why: row.why,
        needs_approval: row.needs_approval,
        approved_by: row.approved_by,
        approved_at: row.approved_at,
        deferred: row.deferred,
        state: row.state,
        reason: row.reason,
        url: row.url,
        hops: row.hops.0,
        evidence: row.evidence.0,
        findings: row.findings.0,
        created_at: row.created_at,
        started_at: row.started_at,
        finished_at: row.finished_at,
    })
    .fetch_all(db.pool())
    .await?;
    Ok(deployments)
}

/// The commits between, as git and forges write them; none where both are the same.
fn compare(previous: Option<&Version>, version: &Version) -> Option<String> {
    let before = previous.map(|previous| &previous.commit)?;
    (*before != version.commit).then(|| format!("{before}...{}", version.commit))
}
