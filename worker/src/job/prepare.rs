//! Before the file's own commands: the work tree, the image, the container.

use slipway_pipelines::plan::{ImageBuild, JobImage, Phase};
use slipway_pipelines::wire::{AttemptEvent, JobOutcome, StepOutcome};
use uuid::Uuid;

use super::attempt::{Attempt, Halt};
use super::images;
use super::{deploys, shell};
use crate::git::{Extra, TreeRequest};
use crate::sandbox::{Channel, ContainerSpec, Role, Sandbox as _};
use crate::script::{Program, Source, compose};

/// A job's container that is up, and the program for its shell.
pub(super) struct Ready {
    pub(super) container: String,
    /// To the job's shell and back.
    pub(super) channel: Channel,
    pub(super) program: Program,
    /// The folder of the program, in the container.
    pub(super) program_dir: String,
    pub(super) nonce: String,
}

/// Brings the job's container up, with the work tree in it.
pub(super) async fn prepare(attempt: &Attempt<'_>) -> Result<Ready, Halt> {
    let plan = &attempt.work.plan;
    let nonce = Uuid::new_v4().simple().to_string();
    let program = compose(&Source {
        plan,
        builtin: &attempt.builtin,
        secrets: &attempt.work.secrets,
        nonce: &nonce,
        build_dir: &attempt.build_dir,
        applies: &deploys::applying(plan, attempt.assignment),
    });
    // Beside the work trees: no owner's name begins with a dot.
    let program_dir = format!("/build/.slipway-{}", &nonce[..12]);
    let script = Extra {
        path: format!("{program_dir}/{}", shell::FILE),
        bytes: program.text.clone().into_bytes(),
    };
    let commit = attempt.assignment.trigger.commit.short();
    let clone = quiet(attempt, format!("Clone at {commit}"), clone(attempt, script));
    let (tree, container) = match &plan.image {
        JobImage::Named { reference } => {
            // Neither needs the other.
            let make = quiet(attempt, format!("Image {reference}"), named(attempt, reference));
            tokio::try_join!(clone, make)?
        }
        JobImage::Build(build) => {
            let tree = clone.await?;
            let title = format!("Build image from {}", build.context);
            let container = step(attempt, &title, built(attempt, build, &tree)).await?;
            (tree, container)
        }
    };
    let up = quiet(attempt, "Start the container".to_owned(), start(attempt, &container, tree));
    let channel = up.await?;
    Ok(Ready { container, channel, program, program_dir, nonce })
}

/// Reports `work` as a step of the preparation, with what it writes in the meantime.
pub(super) async fn step<T>(
    attempt: &Attempt<'_>,
    title: &str,
    work: impl Future<Output = Result<T, Halt>>,
) -> Result<T, Halt> {
    let reporter = &attempt.reporter;
    let step = reporter.begin(Phase::Prepare, title);
    reporter.say(title);
    let result = work.await;
    reporter.end(step, outcome(&result));
    result
}

/// Reports `work`, which writes nothing, as a step: others may run beside it.
async fn quiet<T>(
    attempt: &Attempt<'_>,
    title: String,
    work: impl Future<Output = Result<T, Halt>>,
) -> Result<T, Halt> {
    let reporter = &attempt.reporter;
    let step = reporter.begin(Phase::Prepare, &title);
    reporter.say(&title);
    let to = reporter.log.offset();
    let result = work.await;
    reporter.end_at(step, outcome(&result), to, chrono::Utc::now());
    result
}

fn outcome<T>(result: &Result<T, Halt>) -> StepOutcome {
    match result {
        Ok(_) => StepOutcome::Done,
        Err(Halt(outcome)) => StepOutcome::Failed { reason: sentence(outcome).to_owned() },
    }
}

/// What an outcome says.
pub(super) fn sentence(outcome: &JobOutcome) -> &str {
    match outcome {
        JobOutcome::Passed => "",
        JobOutcome::Failed { reason }
        | JobOutcome::Errored { reason }
        | JobOutcome::Canceled { reason } => reason,
    }
}

async fn clone(attempt: &Attempt<'_>, script: Extra) -> Result<Vec<u8>, Halt> {
    let assignment = attempt.assignment;
    let mirrors = &attempt.worker.mirrors;
    let (source, trigger) = (&assignment.source, &assignment.trigger);
    let tree = async {
        let mirror = mirrors.fetch(&assignment.repo, source, trigger).await?;
        let (at, extra) = (attempt.build_dir.as_str(), vec![script]);
        mirrors.work_tree(TreeRequest { mirror: &mirror, source, trigger, at, extra }).await
    };
    tree.await.map_err(|error| Halt::errored(format!("The commit can not be had: {error:#}.")))
}

/// A container of the image of that name.
async fn named(attempt: &Attempt<'_>, reference: &str) -> Result<String, Halt> {
    let digest = attempt.engine.sandbox.image(reference).await?;
    let asked = reference.to_owned();
    attempt.reporter.event(AttemptEvent::ImageResolved { reference: asked, digest });
    container(attempt, reference.to_owned()).await
}

/// A container of the image that is built from the work tree.
async fn built(attempt: &Attempt<'_>, build: &ImageBuild, tree: &[u8]) -> Result<String, Halt> {
    let context = images::from_tree(tree, &attempt.build_dir, &build.context)
        .map_err(|error| Halt::errored(format!("No build context: {error:#}.")))?;
    let digest = images::build(attempt, build, context, "job-image").await?;
    let reference = format!("build of {}", build.context);
    attempt.reporter.event(AttemptEvent::ImageResolved { reference, digest: digest.clone() });
    container(attempt, digest).await
}

async fn container(attempt: &Attempt<'_>, image: String) -> Result<String, Halt> {
    let limits = &attempt.work.limits;
    let services = &attempt.work.plan.services;
    let local_names = services.iter().map(|service| service.name.clone()).collect();
    let spec = ContainerSpec {
        image,
        role: Role::Job { local_names },
        env: Vec::new(),
        memory_bytes: limits.memory_bytes,
        pids: limits.pids,
        cpu_millis: limits.cpu_millis,
        owner: attempt.owner(),
    };
    attempt.create(spec).await
}

async fn start(attempt: &Attempt<'_>, container: &str, tree: Vec<u8>) -> Result<Channel, Halt> {
    let sandbox = &attempt.engine.sandbox;
    // Before it runs: neither waits for a process in it.
    let (channel, ()) =
        tokio::try_join!(sandbox.attach(container), sandbox.upload(container, tree))?;
    attempt.held.control.going().await;
    sandbox.start(container).await?;
    Ok(channel)
}
