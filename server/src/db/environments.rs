//! Environments: what is live there, and who may deploy how.

use slipway_pipelines::ids::{DeploymentId, EnvironmentId, Id, RepoId};
use slipway_pipelines::names::EnvironmentName;
use slipway_pipelines::wire::Version;
use slipway_pipelines::wire::api::{ChangeRules, EnvironmentRules};

use super::Tx;
use crate::error::FlowError;

/// An environment, locked.
pub(crate) struct Environment {
    pub(crate) id: EnvironmentId,
    pub(crate) name: String,
    pub(crate) live: Live,
    pub(crate) rules: EnvironmentRules,
}

/// What an environment runs.
#[derive(Default)]
pub(crate) struct Live {
    pub(crate) deployment: Option<DeploymentId>,
    pub(crate) version: Option<Version>,
    /// What was applied for it.
    pub(crate) rendered: Option<String>,
}

/// Makes it if need be.
pub(crate) async fn ensure(
    tx: &mut Tx,
    repo: RepoId,
    name: &EnvironmentName,
) -> Result<(), FlowError> {
    sqlx::query!(
        "INSERT INTO environments (id, repo_id, name) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        uuid::Uuid::now_v7(),
        repo.as_uuid(),
        name.as_str()
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The environment of this name, locked: grants of it queue here.
pub(crate) async fn lock(tx: &mut Tx, repo: RepoId, name: &str) -> Result<Environment, FlowError> {
    let id = sqlx::query_scalar!(
        "SELECT id FROM environments WHERE repo_id = $1 AND name = $2",
        repo.as_uuid(),
        name
    )
    .fetch_optional(&mut **tx)
    .await?
    .ok_or(FlowError::NotFound)?;
    lock_by_id(tx, id.into()).await
}

/// The same by its id.
pub(crate) async fn lock_by_id(tx: &mut Tx, id: EnvironmentId) -> Result<Environment, FlowError> {
    // Two statements: the second sees what became live while the first waited.
    sqlx::query!("SELECT id FROM environments WHERE id = $1 FOR NO KEY UPDATE", id.as_uuid())
        .fetch_optional(&mut **tx)
        .await?
        .ok_or(FlowError::NotFound)?;
    let row = sqlx::query!(
        r#"SELECT e.name, e.approval, e.branches, e.newest_wins, e.ambient,
                  e.writers_approve, e.live_deployment,
                  d.version AS "version?", d.rendered
         FROM environments e LEFT JOIN deployments d ON d.id = e.live_deployment
         WHERE e.id = $1"#,
        id.as_uuid()
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(Environment {
        id,
        name: row.name,
        live: Live {
            deployment: row.live_deployment.map(DeploymentId::from),
            version: row.version.map(serde_json::from_value).transpose()?,
            rendered: row.rendered,
        },
        rules: EnvironmentRules {
            approval: row.approval,
            branches: row.branches,
            newest_wins: row.newest_wins,
            ambient: row.ambient,
            writers_approve: row.writers_approve,
        },
    })
}

/// Which environment a deployment is of.
pub(crate) async fn of_deployment(
    tx: &mut Tx,
    deployment: DeploymentId,
) -> Result<EnvironmentId, FlowError> {
    let id = sqlx::query_scalar!(
        "SELECT environment_id FROM deployments WHERE id = $1",
        deployment.as_uuid()
    )
    .fetch_optional(&mut **tx)
    .await?;
    id.map(EnvironmentId::from).ok_or(FlowError::NotFound)
}

/// What it is called, if it is of this repo.
pub(crate) async fn name_of(
    tx: &mut Tx,
    id: EnvironmentId,
    repo: RepoId,
) -> Result<String, FlowError> {
    let name = sqlx::query_scalar!(
        "SELECT name FROM environments WHERE id = $1 AND repo_id = $2",
        id.as_uuid(),
        repo.as_uuid()
    )
    .fetch_optional(&mut **tx)
    .await?;
    name.ok_or(FlowError::NotFound)
}

/// May this deployment use the worker's own identity?
pub(crate) async fn is_ambient(tx: &mut Tx, deployment: DeploymentId) -> Result<bool, FlowError> {
    let ambient = sqlx::query_scalar!(
        "SELECT e.ambient FROM environments e JOIN deployments d ON d.environment_id = e.id
         WHERE d.id = $1",
        deployment.as_uuid()
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(ambient)
}

/// May everybody who may write decide about deployments to it?
pub(crate) async fn writers_approve(tx: &mut Tx, id: EnvironmentId) -> Result<bool, FlowError> {
    let may =
        sqlx::query_scalar!("SELECT writers_approve FROM environments WHERE id = $1", id.as_uuid())
            .fetch_one(&mut **tx)
            .await?;
    Ok(may)
}

/// Other rules from now on; what is not named stays.
pub(crate) async fn change(
    tx: &mut Tx,
    id: EnvironmentId,
    rules: &ChangeRules,
) -> Result<(), FlowError> {
    sqlx::query!(
        "UPDATE environments SET approval = coalesce($2, approval),
             branches = coalesce($3, branches), newest_wins = coalesce($4, newest_wins),
             ambient = coalesce($5, ambient),
             writers_approve = coalesce($6, writers_approve) WHERE id = $1",
        id.as_uuid(),
        rules.approval,
        rules.branches.as_deref(),
        rules.newest_wins,
        rules.ambient,
        rules.writers_approve
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Does the repo deploy by a file of Travis'?
pub(crate) async fn travis_deploys(tx: &mut Tx, repo: RepoId) -> Result<bool, FlowError> {
    let on = sqlx::query_scalar!("SELECT travis_deploys FROM repos WHERE id = $1", repo.as_uuid())
        .fetch_one(&mut **tx)
        .await?;
    Ok(on)
}

/// From now on it does, or does not.
pub(crate) async fn set_travis_deploys(
    tx: &mut Tx,
    repo: RepoId,
    on: bool,
) -> Result<(), FlowError> {
    sqlx::query!("UPDATE repos SET travis_deploys = $2 WHERE id = $1", repo.as_uuid(), on)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
