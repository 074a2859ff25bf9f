//! `provider: container`: the new version is healthy before it gets the traffic, the old one
//! goes only when the new one stayed healthy.

use std::collections::HashMap;

use bollard::models::{ContainerCreateBody, ContainerSummary, ContainerSummaryStateEnum};
use slipway_pipelines::ids::Id as _;
use slipway_pipelines::plan::{ContainerDeploy, DeployPlan, Migrate};
use slipway_pipelines::wire::{FindingCode, Version};
use tokio::time::{Instant, timeout_at};

use super::change::Change;
use super::engine::{self, name_of};
use super::forwarder::Forwarder;
use super::migrate::migrate;
use super::names::{COMMIT, DEPLOYMENT, SERVICE, Service};
use super::trouble::{Cause, Trouble};
use super::{DeployContext, DeployOutcome, longest, refuse_foreign};

/// An image and how a verdict calls it.
struct Image {
    /// What the engine runs.
    local: String,
    version: Version,
}

/// Deploys and reports the verdict; an error is still to be reported.
pub(super) async fn deploy(
    ctx: &DeployContext<'_>,
    plan: &DeployPlan,
    target: &ContainerDeploy,
) -> Result<DeployOutcome, Trouble> {
    let deadline = Instant::now() + longest(plan);
    let late = || format!("the deploy was not up within {} seconds", longest(plan).as_secs());
    let service = Service::new(ctx.repo, &target.name)?;
    let env = environment(ctx, target)?;
    let image = timeout_at(deadline, image(ctx, target)).await.map_err(|_| late())??;
    engine::ensure_network(ctx.docker, &service).await?;
    let forwarder = Forwarder::ensure(ctx.docker, &service, &target.ports).await?;
    let old = serving(ctx, &service, &forwarder).await?;
    clear_half_made(ctx, &service, old.as_deref()).await?;

    if let Some(Migrate::Command(command)) = &plan.migrate {
        migrate(ctx, &service, (&image.local, env.clone()), command, deadline).await?;
    }
    let name = service.version(ctx.commit.short());
    let change = Change {
        ctx,
        plan,
        target,
        service: &service,
        forwarder: &forwarder,
        old: old.as_deref(),
        deadline,
    };
    let up = async {
        start(ctx, &service, &name, &image.local, env).await?;
        ctx.hop("started", &name);
        change.watch(&name).until_healthy().await
    };
    let up = match timeout_at(deadline, up).await {
        Ok(up) => up,
        Err(_) => {
            let next = "Look what keeps it from starting, or give it more time by `timeout:`.";
            Err(Trouble::new(late(), Cause::new(FindingCode::TimedOut, next)).into())
        }
    };
    match up {
        Ok(answer) => ctx.hop("healthy", answer),
        Err(unhealthy) => return change.not_switched(unhealthy, Some(&name)).await,
    }
    change.switch(&name, image.version).await
}

/// The image, on the engine.
async fn image(ctx: &DeployContext<'_>, target: &ContainerDeploy) -> Result<Image, Trouble> {
    if let Some(promoted) = ctx.promoted {
        return earlier(ctx, promoted).await;
    }
    let commit = ctx.commit.clone();
    if let Some(built) = ctx.images.get(&target.image.0) {
        let pushed = built.pushed.clone();
        let digest = pushed.as_deref().and_then(|pushed| pushed.split_once('@'));
        let digest = digest.map_or(&*built.id, |(_, digest)| digest).to_owned();
        // By its id even where it was pushed: it is here, and needs no login.
        let image = pushed.or_else(|| Some(built.id.clone()));
        let version = Version { commit, digest: Some(digest), image, label: None };
        return Ok(Image { local: built.id.clone(), version });
    }
    let reference = ctx.expand(&target.image.0)?;
    refuse_foreign(&reference)?;
    engine::ensure_image(ctx.docker, &reference).await?;
    let id = ctx.docker.inspect_image(&reference).await.ok().and_then(|seen| seen.id);
    let digest = reference.split_once('@').map(|(_, digest)| digest.to_owned()).or(id);
    let version = Version { commit, digest, image: Some(reference.clone()), label: None };
    Ok(Image { local: reference, version })
}

/// The image of a version that was verified before. An id is of this engine only; a reference may
/// have moved since, and its digest has not.
async fn earlier(ctx: &DeployContext<'_>, version: &Version) -> Result<Image, Trouble> {
    let here = match version.digest.as_deref() {
        Some(digest) => ctx.docker.inspect_image(digest).await.ok().and_then(|seen| seen.id),
        None => None,
    };
    let named = version.image.as_deref().filter(|image| !image.starts_with("sha256:"));
    let local = match (here, named) {
        (Some(id), _) => id,
        (None, Some(reference)) if reference.contains('@') => {
            engine::ensure_image(ctx.docker, reference).await?;
            reference.to_owned()
        }
        (None, _) => {
            let commit = version.commit.short();
            let reason = format!(
                "the image of {commit} is not on this engine any more, and it was never pushed to \
                 a registry: run its build again"
            );
            let next = "Run the build of that commit again, or push images by a registry deploy.";
            return Err(Trouble::new(reason, Cause::new(FindingCode::ImageNotFound, next)));
        }
    };
    Ok(Image { local, version: version.clone() })
}

fn environment(ctx: &DeployContext<'_>, target: &ContainerDeploy) -> Result<Vec<String>, String> {
    let pair = |name: &str, value: &str| ctx.expand(value).map(|value| format!("{name}={value}"));
    target.env.iter().map(|variable| pair(&variable.name, &variable.value)).collect()
}

/// The version that has the traffic. Where somebody removed the forwarder it is the newest that
/// runs.
async fn serving(
    ctx: &DeployContext<'_>,
    service: &Service,
    forwarder: &Forwarder<'_>,
) -> Result<Option<String>, Trouble> {
    let versions = engine::versions(ctx.docker, service).await?;
    let target = forwarder.target().await?;
    if let Some(target) = target {
        return Ok(versions.iter().map(name_of).find(|name| *name == target).map(str::to_owned));
    }
    if !forwarder.is_new() {
        // It never had any: what runs is half made.
        return Ok(None);
    }
    let runs = |one: &&ContainerSummary| one.state == Some(ContainerSummaryStateEnum::RUNNING);
    let Some(newest) = versions.iter().find(runs).map(name_of) else { return Ok(None) };
    forwarder.point(newest, &forwarder.ports().await?).await?;
    Ok(Some(newest.to_owned()))
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
) -> Result<(), Trouble> {
    let body = ContainerCreateBody {
        image: Some(image.to_owned()),
        env: Some(env),
        labels: Some(HashMap::from([
            (SERVICE.to_owned(), service.label.clone()),
            (COMMIT.to_owned(), ctx.commit.as_str().to_owned()),
            (DEPLOYMENT.to_owned(), ctx.deployment.as_uuid().to_string()),
        ])),
        ..ContainerCreateBody::default()
    };
    engine::make(ctx.docker, service, name, body).await?;
    engine::run(ctx.docker, name).await
}
