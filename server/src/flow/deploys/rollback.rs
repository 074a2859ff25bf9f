//! On request: an earlier version that was verified comes back, as a deployment of its own.

use serde_json::json;
use slipway_pipelines::ids::DeploymentId;
use slipway_pipelines::wire::Version;

use crate::db::environments::Environment;
use crate::db::repos::Repo;
use crate::db::{Tx, audit, deploy_queue, environments};
use crate::error::FlowError;
use crate::state::Server;

/// Brings back what was verified last before what is live, or what `to_run` brought. It waits for
/// its turn like any other deployment, and needs no approval: who asks for it is its approval.
///
/// # Errors
/// [`FlowError::NotFound`] if the repo has no such environment; [`FlowError::Conflict`] where there
/// is nothing to go back to.
pub async fn rollback(
    server: &Server,
    repo: &Repo,
    environment: &str,
    to_run: Option<i32>,
    actor: &str,
) -> Result<DeploymentId, FlowError> {
    let mut tx = server.db.begin().await?;
    let environment = environments::lock(&mut tx, repo.id, environment).await?;
    let (to, version, run) = chosen(&mut tx, &environment, to_run).await?;
    let why = format!("rollback to run {run} ({})", version.commit.short());
    let id = deploy_queue::bring_back(&mut tx, to, (&why, actor)).await?;
    let target = format!("{}/{}", repo.name, environment.name);
    let detail = json!({ "deployment": id, "to_run": run, "commit": version.commit });
    audit::write(&mut tx, actor, "deploy.rollback", &target, detail).await?;
    tx.commit().await?;
    super::tick(server).await?;
    Ok(id)
}

async fn chosen(
    tx: &mut Tx,
    environment: &Environment,
    to_run: Option<i32>,
) -> Result<(DeploymentId, Version, i32), FlowError> {
    let name = &environment.name;
    let verified = deploy_queue::live_once(tx, environment.id, to_run).await?;
    let mut verified = verified.into_iter();
    let (found, sentence) = match (to_run, environment.live.deployment) {
        (Some(run), _) => {
            (verified.next(), format!("Run {run} brought no version to {name} that was verified."))
        }
        // What began last and failed may have left the target half changed: what is live on
        // paper is made so again.
        (None, Some(live)) if deploy_queue::last_failed(tx, environment.id).await? => {
            (verified.find(|(id, ..)| *id == live), format!("Nothing is live in {name}."))
        }
        (None, live) => {
            let current = environment.live.version.as_ref();
            let earlier = |(id, version, _): &(DeploymentId, Version, i32)| {
                live.is_none_or(|live| *id < live) && Some(version) != current
            };
            (verified.find(earlier), format!("{name} has no earlier version that was verified."))
        }
    };
    found.ok_or(FlowError::Conflict(sentence))
}
