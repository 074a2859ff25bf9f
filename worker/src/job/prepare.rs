//! Before the file's own commands: the work tree, the image, the container.

use slipway_pipelines::ids::StepNumber;
use slipway_pipelines::names::CommitSha;
use slipway_pipelines::plan::{ImageBuild, JobImage, Phase};
use slipway_pipelines::wire::{AttemptEvent, JobOutcome, StepOutcome};
use uuid::Uuid;

use super::attempt::{Attempt, Halt};
use super::snapshot::{Miss, Snapshot};
use super::{deploys, doors, engine, images, shell, shell_session, snapshot};
use crate::deploy::refuse_foreign;
use crate::engine_proxy::Turn;
use crate::git::{Extra, Packed, TreeRequest, WorkTree};
use crate::sandbox::{ContainerSpec, Role, Running, Sandbox as _, Starting, Waiting};
use crate::script::{
    EXTRA_CA, Program, ProgramSnapshot, SUDO, Source, ca_environment, commit_range, compose,
    functions,
};

/// A work tree of at most so many bytes is held in memory on its way.
const HELD_TREE: usize = 16 * 1024 * 1024;

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

/// A container of the job that is there.
enum Made {
    /// It is to be started.
    Created(String),
    /// It waited for a job.
    Taken(Running),
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
        quiet(attempt, "Open the job's engine".to_owned(), engine::open(attempt)).await?;
    }
    let commit = attempt.assignment.trigger.commit.short();
    let title = match attempt.outside.here {
        _ if !plan.git.clone => "No clone (`git.clone` is false)".to_owned(),
        Some(here) => here.folder.title().to_owned(),
        None => format!("Clone at {commit}"),
    };
    let clone = quiet(attempt, title, clone(attempt));
    let (cloned, up, image, snapshot) = match &plan.image {
        JobImage::Named { reference } if plan.carry.snapshot.is_none() => {
            // Neither needs the other: the work tree is laid into a container that runs already.
            let up = async {
                let title = format!("Image {reference}");
                up(attempt, quiet(attempt, title, named(attempt, reference)).await?).await
            };
            let (cloned, up) = tokio::try_join!(clone, up)?;
            (cloned, up, reference.clone(), None)
        }
        JobImage::Named { reference } => {
            let _nobody_lends_it = unlent(attempt, reference).await?;
            // The key of the snapshot is made of both.
            let image = quiet(attempt, format!("Image {reference}"), resolved(attempt, reference));
            let (cloned, digest) = tokio::try_join!(clone, image)?;
            let snapshot = snapshot::look(attempt, &digest, &cloned.tree).await;
            let (up, snapshot) = begun(attempt, reference.clone(), snapshot).await?;
            (cloned, up, reference.clone(), snapshot)
        }
        JobImage::Build(build) => {
            let Cloned { tree, base } = clone.await?;
            let title = format!("Build image from {}", build.context);
            let making = step(attempt, &title, built(attempt, build, tree));
            let (tree, image, name) = making.await?;
            let snapshot = snapshot::look(attempt, &image, &tree).await;
            let (up, snapshot) = begun(attempt, image, snapshot).await?;
            (Cloned { tree, base }, up, name, snapshot)
        }
    };
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

/// A container of the job's image, or of its snapshot.
async fn begun(
    attempt: &Attempt<'_>,
    image: String,
    snapshot: Option<Snapshot>,
) -> Result<(Up, Option<Snapshot>), Halt> {
    let snapshot = match snapshot {
        Some(Snapshot::Hit(hit)) => {
            let spec = spec(attempt, hit.image.clone())?;
            match made(attempt, &spec).await {
                Ok(made) => {
                    snapshot::say_hit(attempt, &hit);
                    let up = up(attempt, (made, spec)).await?;
                    return Ok((up, Some(Snapshot::Hit(hit))));
                }
                // It was removed a moment ago.
                Err(_) => Some(Snapshot::Miss(hit.missed())),
            }
        }
        other => other,
    };
    let spec = spec(attempt, image)?;
    let made = made(attempt, &spec).await?;
    Ok((up(attempt, (made, spec)).await?, snapshot))
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
        Err(_) => Ok((self::made(attempt, &spec).await?, spec)),
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

fn spec(attempt: &Attempt<'_>, image: String) -> Result<ContainerSpec, Halt> {
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

/// A container that waited for a job, else a new one.
async fn made(attempt: &Attempt<'_>, spec: &ContainerSpec) -> Result<Made, Halt> {
    attempt.held.control.going().await;
    if let Some(running) = attempt.engine.sandbox.take(spec).await {
        return Ok(Made::Taken(running));
    }
    let container = attempt.create(spec.clone()).await?;
    if let Some(own) = attempt.held.engine.get() {
        own.join(&container).await?;
    }
    Ok(Made::Created(container))
}

/// A container that runs. The step that started it ends when the work tree is in it.
struct Up {
    running: Running,
    spec: ContainerSpec,
    step: StepNumber,
}

async fn up(attempt: &Attempt<'_>, made: (Made, ContainerSpec)) -> Result<Up, Halt> {
    let (made, spec) = made;
    let title = match made {
        Made::Created(_) => "Start the container",
        Made::Taken(_) => "Take a container that runs already",
    };
    let step = attempt.reporter.begin(Phase::Prepare, title);
    attempt.reporter.say(title);
    let container = match made {
        Made::Taken(running) => return Ok(Up { running, spec, step }),
        Made::Created(container) => container,
    };
    let started = async {
        let sandbox = &attempt.engine.sandbox;
        attempt.held.control.going().await;
        sandbox.start(&container).await?;
        // After it: a start that has to be tried again closes what was attached before. The
        // container itself says nothing, so nothing is missed.
        Ok(sandbox.waiting(&container).await?)
    };
    let waiting = started.await;
    if waiting.is_err() {
        attempt.reporter.end(step, outcome(&waiting));
    }
    Ok(Up { running: Running { container, waiting: waiting? }, spec, step })
}

/// Puts the work tree into the container: by the shell that waits in it, which costs a tenth of the
/// engine's own way, as long as the tree is small enough to be held.
async fn lay(
    attempt: &Attempt<'_>,
    running: &mut Running,
    tree: WorkTree,
    extra: Vec<Extra>,
) -> Result<(), Halt> {
    let (sandbox, container) = (&attempt.engine.sandbox, &running.container);
    if !running.waiting.unpacks() {
        return Ok(sandbox.upload_stream(container, tree.stream(extra)).await?);
    }
    let packed = tree.packed_within(extra, HELD_TREE).await;
    match packed.map_err(|error| Halt::errored(format!("{error:#}.")))? {
        Packed::Large(tree, extra) => {
            Ok(sandbox.upload_stream(container, tree.stream(extra)).await?)
        }
        Packed::Whole(tar) => {
            if !running.waiting.unpack(&tar).await? {
                sandbox.upload(container, tar).await?;
            }
            Ok(())
        }
    }
}
