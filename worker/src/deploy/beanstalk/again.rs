//! On request: an environment takes a version that it had before.

use futures::FutureExt as _;
use slipway_pipelines::plan::{BeanstalkDeploy, DeployPlan};
use slipway_pipelines::wire::{DeployProgress, FindingCode, Version};
use tokio::time::Instant;

use super::super::aws::failure::Failure;
use super::super::aws::keys::Keys;
use super::super::{DeployContext, DeployOutcome};
use super::ask::Clients;
use super::options::{self, Options};
use super::watch::Course;
use super::{Beanstalk, refused, told};

/// Brings the version back and reports the verdict; an error is still to be reported.
pub(in super::super) async fn rollback(
    ctx: &DeployContext<'_>,
    plan: &DeployPlan,
    target: &BeanstalkDeploy,
    to: &Version,
) -> Result<DeployOutcome, String> {
    let options = Options::read(ctx, target)?;
    let keys = match Keys::find(ctx, &options::wanted(target), &options.region).await {
        Ok(keys) => keys,
        Err(failure) => return Ok(refused(ctx, &options, failure)),
    };
    let secrets = keys.with(ctx.secrets);
    let ctx = &DeployContext { secrets: &secrets, env: ctx.env.clone(), ..*ctx };
    let clients = Clients::new(&options, &keys, ctx.aws);
    let target = Beanstalk { ctx, plan, options: &options, clients: &clients };
    Ok(target.again(to).boxed().await)
}

impl Beanstalk<'_> {
    async fn again(&self, to: &Version) -> DeployOutcome {
        let (Some(env), Some(label)) = (self.options.env.as_deref(), to.label.as_deref()) else {
            return self.failed(Failure::from(
                "there is no environment, or no label, that could be gone back to",
            ));
        };
        let deadline = Instant::now() + self.options.wait;
        if let Err(failure) = self.is_there(env, label).await {
            return self.failed(failure);
        }
        let (before, ours) = match self.update(env, label, deadline).await {
            Ok(begun) => begun,
            Err(failure) => return self.failed(failure),
        };
        self.ctx.hop("going back", format!("{env} to {label}"));
        let url = before.url;
        (self.ctx.progress)(DeployProgress::Applied { version: to.clone(), url });
        match self.follow(&Course { env, label, ours: &ours, deadline }).await {
            Ok(now) => self.ctx.end(DeployProgress::Live { version: to.clone(), url: now.url }),
            Err(failure) => {
                let mut evidence = failure.evidence.clone();
                evidence.extend(self.evidence(env, &ours).await);
                let root = failure.finding(&self.options.place());
                self.ctx.found(told::with_evidence(root, &evidence));
                self.ctx.end(DeployProgress::Failed { reason: failure.reason(), evidence })
            }
        }
    }

    async fn is_there(&self, env: &str, label: &str) -> Result<(), Failure> {
        self.can_be_followed(env).await?;
        if self.version(label).await?.is_some() {
            return Ok(());
        }
        let app = &self.options.app;
        let what = format!("application {app:?} has no version {label:?} any more");
        Err(Failure::new(FindingCode::VersionFailed, what)
            .about(format!("version {label}"))
            .next("deploy that commit again"))
    }
}
