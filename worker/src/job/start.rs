//! The job's container: one that waited, or a new one, and the work tree in it.

use slipway_pipelines::ids::StepNumber;
use slipway_pipelines::plan::Phase;

use super::attempt::{Attempt, Halt};
use super::prepare::{outcome, spec};
use super::snapshot::{self, Snapshot};
use crate::git::{Extra, Packed, WorkTree};
use crate::sandbox::{ContainerSpec, Running, Sandbox as _};

/// A work tree of at most so many bytes is held in memory on its way.
const HELD_TREE: usize = 16 * 1024 * 1024;

/// A container of the job that is there.
pub(super) enum Made {
    /// It is to be started.
    Created(String),
    /// It waited for a job.
    Taken(Running),
}

/// A container of the job's image, or of its snapshot.
pub(super) async fn of_image(
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

/// A container that waited for a job, else a new one.
pub(super) async fn made(attempt: &Attempt<'_>, spec: &ContainerSpec) -> Result<Made, Halt> {
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
pub(super) struct Up {
    pub(super) running: Running,
    pub(super) spec: ContainerSpec,
    pub(super) step: StepNumber,
}

/// Starts it, if it does not run.
pub(super) async fn up(attempt: &Attempt<'_>, made: (Made, ContainerSpec)) -> Result<Up, Halt> {
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
pub(super) async fn lay(
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
