//! `provider: elasticbeanstalk`: a bundle in S3, a version of it, and an environment that is seen
//! to serve that version, on each instance, in good health, for as long as the soak lasts.
//!
//! Elastic Beanstalk is `Ready` again after a failed update, and green on the old version:
//! neither word is success here (see [`verdict`]).

mod again;
mod ask;
mod bundle;
mod environment;
mod events;
mod evidence;
mod ignored;
mod index;
mod options;
mod pin;
mod promote;
mod rollback;
mod told;
mod update;
mod upload;
mod verdict;
mod verify;
mod version;
mod watch;

use std::future::Future;

use futures::FutureExt as _;
use slipway_pipelines::names::CommitSha;
use slipway_pipelines::plan::{BeanstalkDeploy, DeployPlan};
use slipway_pipelines::wire::{DeployProgress, FindingCode, Version};
use tokio::time::{Instant, timeout_at};

use super::aws::failure::Failure;
use super::aws::keys::Keys;
use super::aws::refused::explain;
use super::{DeployContext, DeployOutcome, longest};
use ask::Clients;
use bundle::Bundle;
use events::Ours;
use options::Options;
use pin::Image;
use update::SAY_AGAIN;
use watch::Course;

pub(super) use again::rollback;
pub(super) use bundle::fetch_into;
pub(super) use index::{Kind, Tree};
pub(super) use verify::verify;

/// One deploy and what it asks with.
struct Beanstalk<'a> {
    ctx: &'a DeployContext<'a>,
    plan: &'a DeployPlan,
    options: &'a Options,
    clients: &'a Clients,
}

/// Deploys and reports the verdict; an error is still to be reported.
pub(super) async fn deploy(
    ctx: &DeployContext<'_>,
    plan: &DeployPlan,
    target: &BeanstalkDeploy,
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
    Ok(target.deploy().boxed().await)
}

/// The label that the version is to have, as far as it is known before: a template of it may name
/// a secret that only the granted step has.
pub(crate) fn label<'v>(
    target: &BeanstalkDeploy,
    commit: &CommitSha,
    value: impl Fn(&str) -> Option<&'v str>,
) -> Option<String> {
    options::label(target, commit, value).ok().map(|label| label.as_str().to_owned())
}

/// Shows the cause and reports the verdict.
fn refused(ctx: &DeployContext<'_>, options: &Options, failure: Failure) -> DeployOutcome {
    let mut findings = vec![failure.finding(&options.place())];
    findings.extend(failure.others.iter().cloned());
    ctx.found(findings);
    ctx.end(DeployProgress::Failed { reason: failure.reason(), evidence: failure.evidence })
}

impl Beanstalk<'_> {
    async fn deploy(&self) -> DeployOutcome {
        let deadline = Instant::now() + longest(self.plan);
        let late = || {
            let longest = longest(self.plan).as_secs();
            let what = format!("the version was not made within {longest} seconds");
            Failure::new(FindingCode::TimedOut, what).next("give the deploy a longer `timeout`")
        };
        let promoted = self.ctx.promoted.filter(|_| self.plan.promote.is_some());
        if let (Some(from), None) = (&self.plan.promote, promoted) {
            let what = format!("{from} has no verified version that could be promoted");
            return self.failed(Failure::from(what).next(format!("deploy to {from} first")));
        }
        let made = match promoted {
            Some(version) => timeout_at(deadline, self.promoted(version)).await,
            None => timeout_at(deadline, self.make()).await,
        };
        let label = match made.unwrap_or_else(|_| Err(late())) {
            Ok(label) => label,
            Err(failure) => return self.failed(failure),
        };
        let Some(env) = self.options.env.as_deref() else {
            let version = self.version_of(&label);
            return self.ctx.end(DeployProgress::Live { version, url: None });
        };
        let ready_by = deadline.min(Instant::now() + self.options.wait);
        let (before, ours) = match self.update(env, &label, ready_by).await {
            Ok(begun) => begun,
            Err(failure) => return self.failed(failure),
        };
        self.ctx.hop("updating", format!("{env} to {label}"));
        let version = self.version_of(&label);
        (self.ctx.progress)(DeployProgress::Applied {
            version: version.clone(),
            url: before.url.clone(),
        });
        let deadline = deadline.min(Instant::now() + self.options.wait);
        let course = Course { env, label: &label, ours: &ours, deadline };
        match self.follow(&course).await {
            Ok(now) => self.ctx.end(DeployProgress::Live { version, url: now.url }),
            Err(failure) => self.undo(env, &label, &before, &ours, failure).await,
        }
    }

    /// Everything that touches no environment; gives the version's label.
    async fn make(&self) -> Result<String, Failure> {
        // First what can be wrong at once: packing takes its time.
        match self.options.env.as_deref() {
            Some(env) => self.can_be_followed(env).await?,
            None => self.application().await?,
        }
        self.bucket().await?;
        let bundle = self.still("packing", self.pack()).await?;
        self.make_version(&bundle).await
    }

    /// That the environment is there, and that these keys may see all that a verdict needs: an
    /// update that nobody can follow is not begun.
    async fn can_be_followed(&self, env: &str) -> Result<(), Failure> {
        let now = self.environment(env).await?;
        let place = self.options.place();
        let ours = Ours::Label(self.options.label.as_str().to_owned());
        let events = self.events(Some(env), &ours).await;
        events.map_err(|refusal| explain("elasticbeanstalk:DescribeEvents", &place, &refusal))?;
        if now.enhanced {
            let action = "elasticbeanstalk:DescribeInstancesHealth";
            let instances = self.instances(env).await;
            instances.map_err(|refusal| explain(action, &place, &refusal))?;
        }
        Ok(())
    }

    async fn pack(&self) -> Result<Bundle, Failure> {
        let tree = self.ctx.tree.ok_or("there is no work tree to bundle")?;
        let tar = bundle::fetch(tree).await?;
        let zip_file = self.options.zip_file.clone();
        let pushed = self.ctx.images.values().filter_map(|image| image.pushed.as_deref());
        let images: Vec<Image> = pushed.filter_map(Image::new).collect();
        let packing = tokio::task::spawn_blocking(move || match zip_file {
            Some(path) => bundle::take(tar, &path),
            None => bundle::pack(tar, &images),
        });
        let bundle =
            packing.await.map_err(|error| format!("the bundle was not made: {error}"))??;
        for note in &bundle.notes {
            self.say(note);
        }
        let digest = &bundle.sha256[..12];
        self.ctx.hop("packed", format!("{} KiB, sha256 {digest}…", bundle.size.div_ceil(1024)));
        Ok(bundle)
    }

    fn version_of(&self, label: &str) -> Version {
        let promoted = self.ctx.promoted.filter(|_| self.plan.promote.is_some());
        if let Some(version) = promoted.filter(|one| one.label.as_deref() == Some(label)) {
            return version.clone();
        }
        let commit = self.ctx.commit.clone();
        Version { commit, digest: None, image: None, label: Some(label.to_owned()) }
    }

    fn failed(&self, failure: Failure) -> DeployOutcome {
        refused(self.ctx, self.options, failure)
    }

    /// What AWS and strangers wrote goes to the log as the events have it.
    fn say(&self, line: &str) {
        self.ctx.say(&self.ctx.masked(line));
    }

    /// Says now and then that it is still at it: silence would end the job.
    async fn still<T>(&self, doing: &str, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            match tokio::time::timeout(SAY_AGAIN, &mut work).await {
                Ok(done) => return done,
                Err(_) => self.say(&format!("Still {doing}")),
            }
        }
    }
}
