//! A job attempt from its clone to its outcome.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use slipway_pipelines::plan::PhasePlan;
use slipway_pipelines::wire::{Assignment, JobOutcome, JobWork, Secret};

use super::events::Reporter;
use super::{Held, Outside, clean_up, keep, packages, phases, prepare, services, watch};
use crate::deploy::LocalImage;
use crate::runner::{Engine, Worker};
use crate::sandbox::{ContainerSpec, Owner, Sandbox as _, SandboxError};
use crate::script::builtin_environment;

/// What every step of a job attempt has at hand.
pub(super) struct Attempt<'a> {
    pub(super) worker: &'a Worker,
    pub(super) engine: &'a Engine,
    pub(super) assignment: &'a Assignment,
    pub(super) work: &'a JobWork,
    pub(super) outside: Outside<'a>,
    pub(super) reporter: Arc<Reporter>,
    pub(super) held: &'a Held,
    /// Where the work tree is, in the container.
    pub(super) build_dir: String,
    /// Variables every job has.
    pub(super) builtin: Vec<(String, String)>,
    /// The images it built, by name.
    pub(super) images: Mutex<BTreeMap<String, LocalImage>>,
    /// The services whose containers it made.
    services: Mutex<Vec<services::Began>>,
}

/// The job stops here, with this outcome.
pub(super) struct Halt(pub(super) JobOutcome);

impl From<SandboxError> for Halt {
    fn from(error: SandboxError) -> Self {
        Self::errored(error.sentence)
    }
}

impl Halt {
    /// The set-up failed.
    pub(super) fn errored(reason: impl Into<String>) -> Self {
        Self(JobOutcome::Errored { reason: reason.into() })
    }
}

impl Attempt<'_> {
    /// Whose its containers are.
    pub(super) fn owner(&self) -> Owner {
        Owner { worker: self.worker.id, job: self.work.job, attempt: self.assignment.attempt }
    }

    /// Makes a container that is found and removed even if nobody waits for it any more.
    pub(super) async fn create(&self, spec: ContainerSpec) -> Result<String, Halt> {
        self.held.control.going().await;
        let sandbox = self.engine.sandbox.clone();
        let made = self.held.making.spawn(async move { sandbox.create(spec).await });
        let made = made.await.map_err(|error| Halt::errored(format!("{error}.")))?;
        Ok(made?)
    }

    /// The images it built.
    pub(super) fn images(&self) -> MutexGuard<'_, BTreeMap<String, LocalImage>> {
        self.images.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The services whose containers it made.
    pub(super) fn services(&self) -> MutexGuard<'_, Vec<services::Began>> {
        self.services.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The job's secret of this name.
    pub(super) fn secret(&self, name: &str) -> Option<&Secret> {
        self.work.secrets.iter().find(|secret| secret.name.as_str() == name)
    }
}

/// Executes a job.
pub(super) async fn job(
    worker: &Worker,
    assignment: &Assignment,
    work: &JobWork,
    outside: Outside<'_>,
    reporter: Arc<Reporter>,
    held: &Held,
) -> JobOutcome {
    let Some(engine) = &worker.engine else {
        let reason = "This worker has no container engine: start one, or give it another worker.";
        return JobOutcome::Errored { reason: reason.to_owned() };
    };
    let repo = &assignment.repo;
    let build_dir = format!("/build/{}/{}", repo.owner(), repo.name());
    let attempt = Attempt {
        worker,
        engine,
        assignment,
        work,
        outside,
        builtin: builtin_environment(assignment, work, &build_dir),
        build_dir,
        reporter: Arc::clone(&reporter),
        held,
        images: Mutex::default(),
        services: Mutex::default(),
    };
    let outcome = tokio::select! {
        ended = Box::pin(steps(&attempt)) => {
            let outcome = ended.unwrap_or_else(|Halt(outcome)| outcome);
            services::keep_logs(&attempt, &outcome).await;
            outcome
        }
        stopped = watch::watch(&attempt) => {
            services::keep_logs(&attempt, &stopped).await;
            reporter.break_off(prepare::sentence(&stopped));
            worker.rooms.close(assignment.attempt, prepare::sentence(&stopped));
            // Nothing of it runs any more when people are told that it was stopped.
            clean_up(worker, assignment, held).await;
            stopped
        }
    };
    reporter.break_off("The job ended before it.");
    let reason = prepare::sentence(&outcome);
    match &outcome {
        JobOutcome::Passed => reporter.say("\nThe job passed."),
        JobOutcome::Failed { .. } => reporter.say(&format!("\nThe job failed: {reason}")),
        JobOutcome::Errored { .. } => reporter.say(&format!("\nThe job errored: {reason}")),
        JobOutcome::Canceled { .. } => reporter.say(&format!("\nThe job was canceled: {reason}")),
    }
    keep::decide(&attempt, &outcome).await;
    outcome
}

async fn steps(attempt: &Attempt<'_>) -> Result<JobOutcome, Halt> {
    let plan = &attempt.work.plan;
    let has_script = !matches!(plan.phases.script, PhasePlan::Absent);
    if !has_script && plan.images.is_empty() && plan.deploys.is_empty() {
        return Err(Halt::errored("The file has no script for this job."));
    }
    let ready = Box::pin(prepare::prepare(attempt)).await?;
    keep::open(attempt, &ready);
    let around = async {
        let services = services::start(attempt, &ready.container).await?;
        if !ready.restored {
            packages::install(attempt, &ready.container, &ready.image).await?;
        }
        Ok(services)
    };
    let services = match around.await {
        Ok(services) => services,
        Err(halt) => {
            let cause = no_shell(attempt, &ready.container, &ready.image).await;
            return Err(cause.unwrap_or(halt));
        }
    };
    tokio::select! {
        outcome = phases::run(attempt, ready) => outcome,
        dead = services::watch(attempt, &services) => Err(dead),
    }
}

/// What failed beside a job's container fails for want of it, if that has ended: it is a shell.
async fn no_shell(attempt: &Attempt<'_>, container: &str, image: &str) -> Option<Halt> {
    let sandbox = &attempt.engine.sandbox;
    let runs = sandbox.is_running(container).await.unwrap_or(true);
    if runs { None } else { Some(Halt::errored(sandbox.no_shell(image).await)) }
}
