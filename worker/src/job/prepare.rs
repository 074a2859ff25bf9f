//! Before the file's own commands: the work tree, the image, the container.

use slipway_pipelines::names::CommitSha;
use slipway_pipelines::plan::{ImageBuild, JobImage, Phase};
use slipway_pipelines::wire::{AttemptEvent, JobOutcome, StepOutcome};
use uuid::Uuid;

use super::attempt::{Attempt, Halt};
use super::images;
use super::{deploys, engine, shell};
use crate::git::{Extra, TreeRequest, WorkTree};
use crate::sandbox::{Channel, ContainerSpec, Role, Sandbox as _};
use crate::script::{Program, SUDO, Source, commit_range, compose};

/// A job's container that is up, and the program for its shell.
pub(super) struct Ready {
    pub(super) container: String,
    /// What it is made of, by the name people know.
    pub(super) image: String,
    /// To the job's shell and back.
    pub(super) channel: Channel,
    pub(super) program: Program,
    /// The folder of the program, in the container.
    pub(super) program_dir: String,
    pub(super) nonce: String,
}

/// What the clone came to.
struct Cloned {
    tree: WorkTree,
    /// Of a pull request: the commit of the base that its head was merged into.
    base: Option<CommitSha>,
}

/// Brings the job's container up, with the work tree in it.
pub(super) async fn prepare(attempt: &Attempt<'_>) -> Result<Ready, Halt> {
    let plan = &attempt.work.plan;
    if plan.docker {
        quiet(attempt, "Open the job's engine".to_owned(), Box::pin(engine::open(attempt))).await?;
    }
    let commit = attempt.assignment.trigger.commit.short();
    let title = if plan.git.clone {
        format!("Clone at {commit}")
    } else {
        "No clone (`git.clone` is false)".to_owned()
    };
    let clone = quiet(attempt, title, clone(attempt));
    let (cloned, container, image) = match &plan.image {
        JobImage::Named { reference } => {
            // Neither needs the other.
            let make = quiet(attempt, format!("Image {reference}"), named(attempt, reference));
            let (cloned, container) = tokio::try_join!(clone, make)?;
            (cloned, container, reference.clone())
        }
        JobImage::Build(build) => {
            let Cloned { tree, base } = clone.await?;
            let title = format!("Build image from {}", build.context);
            let making = step(attempt, &title, built(attempt, build, tree));
            let (tree, container, image) = making.await?;
            (Cloned { tree, base }, container, image)
        }
    };
    let nonce = Uuid::new_v4().simple().to_string();
    let program = program(attempt, &nonce, cloned.base.as_ref());
    // Beside the work trees: no owner's name begins with a dot.
    let program_dir = format!("/build/.slipway-{}", &nonce[..12]);
    let start = start(attempt, &container, cloned.tree, beside(&program, &program_dir));
    let channel = quiet(attempt, "Start the container".to_owned(), start).await?;
    Ok(Ready { container, image, channel, program, program_dir, nonce })
}

/// What travels with the work tree.
fn beside(program: &Program, dir: &str) -> Vec<Extra> {
    let script = program.text.clone().into_bytes();
    vec![
        Extra { path: format!("{dir}/{}", shell::FILE), bytes: script, mode: 0o600 },
        Extra { path: format!("{dir}/bin/sudo"), bytes: SUDO.into(), mode: 0o755 },
    ]
}

fn program(attempt: &Attempt<'_>, nonce: &str, base: Option<&CommitSha>) -> Program {
    let plan = &attempt.work.plan;
    let mut builtin = attempt.builtin.clone();
    builtin.extend(base.map(|base| commit_range(attempt.assignment, base)).unwrap_or_default());
    compose(&Source {
        plan,
        builtin: &builtin,
        secrets: &attempt.work.secrets,
        nonce,
        build_dir: &attempt.build_dir,
        applies: &deploys::applying(plan, attempt.assignment),
    })
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

async fn clone(attempt: &Attempt<'_>) -> Result<Cloned, Halt> {
    let assignment = attempt.assignment;
    let mirrors = &attempt.worker.mirrors;
    let (source, trigger) = (&assignment.source, &assignment.trigger);
    let (options, at) = (&attempt.work.plan.git, attempt.build_dir.as_str());
    let cloned = async {
        if !options.clone {
            return anyhow::Ok(Cloned { tree: mirrors.no_work_tree(at).await?, base: None });
        }
        let mirror = mirrors.fetch(&assignment.repo, source, trigger).await?;
        let base = match trigger.event.pull_request() {
            Some(_) => mirrors.parent(&mirror, &trigger.commit, 1).await,
            None => None,
        };
        let request = TreeRequest { mirror: &mirror, source, trigger, options, at };
        Ok(Cloned { tree: mirrors.work_tree(request).await?, base })
    };
    cloned.await.map_err(|error| Halt::errored(format!("The commit can not be had: {error:#}.")))
}

/// A container of the image of that name.
async fn named(attempt: &Attempt<'_>, reference: &str) -> Result<String, Halt> {
    let names = &attempt.engine.names;
    let _nobody_lends_it =
        names.read(reference).await.map_err(|busy| Halt::errored(busy.to_string()))?;
    let made = container(attempt, reference.to_owned());
    // As a rule the image is there, and the engine needs no word of ours before.
    let (digest, made) = tokio::join!(attempt.engine.sandbox.image(reference), made);
    let (asked, digest) = (reference.to_owned(), digest?);
    attempt.reporter.event(AttemptEvent::ImageResolved { reference: asked, digest });
    match made {
        Ok(container) => Ok(container),
        Err(_) => container(attempt, reference.to_owned()).await,
    }
}

/// A container of the image that is built from the work tree, and what to call that image.
async fn built(
    attempt: &Attempt<'_>,
    build: &ImageBuild,
    tree: WorkTree,
) -> Result<(WorkTree, String, String), Halt> {
    let no_context = |error| Halt::errored(format!("No build context: {error:#}."));
    let (tree, tar) = tree.packed().await.map_err(no_context)?;
    let context =
        images::from_tree(&tar, &attempt.build_dir, &build.context).map_err(no_context)?;
    let digest = images::build(attempt, build, context, "job-image").await?;
    let reference = format!("build of {}", build.context);
    attempt.reporter.event(AttemptEvent::ImageResolved { reference, digest: digest.clone() });
    let name = format!("that is built from {}", build.context);
    Ok((tree, container(attempt, digest).await?, name))
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
        mounts: attempt.held.engine.get().map(|own| own.mounts()).unwrap_or_default(),
        ports: Vec::new(),
        owner: attempt.owner(),
    };
    let container = attempt.create(spec).await?;
    if let Some(own) = attempt.held.engine.get() {
        own.join(&container).await?;
    }
    Ok(container)
}

async fn start(
    attempt: &Attempt<'_>,
    container: &str,
    tree: WorkTree,
    extra: Vec<Extra>,
) -> Result<Channel, Halt> {
    let sandbox = &attempt.engine.sandbox;
    // Before it runs: it waits for no process in it.
    sandbox.upload_stream(container, tree.stream(extra)).await?;
    attempt.held.control.going().await;
    sandbox.start(container).await?;
    // After it: a start that has to be tried again closes what was attached before. The container
    // itself says nothing, so nothing is missed.
    Ok(sandbox.attach(container).await?)
}
