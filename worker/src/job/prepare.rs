//! Before the file's own commands: the work tree, the image, the container.

use slipway_pipelines::plan::{JobImage, Phase};
use slipway_pipelines::wire::{AttemptEvent, StepOutcome};

use super::images;
use super::job::{Attempt, Halt};
use crate::sandbox::{ContainerSpec, Net, Sandbox as _};

/// What the job's container does by itself: nothing, for ever.
const IDLE: &str = "while :; do sleep 3600; done";

/// Brings the job's container up, with the work tree in it. Gives its id.
pub(super) async fn prepare(attempt: &Attempt<'_>) -> Result<String, Halt> {
    let commit = attempt.assignment.trigger.commit.short();
    let tree = step(attempt, &format!("Clone at {commit}"), clone(attempt)).await?;
    let image = match &attempt.work.plan.image {
        JobImage::Named { reference } => {
            let get = named(attempt, reference);
            step(attempt, &format!("Image {reference}"), get).await?;
            reference.clone()
        }
        JobImage::Build(build) => {
            let context = images::from_tree(&tree, &attempt.build_dir, &build.context);
            let make = async {
                let context = context.map_err(|e| Halt::errored(format!("No build context: {e:#}.")))?;
                images::build(attempt, build, context, "job-image").await
            };
            let id = step(attempt, &format!("Build image from {}", build.context), make).await?;
            attempt.reporter.event(AttemptEvent::ImageResolved {
                reference: format!("build of {}", build.context),
                digest: id.clone(),
            });
            id
        }
    };
    step(attempt, "Start the container", start(attempt, image, tree)).await
}

/// Reports `work` as a step of the preparation.
pub(super) async fn step<T>(
    attempt: &Attempt<'_>,
    title: &str,
    work: impl Future<Output = Result<T, Halt>>,
) -> Result<T, Halt> {
    let reporter = &attempt.reporter;
    let step = reporter.begin(Phase::Prepare, title);
    reporter.say(title);
    let result = work.await;
    let outcome = match &result {
        Ok(_) => StepOutcome::Done,
        Err(Halt(outcome)) => StepOutcome::Failed { reason: sentence(outcome) },
    };
    reporter.end(step, outcome);
    result
}

/// What an outcome says.
pub(super) fn sentence(outcome: &slipway_pipelines::wire::JobOutcome) -> String {
    use slipway_pipelines::wire::JobOutcome;

    match outcome {
        JobOutcome::Passed => String::new(),
        JobOutcome::Failed { reason }
        | JobOutcome::Errored { reason }
        | JobOutcome::Canceled { reason } => reason.clone(),
    }
}

async fn clone(attempt: &Attempt<'_>) -> Result<Vec<u8>, Halt> {
    let assignment = attempt.assignment;
    let mirrors = &attempt.worker.mirrors;
    let tree = async {
        let mirror =
            mirrors.fetch(&assignment.repo, &assignment.source, &assignment.trigger).await?;
        let (source, trigger) = (&assignment.source, &assignment.trigger);
        mirrors.work_tree(&mirror, source, trigger, &attempt.build_dir).await
    };
    tree.await.map_err(|error| Halt::errored(format!("The commit can not be had: {error:#}.")))
}

async fn named(attempt: &Attempt<'_>, reference: &str) -> Result<(), Halt> {
    let digest = attempt.engine.sandbox.image(reference).await?;
    let reference = reference.to_owned();
    attempt.reporter.event(AttemptEvent::ImageResolved { reference, digest });
    Ok(())
}

async fn start(attempt: &Attempt<'_>, image: String, tree: Vec<u8>) -> Result<String, Halt> {
    let limits = &attempt.work.limits;
    let names = attempt.work.plan.services.iter().map(|service| service.name.clone()).collect();
    let spec = ContainerSpec {
        image,
        command: Some(["sh", "-c", IDLE].map(str::to_owned).into()),
        bare: true,
        env: Vec::new(),
        net: Net::Own { local_names: names },
        memory_bytes: limits.memory_bytes,
        pids: limits.pids,
        cpu_millis: limits.cpu_millis,
        owner: attempt.owner(),
    };
    let container = attempt.engine.sandbox.create(spec).await?;
    attempt.engine.sandbox.upload(&container, tree).await?;
    Ok(container)
}
