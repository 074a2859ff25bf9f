//! After a lost worker: what is true at the target.

use bollard::models::ContainerSummaryStateEnum;
use slipway_pipelines::plan::{ContainerDeploy, Provider, RegistryDeploy};
use slipway_pipelines::wire::{DeployProgress, VerifyWork};

use super::container::{Change, SOAK};
use super::engine::{self, name_of};
use super::forwarder::{Forwarder, written};
use super::health::{Unhealthy, Watch};
use super::names::{COMMIT, Service};
use super::{DeployContext, manifest, registry};

/// Looks at the target; returns the verdict, which the caller reports.
pub(super) async fn verify(ctx: &DeployContext<'_>, work: &VerifyWork) -> DeployProgress {
    let found = match &work.plan.provider {
        Provider::Registry(target) => in_registry(ctx, target, work).await,
        Provider::Container(target) => on_engine(ctx, target, work).await,
        Provider::Script { .. } => {
            Err("the worker was lost while the script ran: Slipway can not \
            see what it did; look at the target, then deploy again"
                .to_owned())
        }
        Provider::Unsupported { name } => Err(format!("Slipway has no deploy provider {name:?}")),
    };
    found.unwrap_or_else(|reason| DeployProgress::Failed { reason, evidence: Vec::new() })
}

async fn in_registry(
    ctx: &DeployContext<'_>,
    target: &RegistryDeploy,
    work: &VerifyWork,
) -> Result<DeployProgress, String> {
    let to = registry::destination(ctx, target)?;
    let Some(ours) = work.version.digest.as_deref() else {
        return Err("the worker was lost before it knew the digest it pushed".to_owned());
    };
    for tag in &to.tags {
        let theirs = manifest::digest(&to.repository, tag, to.login.as_ref()).await?;
        if theirs != ours {
            return Err(format!("{}:{tag} is {theirs}, not {ours}", to.repository.name));
        }
    }
    Ok(DeployProgress::Live { version: work.version.clone(), url: None })
}

async fn on_engine(
    ctx: &DeployContext<'_>,
    target: &ContainerDeploy,
    work: &VerifyWork,
) -> Result<DeployProgress, String> {
    let service = Service::new(ctx.repo, &target.name)?;
    let Some(forwarder) = Forwarder::find(ctx.docker, &service).await else {
        return Err("the worker was lost before the service had its forwarder".to_owned());
    };
    let Some(serving) = forwarder.target().await? else {
        return Err("the worker was lost before the new version got the traffic".to_owned());
    };
    let versions = engine::versions(ctx.docker, &service).await?;
    let ours = |one: &&bollard::models::ContainerSummary| {
        let commit = one.labels.as_ref().and_then(|labels| labels.get(COMMIT));
        commit.is_some_and(|commit| commit == work.version.commit.as_str())
    };
    let has_traffic = versions.iter().find(|one| name_of(one) == serving);
    let change = |old| Change { ctx, service: &service, forwarder: &forwarder, old };
    if has_traffic.filter(ours).is_none() {
        let reason = "the worker was lost before the new version got the traffic".to_owned();
        let unhealthy = Unhealthy { reason, evidence: Vec::new() };
        let half_made = versions.iter().find(ours).map(name_of);
        return change(Some(&serving)).not_switched(unhealthy, half_made).await;
    }
    let runs = |one: &&bollard::models::ContainerSummary| {
        one.state == Some(ContainerSummaryStateEnum::RUNNING) && name_of(one) != serving
    };
    let before = versions.iter().find(runs).map(name_of);
    let watch = Watch {
        docker: ctx.docker,
        forwarder: &forwarder,
        container: &serving,
        check: target.health.as_ref(),
        deadline: None,
    };
    match watch.soak(work.plan.soak.unwrap_or(SOAK)).await {
        Ok(_) => {
            change(before).retire(&serving).await?;
            let url = target.ports.first().map(|port| format!("http://127.0.0.1:{}/", port.host));
            Ok(DeployProgress::Live { version: work.version.clone(), url })
        }
        Err(unhealthy) => {
            let Some(before) = before else {
                let Unhealthy { reason, evidence } = unhealthy;
                return Ok(DeployProgress::Failed { reason, evidence });
            };
            forwarder.point(before, &written(&target.ports)).await?;
            change(Some(before)).not_switched(unhealthy, Some(&serving)).await
        }
    }
}
