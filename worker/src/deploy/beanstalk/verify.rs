//! After a lost worker: what the environment serves now.

use futures::FutureExt as _;
use slipway_pipelines::plan::BeanstalkDeploy;
use slipway_pipelines::wire::{DeployProgress, FindingCode, VerifyWork, Version};
use tokio::time::Instant;

use super::super::aws::failure::Failure;
use super::super::aws::keys::Keys;
use super::super::{DeployContext, DeployOutcome};
use super::ask::Clients;
use super::events::Ours;
use super::options::{self, Options};
use super::verdict::State;
use super::watch::Course;
use super::{Beanstalk, refused};

/// Looks, follows an update that still runs, and reports the verdict; an error is still to be
/// reported.
pub(in super::super) async fn verify(
    ctx: &DeployContext<'_>,
    target: &BeanstalkDeploy,
    work: &VerifyWork,
) -> Result<DeployOutcome, String> {
    let unasked = |reason| format!("the worker was lost and the target can not be asked: {reason}");
    let options = Options::read(ctx, target).map_err(unasked)?;
    let keys = match Keys::find(ctx, &options::wanted(target), &options.region).await {
        Ok(keys) => keys,
        Err(failure) => {
            return Ok(refused(ctx, &options, failure.because(|why| unasked(why.to_owned()))));
        }
    };
    let secrets = keys.with(ctx.secrets);
    let ctx = &DeployContext { secrets: &secrets, env: ctx.env.clone(), ..*ctx };
    let clients = Clients::new(&options, &keys, ctx.aws);
    let target = Beanstalk { ctx, plan: &work.plan, options: &options, clients: &clients };
    let label = work.version.label.clone().unwrap_or_else(|| options.label.as_str().to_owned());
    let label = match target.label_found(label).await {
        Ok(label) => label,
        Err(failure) => return Ok(target.failed(failure)),
    };
    let found = match options.env.as_deref() {
        Some(env) => target.serves(env, &label).boxed().await,
        None => target.exists(&label).boxed().await,
    };
    Ok(match found {
        Ok(url) => {
            let version = Version { label: Some(label), ..work.version.clone() };
            ctx.end(DeployProgress::Live { version, url })
        }
        Err(failure) => target.failed(failure),
    })
}

impl Beanstalk<'_> {
    /// The label that the lost worker chose: it may have found the one it wanted taken.
    async fn label_found(&self, label: String) -> Result<String, Failure> {
        let own = self.label_of_its_own(&label);
        Ok(if self.version(&own).await?.is_some() { own } else { label })
    }

    /// Does the environment serve it, once its update is over?
    async fn serves(&self, env: &str, label: &str) -> Result<Option<String>, Failure> {
        let now = self.environment(env).await?;
        if now.state == State::Ready && now.label.as_deref() != Some(label) {
            let now = now.now();
            let what = format!("the worker was lost before {env} took version {label}: {now}");
            return Err(Failure::new(FindingCode::OldVersionServes, what)
                .about(format!("environment {env}"))
                .hint("deploy again"));
        }
        self.ctx.hop("found", now.now());
        let deadline = Instant::now() + self.options.wait;
        let ours = Ours::Label(label.to_owned());
        match self.follow(&Course { env, label, ours: &ours, deadline }).await {
            Ok(now) => Ok(now.url),
            Err(mut failure) => {
                failure.evidence.extend(self.evidence(env, &ours).await);
                let now = self.environment(env).await.map(|now| now.now());
                let now = now.unwrap_or_else(|failure| failure.reason());
                Err(failure.because(|reason| format!("{reason}; {now}")))
            }
        }
    }

    async fn exists(&self, label: &str) -> Result<Option<String>, Failure> {
        match self.version(label).await? {
            None => {
                let what = format!("the worker was lost before it made version {label}");
                Err(Failure::new(FindingCode::VersionFailed, what)
                    .about(format!("version {label}"))
                    .hint("deploy again"))
            }
            Some(_) => self.processed(label).await.map(|_| None),
        }
    }
}
