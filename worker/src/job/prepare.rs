//! Before the file's own commands: the work tree, the image, the container.

use slipway_pipelines::names::CommitSha;
use slipway_pipelines::plan::{ImageBuild, JobImage, Phase};
use slipway_pipelines::wire::{AttemptEvent, JobOutcome, StepOutcome};
use uuid::Uuid;

use super::attempt::{Attempt, Halt};
use super::snapshot::{Miss, Snapshot};
use super::start::{self, Made, Up, lay, made, up};
use super::{deploys, doors, engine, images, shell, shell_session, snapshot};
use crate::deploy::refuse_foreign;
use crate::engine_proxy::Turn;
use crate::git::{Extra, TreeRequest, WorkTree};
use crate::sandbox::{ContainerSpec, Role, Running, Sandbox as _, Starting, Waiting};
use crate::script::{
    EXTRA_CA, Program, ProgramSnapshot, SUDO, Source, ca_environment, commit_range, compose,
    functions,
};

/// A job's container that is up, and the program for its shell.
pub(super) struct Ready {
    pub(super) container: String,
    /// What it is made of, by the name people know.
    pub(super) image: String,
    /// To the job's shell and back.
    pub(super) waiting: Waiting,
    pub(super) program: Program,
    /// The folder of the program, in the container.
    pub(super) program_dir: String,
    pub(super) nonce: String,
    /// It began in a snapshot.
    pub(super) restored: bool,
    /// The snapshot that it is to leave.
    pub(super) snapshot: Option<Miss>,
    /// Held until the first command begins, and what the container was made to.
    pub(super) starting: Option<(Starting, ContainerSpec)>,
}

/// What the clone came to.
struct Cloned {
    tree: WorkTree,
    /// Of a pull request: the commit of the base that its head was merged into.
    base: Option<CommitSha>,
}

/// Brings the job's container up, with the work tree in it.
pub(super) async fn prepare(attempt: &Attempt<'_>) -> Result<Ready, Halt> {
    let starting = attempt.engine.sandbox.starting();
    let plan = &attempt.work.plan;
    if plan.docker {
        quiet(attempt, "Open the job's engine".to_owned(), Box::pin(engine::open(attempt))).await?;
    }
    let commit = attempt.assignment.trigger.commit.short();
    let title = match attempt.outside.here {
        _ if !plan.git.clone => "No clone (`git.clone` is false)".to_owned(),
        Some(here) => here.folder.title().to_owned(),
        None => format!("Clone at {commit}"),
    };
    let clone = quiet(attempt, title, clone(attempt));
    let Begun { cloned, up, image, snapshot } = Box::pin(begin(attempt, clone)).await?;
    let nonce = Uuid::new_v4().simple().to_string();
    let program = program(attempt, &nonce, cloned.base.as_ref(), snapshot.as_ref());
    // Beside the work trees: no owner's name begins with a dot.
    let program_dir = format!("/build/.slipway-{}", &nonce[..12]);
    let Up { mut running, spec, step } = up;
    let laid = async {
        if let Some(Snapshot::Hit(_)) = &snapshot {
            snapshot::make_room(attempt, &mut running, &cloned.tree).await?;
        }
        lay(attempt, &mut running, cloned.tree, beside(attempt, &program, &program_dir)).await
    };
    let laid = laid.await;
    attempt.reporter.end(step, outcome(&laid));
    laid?;
    let Running { container, waiting } = running;
    doors::say_ports(attempt, &container).await?;
    let starting = Some((starting, spec));
    let restored = matches!(snapshot, Some(Snapshot::Hit(_)));
    let snapshot = match snapshot {
        Some(Snapshot::Miss(miss)) => Some(miss),
        Some(Snapshot::Hit(_)) | None => None,
    };
    Ok(Ready {
        container,
        image,
        waiting,
        program,
        program_dir,
        nonce,
        restored,
        snapshot,
        starting,
    })
}

/// The job's container runs, and its work tree is there to be laid into it.
struct Begun {
    cloned: Cloned,
    up: Up,
    /// What the container is made of, by the name people know.
    image: String,
    snapshot: Option<Snapshot>,
}

/// Clones, and brings a container up; whichever needs nothing of the other does not wait for it.
async fn begin(
    attempt: &Attempt<'_>,
    clone: impl Future<Output = Result<Cloned, Halt>>,
) -> Result<Begun, Halt> {
    let plan = &attempt.work.plan;
    match &plan.image {
        JobImage::Named { reference } if plan.carry.snapshot.is_none() => {
            // Neither needs the other: the work tree is laid into a container that runs already.
            let up = async {
                let title = format!("Image {reference}");
                up(attempt, quiet(attempt, title, named(attempt, reference)).await?).await
            };
            let (cloned, up) = tokio::try_join!(clone, up)?;
            Ok(Begun { cloned, up, image: reference.clone(), snapshot: None })
        }
        JobImage::Named { reference } => {
            let _nobody_lends_it = unlent(attempt, reference).await?;
            // The key of the snapshot is made of both.
            let image = quiet(attempt, format!("Image {reference}"), resolved(attempt, reference));
            let (cloned, digest) = tokio::try_join!(clone, image)?;
            let snapshot = snapshot::look(attempt, &digest, &cloned.tree).await;
            let (up, snapshot) = start::of_image(attempt, reference.clone(), snapshot).await?;
            Ok(Begun { cloned, up, image: reference.clone(), snapshot })
        }
        JobImage::Build(build) => {
            let Cloned { tree, base } = clone.await?;
            let title = format!("Build image from {}", build.context);
            let making = step(attempt, &title, built(attempt, build, tree));
            let (tree, image, name) = making.await?;
            let snapshot = snapshot::look(attempt, &image, &tree).await;
            let (up, snapshot) = start::of_image(attempt, image, snapshot).await?;
            let cloned = Cloned { tree, base };
            Ok(Begun { cloned, up, image: name, snapshot })
        }
    }
}

/// What travels with the work tree.
fn beside(attempt: &Attempt<'_>, program: &Program, dir: &str) -> Vec<Extra> {
    let script = program.text.clone().into_bytes();
    let prompt = format!("job {}.{}", attempt.assignment.run_number, attempt.work.number);
    let visit = functions(&program.steps, dir, &prompt).into_bytes();
    let mut extra = vec![
        Extra { path: format!("{dir}/{}", shell_session::FILE), bytes: visit, mode: 0o600 },
        // Made here, so that it is root's alone whatever the job's umask is.
        Extra { path: format!("{dir}/left"), bytes: Vec::new(), mode: 0o600 },
        Extra { path: format!("{dir}/{}", shell::FILE), bytes: script, mode: 0o600 },
        Extra { path: format!("{dir}/bin/sudo"), bytes: SUDO.into(), mode: 0o755 },
    ];
    if let Some(certificates) = &attempt.worker.operator.extra_ca {
        let bytes = certificates.clone().into_bytes();
        extra.push(Extra { path: EXTRA_CA.to_owned(), bytes, mode: 0o644 });
    }
    extra
}

fn program(
    attempt: &Attempt<'_>,
    nonce: &str,
    base: Option<&CommitSha>,
    snapshot: Option<&Snapshot>,
) -> Program {
    let plan = &attempt.work.plan;
    let mut builtin = attempt.builtin.clone();
    if attempt.worker.operator.extra_ca.is_some() {
        builtin.extend(ca_environment());
    }
    builtin.extend(base.map(|base| commit_range(attempt.assignment, base)).unwrap_or_default());
    compose(&Source {
        plan,
        builtin: &builtin,
        secrets: &attempt.work.secrets,
        nonce,
        build_dir: &attempt.build_dir,
        applies: &deploys::applying(attempt),
        snapshot: match snapshot {
            Some(Snapshot::Hit(hit)) => ProgramSnapshot::From(hit.after),
            Some(Snapshot::Miss(miss)) => ProgramSnapshot::After(miss.after),
            None => ProgramSnapshot::None,
        },
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
pub(super) async fn quiet<T>(
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

/// How a step of the preparation ended.
pub(super) fn outcome<T>(result: &Result<T, Halt>) -> StepOutcome {
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
        if let Some(here) = attempt.outside.here {
            return Ok(Cloned { tree: here.folder.tree(options)?, base: None });
        }
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
async fn named(attempt: &Attempt<'_>, reference: &str) -> Result<(Made, ContainerSpec), Halt> {
    let _nobody_lends_it = unlent(attempt, reference).await?;
    let spec = spec(attempt, reference.to_owned())?;
    // As a rule the image is there, and the engine needs no word of ours before.
    let (digest, made) = tokio::join!(resolved(attempt, reference), made(attempt, &spec));
    digest?;
    match made {
        Ok(made) => Ok((made, spec)),
        Err(_) => Ok((start::made(attempt, &spec).await?, spec)),
    }
}

/// What the name means: digest or id.
async fn resolved(attempt: &Attempt<'_>, reference: &str) -> Result<String, Halt> {
    refuse_foreign(reference).map_err(|error| Halt::errored(format!("{error}.")))?;
    let log = attempt.reporter.log.as_ref();
    let digest = attempt.engine.sandbox.image(reference, log).await?;
    let (asked, digest_said) = (reference.to_owned(), digest.clone());
    attempt.reporter.event(AttemptEvent::ImageResolved { reference: asked, digest: digest_said });
    Ok(digest)
}

/// The image that is built from the work tree, and what to call it.
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
    Ok((tree, digest, name))
}

/// What the job's container is made to.
pub(super) fn spec(attempt: &Attempt<'_>, image: String) -> Result<ContainerSpec, Halt> {
    let limits = &attempt.work.limits;
    let services = &attempt.work.plan.services;
    let local_names = services.iter().map(|service| service.name.clone()).collect();
    let mut mounts = attempt.held.engine.get().map(|own| own.mounts()).unwrap_or_default();
    mounts.extend(doors::mounts(attempt)?);
    Ok(ContainerSpec {
        image,
        role: Role::Job { local_names },
        env: Vec::new(),
        memory_bytes: limits.memory_bytes,
        pids: limits.pids,
        cpu_millis: limits.cpu_millis,
        mounts,
        ports: doors::ports(attempt),
        owner: attempt.owner(),
    })
}

/// As long as this is held, the name means no image of another job's own engine.
async fn unlent(attempt: &Attempt<'_>, reference: &str) -> Result<Turn, Halt> {
    let turn = attempt.engine.names.read(reference).await;
    turn.map_err(|busy| Halt::errored(busy.to_string()))
}
