//! Containers that run before anybody wants them, of the images that this worker uses most.
//!
//! One in the pool has run nothing but a shell that waits: no job, no repo, no level of trust has
//! touched it, so whoever takes it gets what a new one would be. It is taken once and removed with
//! its job; nothing ever comes back. Labels of a container can not be changed, so one that is taken
//! is known as its attempt's by this list, and by its new name to people; after a kill -9 the label
//! of the worker, which all have, finds it.

mod tend;
mod usage;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bollard::models::ContainerUpdateBody;
use slipway_pipelines::ids::AttemptId;
use tokio::sync::{Notify, oneshot};

use super::DockerSandbox;
use crate::sandbox::{ContainerSpec, Role, Running, Waiting};
use crate::script::quoted;
use usage::{Recipe, Usage};

/// Longest wait for one that is being made: a new one takes no longer.
const SOON: Duration = Duration::from_secs(5);

/// The pool of a sandbox.
pub(crate) struct Pool {
    /// At most so many wait.
    size: usize,
    /// Where what is used is written down; none: nowhere.
    file: Option<PathBuf>,
    state: Mutex<State>,
    /// Jobs that are being started.
    starting: AtomicUsize,
    /// Something changed that the pool may have to follow.
    changed: Notify,
}

#[derive(Default)]
struct State {
    idle: Vec<Idle>,
    /// The image of the one that is being made, and who waits for it.
    making: Option<(String, Option<oneshot::Sender<()>>)>,
    /// Whose those are that were taken, until they are removed.
    taken: HashMap<String, AttemptId>,
    /// Taken, and not yet called after their attempt.
    unnamed: Vec<(String, AttemptId)>,
    /// Tries in a row that failed, and of which image.
    failed: Option<(String, u32)>,
    usage: Usage,
}

/// One that waits.
struct Idle {
    recipe: Recipe,
    /// What the image's name meant when it was made.
    image_id: String,
    container: String,
    waiting: Waiting,
    since: Instant,
}

/// A job is being started, as long as this is held.
pub(crate) struct Starting(Arc<Pool>);

impl Drop for Starting {
    fn drop(&mut self) {
        self.0.starting.fetch_sub(1, Ordering::AcqRel);
        self.0.changed.notify_one();
    }
}

impl Pool {
    /// A pool of so many, which remembers in this file what is used.
    pub(crate) fn new(size: usize, file: Option<PathBuf>) -> Self {
        let known = file.as_deref().filter(|_| size > 0);
        let usage = known.map(Usage::read).unwrap_or_default();
        Self {
            size,
            file,
            state: Mutex::new(State { usage, ..Default::default() }),
            starting: AtomicUsize::new(0),
            changed: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A job is being started.
    pub(super) fn starting(self: &Arc<Self>) -> Starting {
        self.starting.fetch_add(1, Ordering::AcqRel);
        Starting(Arc::clone(self))
    }

    /// A job of such a container runs.
    pub(super) fn began(&self, spec: &ContainerSpec) {
        if self.size == 0 {
            return;
        }
        if let Some(recipe) = Recipe::of(spec) {
            self.state().usage.add(recipe);
        }
        self.changed.notify_one();
    }

    /// Those of an attempt that were taken.
    pub(super) fn of(&self, attempt: AttemptId) -> Vec<String> {
        let state = self.state();
        let of = state.taken.iter().filter(|(_, owner)| **owner == attempt);
        of.map(|(container, _)| container.clone()).collect()
    }

    /// It is removed.
    pub(super) fn removed(&self, container: &str) {
        self.state().taken.remove(container);
    }

    /// One of this image is being made and nobody waits for it yet: whoever does has it sooner than
    /// one that begins now.
    fn soon(&self, image: &str) -> Option<oneshot::Receiver<()>> {
        let mut state = self.state();
        if state.idle.iter().any(|idle| idle.recipe.image == image) {
            return None;
        }
        let (_, waits) = state.making.as_mut().filter(|(making, _)| making == image)?;
        if waits.is_some() {
            return None;
        }
        let (sender, receiver) = oneshot::channel();
        *waits = Some(sender);
        Some(receiver)
    }

    /// One that can be made to this spec is the owner's from here on, whatever becomes of whoever
    /// asked: its limits are right already, if there is one like that.
    fn pick(&self, spec: &ContainerSpec, recipe: &Recipe) -> Option<Idle> {
        let mut state = self.state();
        let mut fits =
            state.idle.iter().enumerate().filter(|(_, idle)| idle.recipe.image == spec.image);
        let first = fits.next()?;
        let place = std::iter::once(first)
            .chain(fits)
            .min_by_key(|(_, idle)| !idle.recipe.is_limited_as(recipe))
            .map(|(place, _)| place)?;
        let idle = state.idle.swap_remove(place);
        state.taken.insert(idle.container.clone(), spec.owner.attempt);
        state.unnamed.push((idle.container.clone(), spec.owner.attempt));
        Some(idle)
    }
}

impl DockerSandbox {
    /// A container of the pool that is now as `spec` would make it. One that is of no use any more
    /// is removed with the attempt's others.
    pub(super) async fn take_warm(&self, spec: &ContainerSpec) -> Option<Running> {
        let Role::Job { local_names } = &spec.role else { return None };
        let recipe = Recipe::of(spec)?;
        if let Some(made) = self.pool.soon(&spec.image) {
            let _made_or_not = tokio::time::timeout(SOON, made).await;
        }
        let mut idle = self.pool.pick(spec, &recipe)?;
        if !idle.waiting.is_alive() {
            tracing::debug!(container = idle.container, "one of the pool has ended");
            return None;
        }
        let limited = async {
            idle.recipe.is_limited_as(&recipe) || self.limit(&idle.container, &recipe).await
        };
        let (image, limited) = tokio::join!(self.docker.inspect_image(&spec.image), limited);
        let same = image.ok().and_then(|image| image.id).is_some_and(|id| id == idle.image_id);
        if !same || !limited {
            tracing::debug!(container = idle.container, same, limited, "one of the pool is old");
            return None;
        }
        let named = local_names.is_empty()
            || matches!(idle.waiting.run(&hosts(local_names)).await, Ok(true));
        let Idle { container, waiting, .. } = idle;
        named.then_some(Running { container, waiting })
    }

    async fn limit(&self, container: &str, recipe: &Recipe) -> bool {
        let memory = i64::try_from(recipe.memory_bytes).unwrap_or(i64::MAX);
        let limits = ContainerUpdateBody {
            memory: Some(memory),
            memory_swap: Some(memory),
            pids_limit: Some(i64::from(recipe.pids)),
            nano_cpus: Some(i64::from(recipe.cpu_millis) * 1_000_000),
            ..Default::default()
        };
        match self.docker.update_container(container, limits).await {
            Ok(()) => true,
            Err(error) => {
                tracing::debug!(container, %error, "limits can not be changed");
                false
            }
        }
    }
}

/// What the engine would have written for a container that is made with these names.
fn hosts(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    format!("printf '127.0.0.1\\t%s\\n' {} >>/etc/hosts", names.join(" "))
}
