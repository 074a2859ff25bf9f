//! Deployments: who may, one at a time, and what became of it.

mod approve;
mod grant;
mod rollback;
mod start;
mod stop;

use chrono::{DateTime, Utc};
use slipway_pipelines::ids::{AttemptId, DeploymentId};
use slipway_pipelines::lifecycle::{DeploymentEvent, DeploymentState};
use slipway_pipelines::names::RepoName;
use slipway_pipelines::wire::DeployProgress;

use super::FlowError;
use crate::db::assignments::{self, Kind};
use crate::db::attempts::Current;
use crate::db::deployments::{self, Approval, Deployment};
use crate::db::{Tx, deploy_queue};

pub use approve::{By, approve, reject};
pub use grant::grant;
pub use rollback::rollback;
pub(crate) use start::tick;
pub(crate) use stop::stop;

/// What a deployment still waits for, as people are told; none: its turn has come.
async fn waits_for(
    tx: &mut Tx,
    deployment: &Deployment,
    (repo, environment): (&RepoName, &str),
) -> Result<Option<String>, FlowError> {
    if deployment.approval == Approval::Missing {
        let id = deployment.id;
        return Ok(Some(format!("it waits for an approval: slipway deploy approve {repo} {id}")));
    }
    let before = deploy_queue::before(tx, deployment).await?;
    Ok(before.map(|(number, state)| {
        format!("the deployment of run {number} to {environment} is {state}")
    }))
}

async fn change(
    tx: &mut Tx,
    deployment: &mut Deployment,
    event: DeploymentEvent,
) -> Result<(), FlowError> {
    let next = deployment.state.apply(event)?;
    deployments::change(tx, deployment, &next).await?;
    deployment.state = next;
    Ok(())
}

/// Takes in what a worker says about a deployment of its attempt.
pub(crate) async fn progress(
    tx: &mut Tx,
    current: &Current,
    id: DeploymentId,
    progress: DeployProgress,
    at: DateTime<Utc>,
) -> Result<(), FlowError> {
    let mut deployment = deployments::lock(tx, id).await?;
    let its_own = match current.assignment.kind {
        Kind::Plan => false,
        Kind::Job(_) => deployment.attempt == current.id,
        Kind::Deploy { deployment, .. } | Kind::Verify { deployment, .. } => deployment == id,
    };
    if !its_own {
        return Err(FlowError::NotFound);
    }
    if deployment.state.is_terminal() {
        let state = deployment.state.word();
        tracing::warn!(deployment = %id, state, "a deployment that is over was reported about");
        return Ok(());
    }
    if deployment.state == DeploymentState::Approved {
        change(tx, &mut deployment, DeploymentEvent::Start).await?;
    }
    match progress {
        DeployProgress::Hop { name, detail } => {
            deployments::add_hop(tx, id, &name, &detail, at).await
        }
        DeployProgress::Rendered { manifests } => {
            deployments::set_rendered(tx, id, &manifests).await
        }
        DeployProgress::Findings { findings } => deployments::set_findings(tx, id, &findings).await,
        DeployProgress::Applied { version, url } => {
            deployments::set_version(tx, id, &version, url.as_deref()).await?;
            applied(tx, &mut deployment).await
        }
        DeployProgress::Live { version, url } => {
            deployments::set_version(tx, id, &version, url.as_deref()).await?;
            applied(tx, &mut deployment).await?;
            change(tx, &mut deployment, DeploymentEvent::Verified).await
        }
        DeployProgress::Failed { reason, evidence } => {
            deployments::add_evidence(tx, id, &evidence).await?;
            change(tx, &mut deployment, DeploymentEvent::Fail { reason }).await
        }
        DeployProgress::RolledBack { reason, serving, evidence } => {
            deployments::add_evidence(tx, id, &evidence).await?;
            let serving = serving.digest.unwrap_or_else(|| serving.commit.to_string());
            deployments::add_hop(tx, id, "rolled_back", &format!("serving {serving}"), at).await?;
            change(tx, &mut deployment, DeploymentEvent::RollBack { reason }).await
        }
    }
}

/// A target may take a change and say so once only, at the end.
async fn applied(tx: &mut Tx, deployment: &mut Deployment) -> Result<(), FlowError> {
    if deployment.state == DeploymentState::Running {
        change(tx, deployment, DeploymentEvent::Applied).await?;
    }
    Ok(())
}

/// The attempt is over: its open deployments end, or become unknown and are looked at. Answers
/// whether there was one that had begun to change its target.
pub(crate) async fn settle(
    tx: &mut Tx,
    attempt: AttemptId,
    reason: &str,
) -> Result<bool, FlowError> {
    let mut begun = false;
    for mut deployment in deployments::open_of(tx, attempt).await? {
        let reason = reason.to_owned();
        match deployment.state {
            // A grant went out: the worker may have begun before its first word arrived.
            DeploymentState::Approved | DeploymentState::Running | DeploymentState::Verifying => {
                begun = true;
                look(tx, &mut deployment, reason).await?;
            }
            DeploymentState::Waiting => {
                change(tx, &mut deployment, DeploymentEvent::Fail { reason }).await?;
            }
            DeploymentState::Live
            | DeploymentState::Failed { .. }
            | DeploymentState::RolledBack { .. }
            | DeploymentState::Unknown { .. }
            | DeploymentState::Superseded { .. } => {}
        }
    }
    Ok(begun)
}

/// Its worker may have begun: what is true at the target is looked at.
async fn look(tx: &mut Tx, deployment: &mut Deployment, reason: String) -> Result<(), FlowError> {
    if deployment.state == DeploymentState::Approved {
        change(tx, deployment, DeploymentEvent::Start).await?;
    }
    change(tx, deployment, DeploymentEvent::Lose { reason }).await?;
    let kind = Kind::Verify { deployment: deployment.id, job: deployment.job };
    assignments::create(tx, deployment.run, kind).await
}

/// The worker of a deployment without a job was lost: it is looked at, never tried again blindly.
pub(crate) async fn lose(tx: &mut Tx, id: DeploymentId, reason: &str) -> Result<(), FlowError> {
    let mut deployment = deployments::lock(tx, id).await?;
    if deployment.state.is_terminal() {
        return Ok(());
    }
    look(tx, &mut deployment, reason.to_owned()).await
}

/// The worker of a deployment without a job ended. What it said nothing of it did not begin; what
/// it began and did not end is looked at.
pub(crate) async fn end(tx: &mut Tx, id: DeploymentId, reason: &str) -> Result<(), FlowError> {
    let mut deployment = deployments::lock(tx, id).await?;
    if deployment.state.is_terminal() {
        return Ok(());
    }
    if deployment.state == DeploymentState::Approved {
        let reason = reason.trim_end_matches('.').to_owned();
        return change(tx, &mut deployment, DeploymentEvent::Fail { reason }).await;
    }
    look(tx, &mut deployment, reason.to_owned()).await
}

/// Somebody has to be told that it failed before it began.
pub(crate) async fn fail(tx: &mut Tx, id: DeploymentId, reason: &str) -> Result<(), FlowError> {
    let mut deployment = deployments::lock(tx, id).await?;
    if deployment.state.is_terminal() {
        return Ok(());
    }
    change(tx, &mut deployment, DeploymentEvent::Fail { reason: reason.to_owned() }).await
}

/// A verify ended: what it could not settle is failed, never live.
pub(crate) async fn give_up(tx: &mut Tx, id: DeploymentId, reason: &str) -> Result<(), FlowError> {
    let mut deployment = deployments::lock(tx, id).await?;
    if deployment.state.is_terminal() {
        return Ok(());
    }
    let reason = format!("what is true on the target could not be found out: {reason}");
    change(tx, &mut deployment, DeploymentEvent::Fail { reason }).await
}
