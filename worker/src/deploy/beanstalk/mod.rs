//! `provider: elasticbeanstalk`: a bundle in S3, a version of it, and an environment that is seen
//! to serve that version, on each instance, in good health, for as long as the soak lasts.
//!
//! Elastic Beanstalk is `Ready` again after a failed update, and green on the old version:
//! neither word is success here (see [`verdict`]).

mod ask;
mod bundle;
mod environment;
mod events;
mod evidence;
mod explain;
mod ignored;
mod index;
mod options;
mod pin;
mod rollback;
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
use slipway_pipelines::wire::{DeployProgress, Version};
use tokio::time::{Instant, timeout_at};

use super::{DeployContext, DeployOutcome, longest};
use ask::Clients;
use bundle::Bundle;
use environment::Environment;
use explain::Failure;
use options::Options;
use pin::Image;
use update::SAY_AGAIN;
use watch::Course;

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
    let secrets = options.keys.with(ctx.secrets);
    let ctx = &DeployContext { secrets: &secrets, env: ctx.env.clone(), ..*ctx };
    let clients = Clients::new(&options, ctx.aws);
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

/// What is ready to be given to an environment.
struct Made {
    label: String,
    before: Option<Environment>,
}

impl Beanstalk<'_> {
    async fn deploy(&self) -> DeployOutcome {
        let deadline = Instant::now() + longest(self.plan);
        let late = || {
            let longest = longest(self.plan).as_secs();
            Failure::from(format!("the version was not made within {longest} seconds"))
        };
        let made = timeout_at(deadline, self.make()).await;
        let Made { label, before } = match made.unwrap_or_else(|_| Err(late())) {
            Ok(made) => made,
            Err(failure) => return self.failed(failure),
        };
        let (Some(env), Some(before)) = (self.options.env.as_deref(), before) else {
            let version = self.version_of(&label);
            return self.ctx.end(DeployProgress::Live { version, url: None });
        };
        let ready_by = deadline.min(Instant::now() + self.options.wait);
        let ours = match self.update(env, &label, ready_by).await {
            Ok(ours) => ours,
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

    /// Everything that touches no environment.
    async fn make(&self) -> Result<Made, Failure> {
        // First what can be wrong at once: packing takes its time.
        let before = match self.options.env.as_deref() {
            Some(env) => Some(self.environment(env).await?),
            None => {
                self.application().await?;
                None
            }
        };
        self.bucket().await?;
        let bundle = self.still("packing", self.pack()).await?;
        let label = self.make_version(&bundle).await?;
        Ok(Made { label, before })
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
        let commit = self.ctx.commit.clone();
        Version { commit, digest: None, image: None, label: Some(label.to_owned()) }
    }

    fn failed(&self, Failure { reason, evidence }: Failure) -> DeployOutcome {
        self.ctx.end(DeployProgress::Failed { reason, evidence })
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
