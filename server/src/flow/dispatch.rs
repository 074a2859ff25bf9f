//! Gives work to workers.

use std::time::Duration;

use chrono::{DateTime, SubsecRound, Utc};
use slipway_pipelines::ids::{AttemptId, AttemptNumber, JobId, RunId, RunNumber, WorkerId};
use slipway_pipelines::lifecycle::{JobEvent, RunEvent, RunState};
use slipway_pipelines::names::RepoName;
use slipway_pipelines::plan::{SecretScope, Trigger};
use slipway_pipelines::wire::{
    Assignment, DeployAction, DeployWork, GitSource, JobWork, Lane, PlanWork, Secret, SecretText,
    Trust, VerifyWork, Work,
};

use super::{FlowError, reap, room, schedule};
use crate::db::assignments::{Assignment as Handed, Kind};
use crate::db::claims::{self, Leased};
use crate::db::deployments::{self, Deployment};
use crate::db::repos::{self, Repo, RepoKind};
use crate::db::runs::{self, Run};
use crate::db::secrets::{self, Unopened};
use crate::db::{Tx, environments, jobs, new_id, shells, workers};
use crate::state::Server;

/// So often a claim looks again when others were just claiming what it found.
const CONTENDED: u32 = 8;

/// A leased piece of work, still without the token that its attempt will write with.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The attempt.
    pub attempt: AttemptId,
    /// Which try.
    pub number: AttemptNumber,
    /// The repo.
    pub repo: RepoName,
    /// The run.
    pub run: RunId,
    /// The run's number.
    pub run_number: RunNumber,
    /// Where the commit comes from.
    pub source: GitSource,
    /// Why the run exists.
    pub trigger: Trigger,
    /// What to do.
    pub work: Work,
}

impl Claimed {
    /// What the worker is sent.
    #[must_use]
    pub fn with_token(self, token: SecretText, lease: Duration) -> Assignment {
        Assignment {
            attempt: self.attempt,
            number: self.number,
            token,
            lease_seconds: lease.as_secs(),
            repo: self.repo,
            run: self.run,
            run_number: self.run_number,
            source: self.source,
            trigger: self.trigger,
            work: self.work,
        }
    }
}

/// What a claim comes to.
#[derive(Debug)]
pub enum Turn {
    /// Work for it.
    Work(Box<Claimed>),
    /// There is none for it now.
    Nothing,
    /// It takes no more.
    Draining,
}

/// Leases the front of the lane's queue to the worker, as far as it has room for it.
///
/// # Errors
/// [`FlowError::Fenced`] when another process registered as this worker: register again.
pub async fn claim(
    server: &Server,
    worker: WorkerId,
    generation: i32,
    lane: Lane,
    room_bytes: Option<u64>,
) -> Result<Turn, FlowError> {
    let mut contended = 0;
    loop {
        let attempt: AttemptId = new_id();
        let mut tx = server.db.begin().await?;
        let held = workers::hold(&mut tx, worker, generation).await?.ok_or(FlowError::Fenced)?;
        if held.draining {
            return Ok(Turn::Draining);
        }
        let wanted = room::wanted(lane, &held, room_bytes);
        let lease = server.config.lease;
        let assignment = match claims::lease_front(&mut tx, &wanted, attempt, worker, lease).await?
        {
            Leased::Assignment(assignment) => assignment,
            // Whoever has the row in hand gives it up or takes it within a moment.
            Leased::Contended if contended < CONTENDED => {
                contended += 1;
                continue;
            }
            Leased::Contended | Leased::Nothing => {
                drop(tx);
                if held.due {
                    workers::seen(&server.db, worker).await?;
                }
                return Ok(Turn::Nothing);
            }
        };
        // As exact as Postgres stores it: the same when it is read back.
        let at = Utc::now().trunc_subsecs(6);
        let claim = Claim { server, attempt, number: assignment.attempt, worker, at };
        match claim.hand_out(&mut tx, &assignment).await {
            Ok((mut claimed, repo)) => {
                tx.commit().await?;
                // No row is locked any more: GitHub may take its time.
                claimed.source.credential = credential(server, &claimed.work, &repo).await;
                return Ok(Turn::Work(Box::new(claimed)));
            }
            // What can not be handed out must not stand in the way of what is behind it.
            Err(FlowError::Internal(error)) => {
                drop(tx);
                tracing::error!(assignment = %assignment.id, error = format!("{error:#}"),
                    "work can not be handed out");
                reap::give_up_queued(server, assignment.id, &sentence(&error)).await?;
            }
            Err(error) => return Err(error),
        }
    }
}

/// What the worker needs to fetch a private repo of GitHub's. Where GitHub does not give it, the
/// work goes out without: its worker says that the repo can not be read, and nothing waits.
async fn credential(server: &Server, work: &Work, repo: &Repo) -> Option<SecretText> {
    let fetches = match work {
        Work::Plan(_) | Work::Job(_) => true,
        Work::Deploy(_) => false,
    };
    if fetches { read_credential(server, repo).await } else { None }
}

/// A credential that may read this repo and no other, where it takes one.
pub(super) async fn read_credential(server: &Server, repo: &Repo) -> Option<SecretText> {
    let github = server.github.as_ref()?;
    if !repo.private || repo.kind != RepoKind::Github {
        return None;
    }
    match github.clone_credential(&repo.name, &repo.clone_url).await {
        Ok(credential) => credential,
        Err(error) => {
            tracing::error!(repo = %repo.name, %error, "there is no credential to fetch it with");
            None
        }
    }
}

/// What people are told of work that can not be handed out.
fn sentence(error: &anyhow::Error) -> String {
    match error.downcast_ref::<Unopened>() {
        Some(unopened) => unopened.to_string(),
        None => "the server could not hand it to a worker; its log has the cause".to_owned(),
    }
}

struct Claim<'a> {
    server: &'a Server,
    attempt: AttemptId,
    number: AttemptNumber,
    worker: WorkerId,
    at: DateTime<Utc>,
}

impl Claim<'_> {
    // Jobs are locked before runs everywhere.
    async fn hand_out(&self, tx: &mut Tx, leased: &Handed) -> Result<(Claimed, Repo), FlowError> {
        let (run, repo, work) = match leased.kind {
            Kind::Plan => {
                let run = runs::look(tx, leased.run).await?;
                let repo = repos::by_id(tx, run.repo).await?;
                let (default_branch, images) =
                    (repo.default_branch.clone(), self.server.config.images.clone());
                (run, repo, Work::Plan(PlanWork { default_branch, images }))
            }
            Kind::Job(job) => {
                let (run, mut work) = self.job(tx, job).await?;
                let repo = repos::by_id(tx, run.repo).await?;
                work.secrets = self.secrets(tx, &run, &work.plan.secrets).await?;
                let page = schedule::run_url(self.server, repo.name.as_str(), run.number);
                work.url = format!("{page}/jobs/{}", work.number);
                work.keep_failed_seconds = shells::keep_failed(tx, repo.id).await?;
                schedule::to_github(self.server, tx, run.id).await?;
                (run, repo, Work::Job(Box::new(work)))
            }
            Kind::Deploy { deployment, job } | Kind::Verify { deployment, job } => {
                let found = deployments::lock(tx, deployment).await?;
                let run = runs::look(tx, leased.run).await?;
                let repo = repos::by_id(tx, run.repo).await?;
                let looks = matches!(leased.kind, Kind::Verify { .. });
                let mut work = deploy_work(found, looks);
                work.env = jobs::plan(tx, job).await?.env;
                work.known.ambient = environments::is_ambient(tx, deployment).await?;
                work.known.secrets = self.secrets(tx, &run, &work.known.plan.secrets).await?;
                (run, repo, Work::Deploy(Box::new(work)))
            }
        };
        let claimed = Claimed {
            attempt: self.attempt,
            number: self.number,
            repo: repo.name.clone(),
            run: run.id,
            run_number: run.number,
            source: GitSource { url: repo.clone_url.clone(), credential: None },
            trigger: run.trigger,
            work,
        };
        Ok((claimed, repo))
    }

    /// What the plan asks for, as far as the run is trusted with it: a fork's sees nothing.
    async fn secrets(
        &self,
        tx: &mut Tx,
        run: &Run,
        scope: &SecretScope,
    ) -> Result<Vec<Secret>, FlowError> {
        if run.trigger.event.is_fork() {
            return Ok(Vec::new());
        }
        let key = &self.server.config.master_key;
        secrets::grant(tx, key, run.repo, self.attempt, scope).await
    }

    /// The job starts, and with the first one its run. What needs the repo is still missing.
    async fn job(&self, tx: &mut Tx, id: JobId) -> Result<(Run, JobWork), FlowError> {
        let job = jobs::lock(tx, id).await?;
        let event = JobEvent::Claimed { attempt: self.number, worker: self.worker, at: self.at };
        let next = job.state.apply(event)?;
        jobs::change(tx, id, job.run, &job.state, &next).await?;
        let run = runs::look(tx, job.run).await?;
        if run.state == RunState::Queued {
            // Another job may be the first at this moment: only who has the lock knows.
            let run = runs::lock(tx, job.run).await?;
            if run.state == RunState::Queued {
                let event = RunEvent::JobStarted { at: self.at };
                schedule::change_run(self.server, tx, job.run, event).await?;
            }
        }
        let work = JobWork {
            job: id,
            number: job.number,
            limits: self.server.config.limits.clone().within(&job.plan.machine.resources),
            plan: job.plan,
            stage_name: job.stage_name,
            secrets: Vec::new(),
            trust: trust(&run),
            keep_failed_seconds: 0,
            url: String::new(),
            started_at: job.first_started_at.unwrap_or(self.at),
        };
        Ok((run, work))
    }
}

/// How far a run is trusted, by what the forge says of it.
pub(super) fn trust(run: &Run) -> Trust {
    if run.trigger.event.is_fork() { Trust::Fork } else { Trust::Trusted }
}

/// What is to be done about a deployment.
fn deploy_work(found: Deployment, looks: bool) -> DeployWork {
    let action = match (looks, found.rollback_to) {
        (true, _) => DeployAction::Verify,
        (false, Some(_)) => {
            DeployAction::Rollback { to: found.version.clone(), rendered: found.rendered.clone() }
        }
        (false, None) => DeployAction::Apply { carried: found.carried.unwrap_or_default() },
    };
    let known = VerifyWork {
        deployment: found.id,
        plan: found.plan,
        version: found.version,
        previous: found.previous,
        previous_rendered: found.previous_rendered,
        rendered: found.rendered,
        ambient: false,
        secrets: Vec::new(),
    };
    DeployWork { action, known, env: Vec::new(), promoted: found.promoted }
}
