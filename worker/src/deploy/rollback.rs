//! On request: an earlier, verified version comes back.

use slipway_pipelines::plan::{DeployPlan, Provider};
use slipway_pipelines::wire::Version;

use super::{DeployContext, DeployOutcome, beanstalk, kubernetes};

/// Brings it back and reports the verdict.
pub(super) async fn rollback(
    ctx: &DeployContext<'_>,
    plan: &DeployPlan,
    to: &Version,
    rendered: Option<&str>,
) -> DeployOutcome {
    let done = match &plan.provider {
        Provider::Kubernetes(target) => kubernetes::rollback(ctx, plan, target, to, rendered).await,
        Provider::Registry(_) => Err("a registry is not rolled back yet".to_owned()),
        Provider::Container(_) => Err("a container is not rolled back yet".to_owned()),
        Provider::Elasticbeanstalk(target) => beanstalk::rollback(ctx, plan, target, to).await,
        Provider::S3(_) => Err("a bucket keeps no earlier version of its files".to_owned()),
        Provider::Script { .. } => {
            Err("Slipway does not know how to take back what a script did".to_owned())
        }
        Provider::Unsupported { name } => Err(format!("Slipway has no deploy provider {name:?}")),
    };
    done.unwrap_or_else(|reason| ctx.failed(reason).outcome)
}
