//! Deployments that run without a job begin when their turn has come.

use serde_json::json;
use slipway_pipelines::ids::DeploymentId;
use slipway_pipelines::lifecycle::DeploymentState;

use super::grant::let_in;
use super::waits_for;
use crate::db::assignments::{self, Kind};
use crate::db::{audit, deploy_queue, deployments, environments, repos, runs};
use crate::error::FlowError;
use crate::state::Server;

/// Queues the work of each whose turn has come. The rows say which: a server that stops in between
/// loses none.
pub(crate) async fn tick(server: &Server) -> Result<(), FlowError> {
    for id in deploy_queue::to_start(&server.db).await? {
        match start(server, id).await {
            Ok(()) => {}
            Err(error @ FlowError::Away(_)) => return Err(error),
            // One that can not begin must not stand in the way of other environments.
            Err(error) => tracing::error!(deployment = %id, %error, "a deployment does not begin"),
        }
    }
    Ok(())
}

async fn start(server: &Server, id: DeploymentId) -> Result<(), FlowError> {
    let mut tx = server.db.begin().await?;
    let environment = environments::of_deployment(&mut tx, id).await?;
    let environment = environments::lock_by_id(&mut tx, environment).await?;
    let mut deployment = deployments::lock(&mut tx, id).await?;
    let alone = deployment.carried.is_some() || deployment.rollback_to.is_some();
    if deployment.state != DeploymentState::Waiting || !alone {
        return Ok(());
    }
    let run = runs::look(&mut tx, deployment.run).await?;
    let repo = repos::by_id(&mut tx, run.repo).await?;
    let waits = waits_for(&mut tx, &deployment, (&repo.name, &environment.name)).await?;
    if !repo.enabled || waits.is_some() {
        return Ok(());
    }
    let_in(&mut tx, &mut deployment, &environment.live).await?;
    let kind = Kind::Deploy { deployment: id, job: deployment.job };
    assignments::create(&mut tx, deployment.run, kind).await?;
    let target = format!("{}/{}", repo.name, environment.name);
    let detail = json!({ "deployment": id, "run": run.number.0 });
    audit::write(&mut tx, &run.actor, "deploy.grant", &target, detail).await?;
    tx.commit().await?;
    Ok(())
}
