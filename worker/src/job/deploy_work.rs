//! A deploy attempt: what is done about a deployment without its job. It is brought to its target,
//! an earlier version is brought back, or, after a worker was lost, somebody looks what is true.

use std::collections::BTreeMap;
use std::sync::Arc;

use slipway_pipelines::plan::{Provider, RegistryDeploy};
use slipway_pipelines::wire::{
    Assignment, AttemptEvent, Carried, CarriedImage, DeployAction, DeployProgress, DeployWork,
    JobOutcome,
};

use super::events::Reporter;
use super::{BlobStore, Outside, deploy_tree, deploys};
use crate::deploy::{DeployContext, DeployOutcome, LocalImage, WorkTree, deploy, rollback, verify};
use crate::runner::Worker;
use crate::script::trigger_environment;

/// Does it, and reports the verdict.
pub(super) async fn run(
    worker: &Worker,
    assignment: &Assignment,
    work: &DeployWork,
    outside: Outside<'_>,
    reporter: Arc<Reporter>,
) -> JobOutcome {
    let Some(engine) = &worker.engine else {
        let reason = "This worker has no container engine and can not see to the target.";
        return JobOutcome::Errored { reason: reason.to_owned() };
    };
    let known = &work.known;
    let deployment = known.deployment;
    let progress = |progress| {
        let at = chrono::Utc::now();
        reporter.event(AttemptEvent::Deployment { deployment, progress, at });
    };
    let brought = match brought(worker, work, outside.blobs, &engine.docker).await {
        Ok(brought) => brought,
        Err(reason) => {
            reporter.say(&format!("Not deployed: {reason}."));
            progress(DeployProgress::Failed { reason: reason.clone(), evidence: Vec::new() });
            return JobOutcome::Failed { reason };
        }
    };
    let ctx = DeployContext {
        docker: &engine.docker,
        repo: &assignment.repo,
        deployment,
        commit: &known.version.commit,
        env: deploys::with_own(trigger_environment(assignment), &work.env),
        secrets: &known.secrets,
        images: &brought.images,
        tree: brought.tree.as_ref().map(|tree| tree as &dyn WorkTree),
        aws: &worker.aws,
        previous: known.previous.as_ref(),
        previous_rendered: known.previous_rendered.as_deref(),
        promoted: work.promoted.as_ref(),
        ambient: known.ambient,
        log: reporter.log.as_ref(),
        progress: &progress,
    };
    // Boxed: what providers hold is large.
    let outcome = match &work.action {
        DeployAction::Apply { .. } => Box::pin(deploy(&ctx, &known.plan)).await.outcome,
        DeployAction::Rollback { to, rendered } => {
            Box::pin(rollback(&ctx, &known.plan, to, rendered.as_deref())).await
        }
        DeployAction::Verify => {
            // Whatever the verdict, it was found: that is what this attempt was for.
            let _told_by_progress = Box::pin(verify(&ctx, known)).await;
            return JobOutcome::Passed;
        }
    };
    match outcome {
        DeployOutcome::Live => JobOutcome::Passed,
        DeployOutcome::Failed { reason } | DeployOutcome::RolledBack { reason } => {
            JobOutcome::Failed { reason }
        }
    }
}

/// What it has of its job.
#[derive(Default)]
struct Brought {
    images: BTreeMap<String, LocalImage>,
    tree: Option<deploy_tree::KeptTree>,
}

async fn brought(
    worker: &Worker,
    work: &DeployWork,
    blobs: &dyn BlobStore,
    docker: &bollard::Docker,
) -> Result<Brought, String> {
    let DeployAction::Apply { carried: Carried { tree, images } } = &work.action else {
        return Ok(Brought::default());
    };
    let image = |(name, image): (&String, &CarriedImage)| {
        (name.clone(), LocalImage { id: image.id.clone(), pushed: image.pushed.clone() })
    };
    let images: BTreeMap<_, _> = images.iter().map(image).collect();
    if let Some(name) = named(&work.known.plan.provider)
        && let Some(built) = images.get(name)
        && docker.inspect_image(&built.id).await.is_err()
    {
        return Err(format!(
            "the image {name} that its job built is not on this worker's engine any more: push it \
             with `provider: registry` before the approval, and name what was pushed"
        ));
    }
    let tree = match tree {
        None => None,
        Some(sha256) => {
            let of = work.known.deployment;
            Some(deploy_tree::fetch(&worker.spool, blobs, of, sha256).await?)
        }
    };
    Ok(Brought { images, tree })
}

/// The image that has to be on the engine.
fn named(provider: &Provider) -> Option<&str> {
    match provider {
        Provider::Registry(RegistryDeploy { image, .. }) => Some(image),
        Provider::Container(target) => Some(&target.image.0),
        Provider::Elasticbeanstalk(_)
        | Provider::Kubernetes(_)
        | Provider::S3(_)
        | Provider::Script { .. }
        | Provider::Unsupported { .. } => None,
    }
}
