//! The order of an environment's deployments: who is asked for, who gives way, who comes back.

use slipway_pipelines::ids::{AttemptId, DeploymentId, EnvironmentId, Id, JobId, RepoId, RunId};
use slipway_pipelines::names::{CommitSha, EnvironmentName};
use slipway_pipelines::wire::{Carried, Version};
use uuid::Uuid;

use super::deployments::Deployment;
use super::{Db, Tx};
use crate::error::FlowError;

/// The run number and state of whoever is before this deployment: FIFO, one at a time. Who waits
/// for an approval is in nobody's way.
pub(crate) async fn before(
    tx: &mut Tx,
    deployment: &Deployment,
) -> Result<Option<(i32, String)>, FlowError> {
    let row = sqlx::query!(
        "SELECT r.number, d.state FROM deployments d JOIN runs r ON r.id = d.run_id
         WHERE d.environment_id = $1 AND d.id <> $2
           AND (d.state IN ('approved', 'running', 'verifying', 'unknown')
                OR (d.state = 'waiting' AND d.id < $2
                    AND (NOT d.needs_approval OR d.approved_by IS NOT NULL)))
         ORDER BY (d.state = 'waiting'), d.id LIMIT 1",
        deployment.environment.as_uuid(),
        deployment.id.as_uuid()
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(|row| (row.number, row.state)))
}

/// It runs without its job from now on, with this.
pub(crate) async fn carry(
    tx: &mut Tx,
    id: DeploymentId,
    carried: &Carried,
) -> Result<(), FlowError> {
    let carried = serde_json::to_value(carried)?;
    sqlx::query!("UPDATE deployments SET carried = $2 WHERE id = $1", id.as_uuid(), carried)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Somebody agrees to it.
pub(crate) async fn approve(tx: &mut Tx, id: DeploymentId, actor: &str) -> Result<(), FlowError> {
    sqlx::query!(
        "UPDATE deployments SET approved_by = $2, approved_at = now() WHERE id = $1",
        id.as_uuid(),
        actor
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Those that wait in this environment and were asked for before.
pub(crate) async fn waiting_before(
    tx: &mut Tx,
    environment: EnvironmentId,
    id: DeploymentId,
) -> Result<Vec<DeploymentId>, FlowError> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM deployments WHERE environment_id = $1 AND state = 'waiting' AND id < $2
         ORDER BY id",
        environment.as_uuid(),
        id.as_uuid()
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(ids.into_iter().map(DeploymentId::from).collect())
}

/// Those that wait, by the same entry of the same job, of its earlier attempts.
pub(crate) async fn waiting_of_earlier(
    tx: &mut Tx,
    (job, index): (JobId, i32),
    attempt: AttemptId,
) -> Result<Vec<DeploymentId>, FlowError> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM deployments WHERE job_id = $1 AND deploy_index = $2 AND attempt_id <> $3
           AND state = 'waiting' AND rollback_to IS NULL ORDER BY id",
        job.as_uuid(),
        index,
        attempt.as_uuid()
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(ids.into_iter().map(DeploymentId::from).collect())
}

/// Those that run without a job and whose turn may have come.
pub(crate) async fn to_start(db: &Db) -> Result<Vec<DeploymentId>, FlowError> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM deployments d
         WHERE state = 'waiting' AND (carried IS NOT NULL OR rollback_to IS NOT NULL)
           AND (NOT needs_approval OR approved_by IS NOT NULL)
           AND NOT EXISTS (SELECT FROM deployments a WHERE a.environment_id = d.environment_id
                           AND a.state IN ('approved', 'running', 'verifying', 'unknown'))
         ORDER BY id LIMIT 100"
    )
    .fetch_all(db.pool())
    .await?;
    Ok(ids.into_iter().map(DeploymentId::from).collect())
}

/// Those of a run, or of one job of it, that no worker has begun: they wait, or are queued.
pub(crate) async fn not_begun(
    tx: &mut Tx,
    run: RunId,
    job: Option<JobId>,
) -> Result<Vec<DeploymentId>, FlowError> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM deployments d
         WHERE run_id = $1 AND ($2::uuid IS NULL OR job_id = $2) AND rollback_to IS NULL
           AND (state = 'waiting' OR state = 'approved' AND EXISTS (
                SELECT FROM assignments a WHERE a.deployment_id = d.id AND a.kind = 'deploy'
                  AND a.state = 'queued'))
         ORDER BY id",
        run.as_uuid(),
        job.map(Id::as_uuid)
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(ids.into_iter().map(DeploymentId::from).collect())
}

/// The version of this commit that was verified in that environment last.
pub(crate) async fn verified(
    tx: &mut Tx,
    repo: RepoId,
    environment: &EnvironmentName,
    commit: &CommitSha,
) -> Result<Option<Version>, FlowError> {
    let version = sqlx::query_scalar!(
        "SELECT d.version FROM deployments d JOIN environments e ON e.id = d.environment_id
         WHERE e.repo_id = $1 AND e.name = $2 AND d.state = 'live' AND d.version->>'commit' = $3
         ORDER BY d.id DESC LIMIT 1",
        repo.as_uuid(),
        environment.as_str(),
        commit.as_str()
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(version.map(serde_json::from_value).transpose()?)
}

/// The deployments of this environment that were verified, the newest first.
pub(crate) async fn live_once(
    tx: &mut Tx,
    environment: EnvironmentId,
    run: Option<i32>,
) -> Result<Vec<(DeploymentId, Version, i32)>, FlowError> {
    let rows = sqlx::query!(
        "SELECT d.id, d.version, r.number FROM deployments d JOIN runs r ON r.id = d.run_id
         WHERE d.environment_id = $1 AND d.state = 'live' AND ($2::integer IS NULL OR r.number = $2)
         ORDER BY d.id DESC LIMIT 100",
        environment.as_uuid(),
        run
    )
    .fetch_all(&mut **tx)
    .await?;
    let decoded = rows.into_iter().map(|row| {
        let version = serde_json::from_value(row.version)?;
        Ok((row.id.into(), version, row.number))
    });
    decoded.collect()
}

/// Did the last deployment that began leave the target in doubt?
pub(crate) async fn last_failed(
    tx: &mut Tx,
    environment: EnvironmentId,
) -> Result<bool, FlowError> {
    let state = sqlx::query_scalar!(
        "SELECT state FROM deployments WHERE environment_id = $1 AND started_at IS NOT NULL
           AND finished_at IS NOT NULL ORDER BY finished_at DESC, id DESC LIMIT 1",
        environment.as_uuid()
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(state.as_deref() == Some("failed"))
}

/// A new deployment that brings back what an earlier one brought.
pub(crate) async fn bring_back(
    tx: &mut Tx,
    to: DeploymentId,
    (why, actor): (&str, &str),
) -> Result<DeploymentId, FlowError> {
    let id = Uuid::now_v7();
    // No attempt asked for it: the id is nobody's.
    sqlx::query!(
        "INSERT INTO deployments (id, environment_id, run_id, job_id, attempt_id, deploy_index,
                                  plan, version, rendered, actor, why, rollback_to, state)
         SELECT $1, environment_id, run_id, job_id, $2, deploy_index, plan, version, rendered,
                $3, $4, id, 'waiting'
         FROM deployments WHERE id = $5",
        id,
        Uuid::now_v7(),
        actor,
        why,
        to.as_uuid()
    )
    .execute(&mut **tx)
    .await?;
    Ok(id.into())
}
