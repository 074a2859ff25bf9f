//! After a lost worker: what is true at the target.

use bollard::models::{ContainerSummary, ContainerSummaryStateEnum};
use slipway_pipelines::ids::Id as _;
use slipway_pipelines::plan::{ContainerDeploy, Provider, RegistryDeploy};
use slipway_pipelines::wire::{DeployProgress, VerifyWork, Version};
use tokio::time::Instant;

use super::change::Change;
use super::engine::{self, name_of};
use super::forwarder::Forwarder;
use super::health::Unhealthy;
use super::names::{DEPLOYMENT, Service};
use super::{
    DeployContext, DeployOutcome, aws, beanstalk, kubernetes, longest, manifest, registry, s3,
};

const LOST_EARLY: &str = "the worker was lost before the new version got the traffic";

/// Looks at the target and reports the verdict.
pub(super) async fn verify(ctx: &DeployContext<'_>, work: &VerifyWork) -> DeployOutcome {
    let found = match &work.plan.provider {
        Provider::Registry(target) => in_registry(ctx, target, work).await,
        Provider::Container(target) => on_engine(ctx, target, work).await,
        Provider::Elasticbeanstalk(target) => beanstalk::verify(ctx, target, work).await,
        Provider::Kubernetes(target) => kubernetes::verify(ctx, target, work).await,
        Provider::S3(target) => s3::verify(ctx, target, work).await,
        Provider::Script { .. } => {
            Err("the worker was lost while the script ran: Slipway can not \
            see what it did; look at the target, then deploy again"
                .to_owned())
        }
        Provider::Unsupported { name } => Err(format!("Slipway has no deploy provider {name:?}")),
    };
    found.unwrap_or_else(|reason| ctx.failed(reason).outcome)
}

async fn in_registry(
    ctx: &DeployContext<'_>,
    target: &RegistryDeploy,
    work: &VerifyWork,
) -> Result<DeployOutcome, String> {
    // The step's secrets are not always at hand any more: then it is asked without a login.
    let (to, blind) = match registry::destination(ctx, target) {
        Ok(to) => (to, ""),
        Err(reason) => {
            let open = RegistryDeploy { username: None, password: None, ..target.clone() };
            let to = registry::destination(ctx, &open).map_err(|_| reason)?;
            (to, "; it was asked without the login, so push again to be sure")
        }
    };
    let mut to = to;
    if to.login.is_none() {
        let login = aws::ecr::login(ctx, &to.repository.host, target.role.as_ref()).await;
        to.login = login.map_err(|failure| failure.reason())?;
    }
    let Some(ours) = work.version.digest.as_deref() else {
        return Err("the worker was lost before it knew the digest it pushed".to_owned());
    };
    let mut seen = ours.to_owned();
    for tag in &to.tags {
        let (name, login) = (&to.repository, to.login.as_ref());
        let theirs = manifest::digest(name, tag, login).await;
        seen = theirs.map_err(|trouble| format!("{}{blind}", trouble.reason))?;
        // A worker that was lost early had told only the image's id, which the manifest names.
        if seen != ours && manifest::image_id(name, &seen, login).await?.as_deref() != Some(ours) {
            return Err(format!("{}:{tag} is {seen}, not {ours}", name.name));
        }
    }
    let image = Some(format!("{}@{seen}", to.repository.name));
    let version = Version { digest: Some(seen), image, ..work.version.clone() };
    Ok(ctx.end(DeployProgress::Live { version, url: None }))
}

async fn on_engine(
    ctx: &DeployContext<'_>,
    target: &ContainerDeploy,
    work: &VerifyWork,
) -> Result<DeployOutcome, String> {
    let service = Service::new(ctx.repo, &target.name)?;
    let versions = engine::versions(ctx.docker, &service).await?;
    let id = work.deployment.as_uuid().to_string();
    let ours = |one: &&ContainerSummary| {
        one.labels.as_ref().and_then(|labels| labels.get(DEPLOYMENT)).is_some_and(|of| *of == id)
    };
    let half_made = versions.iter().find(ours).map(name_of);
    let Some(forwarder) = Forwarder::find(ctx.docker, &service).await else {
        if let Some(half_made) = half_made {
            engine::remove(ctx.docker, half_made).await?;
        }
        return Err(LOST_EARLY.to_owned());
    };
    let serving = forwarder.target().await?;
    let has_traffic = versions.iter().find(|one| Some(name_of(one)) == serving.as_deref());
    let change = |old| Change {
        ctx,
        plan: &work.plan,
        target,
        service: &service,
        forwarder: &forwarder,
        old,
        deadline: Instant::now() + longest(&work.plan),
    };
    let Some(live) = has_traffic.filter(ours) else {
        let old = has_traffic.map(name_of);
        let lost = Unhealthy::because(LOST_EARLY);
        return Ok(change(old).not_switched(lost, half_made).await?);
    };
    // The lost worker stops the version before only when this one has soaked.
    let runs = |one: &&ContainerSummary| {
        one.state == Some(ContainerSummaryStateEnum::RUNNING) && name_of(one) != name_of(live)
    };
    let kept = |one: &&ContainerSummary| name_of(one) != name_of(live);
    let before = versions.iter().find(runs).or_else(|| versions.iter().find(kept)).map(name_of);
    let version = Version {
        // An id where no digest was known yet.
        digest: work.version.digest.clone().or_else(|| live.image_id.clone()),
        image: work.version.image.clone().or_else(|| live.image.clone()),
        ..work.version.clone()
    };
    let ports = forwarder.ports().await?;
    Ok(change(before).settle(name_of(live), &ports, version).await?)
}
