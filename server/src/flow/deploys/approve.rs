//! Somebody agrees to a deployment, or does not. Either is said of one deployment, and so of one
//! commit: what is pushed afterwards is asked for anew.

use serde_json::json;
use slipway_pipelines::ids::DeploymentId;
use slipway_pipelines::lifecycle::{DeploymentEvent, DeploymentState};

use super::change;
use crate::db::deployments::{self, Approval, Deployment};
use crate::db::repos::Repo;
use crate::db::{Tx, audit, deploy_queue, environments, runs};
use crate::error::FlowError;
use crate::flow::schedule;
use crate::state::Server;

/// Who decides, and whether they are an admin of the repo.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    /// Their name, in the audit.
    pub actor: &'a str,
    /// An admin decides about every environment; others where its rules let them.
    pub admin: bool,
}

impl<'a> By<'a> {
    async fn may(self, tx: &mut Tx, deployment: &Deployment) -> Result<&'a str, FlowError> {
        if self.admin || environments::writers_approve(tx, deployment.environment).await? {
            return Ok(self.actor);
        }
        let sentence = "Only an admin of the repo decides about this environment; its rule \
                        writers_approve lets others do so.";
        Err(FlowError::Forbidden(sentence.to_owned()))
    }
}

/// Lets it go on when its turn comes. Saying it again changes nothing.
///
/// # Errors
/// [`FlowError::NotFound`] if it is none of the repo's; [`FlowError::Forbidden`] where they may not;
/// [`FlowError::Conflict`] where there is
/// nothing to approve.
pub async fn approve(
    server: &Server,
    repo: &Repo,
    id: DeploymentId,
    by: By<'_>,
) -> Result<(), FlowError> {
    let mut tx = server.db.begin().await?;
    let (deployment, target) = found(&mut tx, repo, id).await?;
    let actor = by.may(&mut tx, &deployment).await?;
    if deployment.approval == Approval::Given {
        return Ok(());
    }
    if deployment.approval == Approval::Free || deployment.state != DeploymentState::Waiting {
        return Err(no_question(&deployment));
    }
    let run = runs::look(&mut tx, deployment.run).await?;
    if let Some(reason) = run.cancel {
        let number = run.number;
        let sentence = format!("Run {number} was stopped ({reason}); run it again to deploy.");
        return Err(FlowError::Conflict(sentence));
    }
    deploy_queue::approve(&mut tx, id, actor).await?;
    let detail = json!({ "deployment": id, "commit": deployment.version.commit });
    audit::write(&mut tx, actor, "deploy.approve", &target, detail).await?;
    crate::db::notify(&mut tx, "slipway_run", &deployment.run.to_string()).await?;
    tx.commit().await?;
    super::tick(server).await
}

/// It never begins, and its history says who did not want it.
///
/// # Errors
/// As of [`approve`].
pub async fn reject(
    server: &Server,
    repo: &Repo,
    id: DeploymentId,
    by: By<'_>,
) -> Result<(), FlowError> {
    let mut tx = server.db.begin().await?;
    let (mut deployment, target) = found(&mut tx, repo, id).await?;
    let actor = by.may(&mut tx, &deployment).await?;
    let asked = deployment.approval == Approval::Missing;
    if !asked || deployment.state != DeploymentState::Waiting {
        return Err(no_question(&deployment));
    }
    let reason = format!("{actor} rejected it");
    change(&mut tx, &mut deployment, DeploymentEvent::Fail { reason }).await?;
    let detail = json!({ "deployment": id, "commit": deployment.version.commit });
    audit::write(&mut tx, actor, "deploy.reject", &target, detail).await?;
    schedule::to_github(server, &mut tx, deployment.run).await?;
    tx.commit().await?;
    Ok(())
}

/// The deployment, locked, and how the audit calls its environment.
async fn found(
    tx: &mut Tx,
    repo: &Repo,
    id: DeploymentId,
) -> Result<(Deployment, String), FlowError> {
    let deployment = deployments::lock(tx, id).await?;
    let name = environments::name_of(tx, deployment.environment, repo.id).await?;
    Ok((deployment, format!("{}/{name}", repo.name)))
}

fn no_question(deployment: &Deployment) -> FlowError {
    let state = deployment.state.word().replace('_', " ");
    FlowError::Conflict(format!("This deployment is {state}: it waits for nobody's approval."))
}
