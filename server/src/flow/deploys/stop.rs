//! A run or a job that is canceled deploys nothing more: what waits ends with it. What already
//! changes its target goes on to its verdict, since half a deployment is worse than either.

use slipway_pipelines::ids::{JobId, RunId};
use slipway_pipelines::lifecycle::DeploymentEvent;

use super::change;
use crate::db::{Tx, assignments, deploy_queue, deployments};
use crate::error::FlowError;

/// Ends every deployment of the run (of one job of it) that nobody has begun; answers how many.
/// Rollbacks of what the run once brought are deployments of their own, and stay.
pub(crate) async fn stop(
    tx: &mut Tx,
    run: RunId,
    job: Option<JobId>,
    reason: &str,
) -> Result<usize, FlowError> {
    let not_begun = deploy_queue::not_begun(tx, run, job).await?;
    for id in &not_begun {
        let mut deployment = deployments::lock(tx, *id).await?;
        if deployment.state.is_terminal() {
            continue;
        }
        assignments::take_back_deploy(tx, *id, reason).await?;
        let reason = reason.to_owned();
        change(tx, &mut deployment, DeploymentEvent::Fail { reason }).await?;
    }
    Ok(not_begun.len())
}
