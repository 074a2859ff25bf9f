//! Deployments and their environments.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use slipway_pipelines::ids::{AttemptId, DeploymentId, EnvironmentId, Id, JobId, RunId};
use slipway_pipelines::lifecycle::DeploymentState;
use slipway_pipelines::plan::DeployPlan;
use slipway_pipelines::wire::{Carried, Evidence, Finding, Version};

use super::Tx;
use super::environments::Live;
use crate::error::FlowError;

pub(crate) struct Deployment {
    pub(crate) id: DeploymentId,
    pub(crate) environment: EnvironmentId,
    pub(crate) run: RunId,
    pub(crate) job: JobId,
    pub(crate) attempt: AttemptId,
    pub(crate) plan: DeployPlan,
    pub(crate) version: Version,
    pub(crate) previous: Option<Version>,
    pub(crate) previous_rendered: Option<String>,
    pub(crate) rendered: Option<String>,
    pub(crate) state: DeploymentState,
    pub(crate) approval: Approval,
    /// What it takes of its job; there: it runs without it.
    pub(crate) carried: Option<Carried>,
    /// The version that it is to bring, where it does not bring what its job built.
    pub(crate) promoted: Option<Version>,
    /// The deployment whose version comes back.
    pub(crate) rollback_to: Option<DeploymentId>,
    pub(crate) created_at: DateTime<Utc>,
}

/// Whether somebody has to agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Approval {
    /// Nobody has to.
    Free,
    /// Nobody has yet.
    Missing,
    /// Somebody has.
    Given,
}

struct Row {
    id: uuid::Uuid,
    environment_id: uuid::Uuid,
    run_id: uuid::Uuid,
    job_id: uuid::Uuid,
    attempt_id: uuid::Uuid,
    plan: Value,
    version: Value,
    previous: Option<Value>,
    previous_rendered: Option<String>,
    rendered: Option<String>,
    state: String,
    reason: Option<String>,
    needs_approval: bool,
    approved_by: Option<String>,
    carried: Option<Value>,
    promoted: Option<Value>,
    rollback_to: Option<uuid::Uuid>,
    created_at: DateTime<Utc>,
}

impl Row {
    fn decode(self) -> Result<Deployment, FlowError> {
        Ok(Deployment {
            id: self.id.into(),
            environment: self.environment_id.into(),
            run: self.run_id.into(),
            job: self.job_id.into(),
            attempt: self.attempt_id.into(),
            plan: serde_json::from_value(self.plan)?,
            version: serde_json::from_value(self.version)?,
            previous: self.previous.map(serde_json::from_value).transpose()?,
            previous_rendered: self.previous_rendered,
            rendered: self.rendered,
            state: decode(&self.state, self.reason)?,
            approval: match (self.needs_approval, self.approved_by) {
                (false, _) => Approval::Free,
                (true, None) => Approval::Missing,
                (true, Some(_)) => Approval::Given,
            },
            carried: self.carried.map(serde_json::from_value).transpose()?,
            promoted: self.promoted.map(serde_json::from_value).transpose()?,
            rollback_to: self.rollback_to.map(DeploymentId::from),
            created_at: self.created_at,
        })
    }
}

fn decode(word: &str, reason: Option<String>) -> Result<DeploymentState, FlowError> {
    let reason = reason.unwrap_or_default();
    Ok(match word {
        "waiting" => DeploymentState::Waiting,
        "approved" => DeploymentState::Approved,
        "running" => DeploymentState::Running,
        "verifying" => DeploymentState::Verifying,
        "live" => DeploymentState::Live,
        "failed" => DeploymentState::Failed { reason },
        "rolled_back" => DeploymentState::RolledBack { reason },
        "unknown" => DeploymentState::Unknown { reason },
        "superseded" => DeploymentState::Superseded { reason },
        other => return Err(anyhow::anyhow!("a deployment can not be {other:?}").into()),
    })
}

/// What a new deployment is made of.
pub(crate) struct NewDeployment<'a> {
    pub(crate) environment: EnvironmentId,
    pub(crate) run: RunId,
    pub(crate) job: JobId,
    pub(crate) attempt: AttemptId,
    pub(crate) index: i32,
    pub(crate) plan: &'a DeployPlan,
    pub(crate) version: &'a Version,
    pub(crate) promoted: Option<&'a Version>,
    pub(crate) needs_approval: bool,
    pub(crate) actor: &'a str,
}

pub(crate) async fn create(tx: &mut Tx, new: &NewDeployment<'_>) -> Result<(), FlowError> {
    sqlx::query!(
        "INSERT INTO deployments (id, environment_id, run_id, job_id, attempt_id, deploy_index,
                                  plan, version, actor, needs_approval, promoted, state)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'waiting') ON CONFLICT DO NOTHING",
        uuid::Uuid::now_v7(),
        new.environment.as_uuid(),
        new.run.as_uuid(),
        new.job.as_uuid(),
        new.attempt.as_uuid(),
        new.index,
        serde_json::to_value(new.plan)?,
        serde_json::to_value(new.version)?,
        new.actor,
        new.needs_approval,
        new.promoted.map(serde_json::to_value).transpose()?
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(crate) async fn asked_by(
    tx: &mut Tx,
    attempt: AttemptId,
    index: i32,
) -> Result<Deployment, FlowError> {
    sqlx::query_as!(
        Row,
        "SELECT id, environment_id, run_id, job_id, attempt_id, plan, version, previous,
                previous_rendered, rendered, state, reason, needs_approval, approved_by, carried,
                promoted, rollback_to, created_at
         FROM deployments WHERE attempt_id = $1 AND deploy_index = $2 FOR NO KEY UPDATE",
        attempt.as_uuid(),
        index
    )
    .fetch_one(&mut **tx)
    .await?
    .decode()
}

pub(crate) async fn lock(tx: &mut Tx, id: DeploymentId) -> Result<Deployment, FlowError> {
    sqlx::query_as!(
        Row,
        "SELECT id, environment_id, run_id, job_id, attempt_id, plan, version, previous,
                previous_rendered, rendered, state, reason, needs_approval, approved_by, carried,
                promoted, rollback_to, created_at
         FROM deployments WHERE id = $1 FOR NO KEY UPDATE",
        id.as_uuid()
    )
    .fetch_optional(&mut **tx)
    .await?
    .ok_or(FlowError::NotFound)?
    .decode()
}

/// The attempt's deployments that are not over, but those that run without it.
pub(crate) async fn open_of(tx: &mut Tx, attempt: AttemptId) -> Result<Vec<Deployment>, FlowError> {
    sqlx::query_as!(
        Row,
        "SELECT id, environment_id, run_id, job_id, attempt_id, plan, version, previous,
                previous_rendered, rendered, state, reason, needs_approval, approved_by, carried,
                promoted, rollback_to, created_at
         FROM deployments WHERE attempt_id = $1 AND finished_at IS NULL AND state <> 'unknown'
           AND carried IS NULL
         ORDER BY id FOR NO KEY UPDATE",
        attempt.as_uuid()
    )
    .fetch_all(&mut **tx)
    .await?
    .into_iter()
    .map(Row::decode)
    .collect()
}

/// Stores a change that `lifecycle` allowed; going live makes it the environment's version.
pub(crate) async fn change(
    tx: &mut Tx,
    deployment: &Deployment,
    to: &DeploymentState,
) -> Result<(), FlowError> {
    let rows = sqlx::query!(
        "UPDATE deployments SET state = $3, reason = $4,
             started_at = CASE WHEN $3 = 'running' THEN coalesce(started_at, now())
                               ELSE started_at END,
             finished_at = CASE WHEN $5 THEN now() END
         WHERE id = $1 AND state = $2",
        deployment.id.as_uuid(),
        deployment.state.word(),
        to.word(),
        to.reason(),
        to.is_terminal()
    )
    .execute(&mut **tx)
    .await?
    .rows_affected();
    super::exactly_one(rows, "deployment")?;
    if *to == DeploymentState::Live {
        sqlx::query!(
            "UPDATE environments SET live_deployment = $2,
                 url = coalesce((SELECT url FROM deployments WHERE id = $2), url)
             WHERE id = $1",
            deployment.environment.as_uuid(),
            deployment.id.as_uuid()
        )
        .execute(&mut **tx)
        .await?;
    }
    super::notify(tx, "slipway_run", &deployment.run.to_string()).await?;
    Ok(())
}

/// What was live when the deployment was let in.
pub(crate) async fn set_previous(
    tx: &mut Tx,
    id: DeploymentId,
    live: &Live,
) -> Result<(), FlowError> {
    let previous = live.version.as_ref().map(serde_json::to_value).transpose()?;
    sqlx::query!(
        "UPDATE deployments SET previous = $2, previous_rendered = $3 WHERE id = $1",
        id.as_uuid(),
        previous,
        live.rendered
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What is applied, complete.
pub(crate) async fn set_rendered(
    tx: &mut Tx,
    id: DeploymentId,
    manifests: &str,
) -> Result<(), FlowError> {
    sqlx::query!("UPDATE deployments SET rendered = $2 WHERE id = $1", id.as_uuid(), manifests)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// What the explainer sees now.
pub(crate) async fn set_findings(
    tx: &mut Tx,
    id: DeploymentId,
    findings: &[Finding],
) -> Result<(), FlowError> {
    let findings = serde_json::to_value(findings)?;
    sqlx::query!("UPDATE deployments SET findings = $2 WHERE id = $1", id.as_uuid(), findings)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(crate) async fn add_hop(
    tx: &mut Tx,
    id: DeploymentId,
    name: &str,
    detail: &str,
    at: DateTime<Utc>,
) -> Result<(), FlowError> {
    let hop = json!([{ "name": name, "detail": detail, "at": at }]);
    sqlx::query!("UPDATE deployments SET hops = hops || $2 WHERE id = $1", id.as_uuid(), hop)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(crate) async fn add_evidence(
    tx: &mut Tx,
    id: DeploymentId,
    evidence: &[Evidence],
) -> Result<(), FlowError> {
    let evidence = serde_json::to_value(evidence)?;
    sqlx::query!(
        "UPDATE deployments SET evidence = evidence || $2 WHERE id = $1",
        id.as_uuid(),
        evidence
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(crate) async fn set_version(
    tx: &mut Tx,
    id: DeploymentId,
    version: &Version,
    url: Option<&str>,
) -> Result<(), FlowError> {
    sqlx::query!(
        "UPDATE deployments SET version = $2, url = coalesce($3, url) WHERE id = $1",
        id.as_uuid(),
        serde_json::to_value(version)?,
        url
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
