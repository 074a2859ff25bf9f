//! `provider: container`: the new version is healthy before it gets the traffic, the old one
//! goes only when the new one stayed healthy.

use std::collections::HashMap;
use std::time::Duration;

use bollard::models::{ContainerCreateBody, ContainerSummary, ContainerSummaryStateEnum};
use slipway_pipelines::plan::{ContainerDeploy, DeployPlan, RollbackPolicy};
use slipway_pipelines::wire::{DeployProgress, Version};
use tokio::time::Instant;

use super::DeployContext;
use super::engine::{self, name_of};
use super::forwarder::{Forwarder, written};
use super::health::{Unhealthy, Watch};
use super::names::{COMMIT, SERVICE, Service};

/// How long a new version must stay healthy where the file does not say.
pub(super) const SOAK: Duration = Duration::from_secs(5);

/// Deploys and returns the last progress, which the caller reports.
pub(super) async fn deploy(
    ctx: &DeployContext<'_>,
    plan: &DeployPlan,
    target: &ContainerDeploy,
) -> DeployProgress {
    match attempt(ctx, plan, target).await {
        Ok(last) => last,
        Err(reason) => DeployProgress::Failed { reason, evidence: Vec::new() },
    }
}

async fn attempt(
    ctx: &DeployContext<'_>,
    plan: &DeployPlan,
    target: &ContainerDeploy,
) -> Result<DeployProgress, String> {
    let deadline = plan.timeout.map(|timeout| Instant::now() + timeout);
    let service = Service::new(ctx.repo, &target.name)?;
    let image = image(ctx, target)?;
    let env = environment(ctx, target)?;
    engine::ensure_network(ctx.docker).await?;
    engine::ensure_image(ctx.docker, &image).await?;
    let forwarder = Forwarder::ensure(ctx.docker, &service, &target.ports).await?;
    let old = forwarder.target().await?;
    clear_half_made(ctx, &service, old.as_deref()).await?;

    let name = service.version(ctx.commit.short());
    let id = ctx.docker.inspect_image(&image).await.ok().and_then(|seen| seen.id);
    let digest = image.split_once('@').map(|(_, digest)| digest.to_owned()).or(id);
    let version = Version { commit: ctx.commit.clone(), digest, image: Some(image.clone()) };
    let change = Change { ctx, service: &service, forwarder: &forwarder, old: old.as_deref() };
    if let Err(reason) = start(ctx, &service, &name, &image, env).await {
        engine::remove(ctx.docker, &name).await?;
        return change.not_switched(Unhealthy { reason, evidence: Vec::new() }, Some(&name)).await;
    }
    ctx.hop("started", name.as_str());
    let check = target.health.as_ref();
    let watch =
        Watch { docker: ctx.docker, forwarder: &forwarder, container: &name, check, deadline };
    match watch.until_healthy().await {
        Ok(answer) => ctx.hop("healthy", answer),
        Err(unhealthy) => return change.not_switched(unhealthy, Some(&name)).await,
    }
    change.switch(plan, target, &watch, version).await
}

/// The reference or id to run.
fn image(ctx: &DeployContext<'_>, target: &ContainerDeploy) -> Result<String, String> {
    if let Some(local) = ctx.images.get(&target.image.0) {
        return Ok(local.pushed.clone().unwrap_or_else(|| local.id.clone()));
    }
    ctx.expand(&target.image.0)
}

fn environment(ctx: &DeployContext<'_>, target: &ContainerDeploy) -> Result<Vec<String>, String> {
    let pair = |name: &str, value: &str| ctx.expand(value).map(|value| format!("{name}={value}"));
    target.env.iter().map(|variable| pair(&variable.name, &variable.value)).collect()
}

/// A crash may have left versions that run or were never started and have no traffic. Stopped
/// ones stay: the last of them is there for a rollback.
async fn clear_half_made(
    ctx: &DeployContext<'_>,
    service: &Service,
    serving: Option<&str>,
) -> Result<(), String> {
    for one in engine::versions(ctx.docker, service).await? {
        let stopped = one.state == Some(ContainerSummaryStateEnum::EXITED);
        if Some(name_of(&one)) != serving && !stopped {
            engine::remove(ctx.docker, name_of(&one)).await?;
        }
    }
    Ok(())
}

async fn start(
    ctx: &DeployContext<'_>,
    service: &Service,
    name: &str,
    image: &str,
    env: Vec<String>,
) -> Result<(), String> {
    let body = ContainerCreateBody {
        image: Some(image.to_owned()),
        env: Some(env),
        labels: Some(HashMap::from([
            (SERVICE.to_owned(), service.label.clone()),
            (COMMIT.to_owned(), ctx.commit.as_str().to_owned()),
        ])),
        ..ContainerCreateBody::default()
    };
    engine::make(ctx.docker, name, body).await?;
    engine::run(ctx.docker, name).await
}

/// One service on its way from an old version to a new one.
pub(super) struct Change<'a> {
    pub(super) ctx: &'a DeployContext<'a>,
    pub(super) service: &'a Service,
    pub(super) forwarder: &'a Forwarder<'a>,
    /// The container that has the traffic before.
    pub(super) old: Option<&'a str>,
}

impl Change<'_> {
    async fn switch(
        &self,
        plan: &DeployPlan,
        target: &ContainerDeploy,
        watch: &Watch<'_>,
        version: Version,
    ) -> Result<DeployProgress, String> {
        let ports = self.forwarder.ports().await?;
        if let Err(reason) = self.forwarder.point(watch.container, &written(&target.ports)).await {
            let unhealthy = Unhealthy { reason, evidence: Vec::new() };
            return self.not_switched(unhealthy, Some(watch.container)).await;
        }
        let url = target.ports.first().map(|port| format!("http://127.0.0.1:{}/", port.host));
        self.ctx.hop("switched", watch.container);
        let applied = DeployProgress::Applied { version: version.clone(), url: url.clone() };
        (self.ctx.progress)(applied);
        match watch.soak(plan.soak.unwrap_or(SOAK)).await {
            Ok(answer) => self.ctx.hop("soaked", answer),
            Err(unhealthy) if plan.rollback == RollbackPolicy::Never => {
                let reason = format!("{}; left as it is", unhealthy.reason);
                return Ok(DeployProgress::Failed { reason, evidence: unhealthy.evidence });
            }
            Err(unhealthy) => {
                if let Some(old) = self.old {
                    self.forwarder.point(old, &ports).await?;
                }
                return self.not_switched(unhealthy, Some(watch.container)).await;
            }
        }
        self.retire(watch.container).await?;
        Ok(DeployProgress::Live { version, url })
    }

    /// The new version is out, and the old one, if any, has the traffic.
    pub(super) async fn not_switched(
        &self,
        unhealthy: Unhealthy,
        new: Option<&str>,
    ) -> Result<DeployProgress, String> {
        let Unhealthy { reason, evidence } = unhealthy;
        if let Some(new) = new {
            engine::remove(self.ctx.docker, new).await?;
        }
        let Some(old) = self.old else { return Ok(DeployProgress::Failed { reason, evidence }) };
        match self.serving(old).await? {
            Some(serving) => {
                let reason = format!("{reason}; {} still serves", serving.commit.short());
                Ok(DeployProgress::RolledBack { reason, serving, evidence })
            }
            None => {
                let reason = format!("{reason}; the version before it does not run either");
                Ok(DeployProgress::Failed { reason, evidence })
            }
        }
    }

    /// What the running container `name` is.
    async fn serving(&self, name: &str) -> Result<Option<Version>, String> {
        let all = engine::versions(self.ctx.docker, self.service).await?;
        let one = all.iter().find(|one| name_of(one) == name);
        let runs = |one: &&ContainerSummary| one.state == Some(ContainerSummaryStateEnum::RUNNING);
        Ok(one.filter(runs).and_then(|one| self.version_of(one)))
    }

    pub(super) fn version_of(&self, one: &ContainerSummary) -> Option<Version> {
        let commit = one.labels.as_ref()?.get(COMMIT)?.parse().ok()?;
        if let Some(previous) = self.ctx.previous.filter(|previous| previous.commit == commit) {
            return Some(previous.clone());
        }
        Some(Version { commit, digest: one.image_id.clone(), image: one.image.clone() })
    }

    /// The version before is stopped and kept; what is older goes.
    pub(super) async fn retire(&self, live: &str) -> Result<(), String> {
        for one in engine::versions(self.ctx.docker, self.service).await? {
            let name = name_of(&one);
            if Some(name) == self.old {
                engine::stop(self.ctx.docker, name).await?;
            } else if name != live {
                engine::remove(self.ctx.docker, name).await?;
            }
        }
        Ok(())
    }
}
