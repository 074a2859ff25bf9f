//! On request: an earlier, verified version comes back.

use slipway_pipelines::plan::{DeployPlan, Provider};
use slipway_pipelines::wire::Version;

use super::{DeployContext, DeployOutcome, beanstalk, container, kubernetes};

/// Brings it back and reports the verdict.
pub(super) async fn rollback(
    ctx: &DeployContext<'_>,
    plan: &DeployPlan,
    to: &Version,
    rendered: Option<&str>,
) -> DeployOutcome {
    let done = match &plan.provider {
        Provider::Kubernetes(target) => kubernetes::rollback(ctx, plan, target, to, rendered).await,
        Provider::Registry(_) => Err("what was pushed stays in the registry: roll back the \
             environment that runs it"
            .to_owned()),
        Provider::Container(target) => {
            // As a deployment of that version: what was migrated since stays so.
            let plan = DeployPlan { migrate: None, ..plan.clone() };
            let ctx = DeployContext { env: ctx.env.clone(), promoted: Some(to), ..*ctx };
            let done = container::deploy(&ctx, &plan, target).await;
            let subject = format!("service {}", target.name);
            Ok(done.unwrap_or_else(|trouble| ctx.fail(&subject, trouble)))
        }
        Provider::Elasticbeanstalk(target) => beanstalk::rollback(ctx, plan, target, to).await,
        Provider::S3(_) => Err("a bucket keeps no earlier version of its files".to_owned()),
        Provider::Script { .. } => {
            Err("Slipway does not know how to take back what a script did".to_owned())
        }
        Provider::Unsupported { name } => Err(format!("Slipway has no deploy provider {name:?}")),
    };
    done.unwrap_or_else(|reason| ctx.failed(reason).outcome)
}
