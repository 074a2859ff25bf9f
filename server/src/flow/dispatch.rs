//! Gives work to workers.

use std::time::Duration;

use chrono::{DateTime, Utc};
use slipway_pipelines::ids::{AttemptId, AttemptNumber, RunId, RunNumber, WorkerId};
use slipway_pipelines::lifecycle::{JobEvent, RunEvent, RunState};
use slipway_pipelines::names::RepoName;
use slipway_pipelines::plan::Trigger;
use slipway_pipelines::wire::{
    Assignment, GitSource, JobWork, Lane, PlanWork, RegisterRequest, SecretText, VerifyWork, Work,
};

use super::{FlowError, schedule};
use crate::db::assignments::{self, Kind};
use crate::db::repos::Repo;
use crate::db::runs::Run;
use crate::db::{Tx, attempts, deployments, jobs, new_id, repos, runs, secrets, workers};
use crate::state::Server;

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

/// A worker's process introduces itself; answers its generation. What an older process of the
/// same worker held is lost.
///
/// # Errors
/// When Postgres does not take it.
pub async fn register(server: &Server, request: &RegisterRequest) -> Result<i32, FlowError> {
    let mut tx = server.db.begin().await?;
    let generation = workers::register(&mut tx, request).await?;
    for id in assignments::held_by(&mut tx, request.worker).await? {
        if let Some(held) = assignments::lock_leased(&mut tx, id).await? {
            super::reap::lose(server, &mut tx, held, "its worker started anew").await?;
        }
    }
    tx.commit().await?;
    tracing::info!(worker = %request.worker, name = request.name, generation, "worker registered");
    Ok(generation)
}

/// Leases the front of the lane's queue to the worker; none when the queue is empty.
///
/// # Errors
/// [`FlowError::Fenced`] when another process registered as this worker: register again.
pub async fn claim(
    server: &Server,
    worker: WorkerId,
    generation: i32,
    lane: Lane,
) -> Result<Option<Claimed>, FlowError> {
    let mut tx = server.db.begin().await?;
    if !workers::seen(&mut tx, worker, generation).await? {
        return Err(FlowError::Fenced);
    }
    let Some(assignment) = assignments::front(&mut tx, lane).await? else {
        tx.commit().await?;
        return Ok(None);
    };
    let attempt: AttemptId = new_id();
    let number = AttemptNumber(assignment.attempt.0 + 1);
    assignments::lease(&mut tx, assignment.id, number, worker, server.config.lease).await?;
    attempts::create(&mut tx, attempt, &assignment, number, worker).await?;
    // Jobs are locked before runs everywhere.
    let claim = Claim { server, attempt, number, worker, at: Utc::now() };
    let (run, repo, work) = match assignment.kind {
        Kind::Plan => {
            let (run, repo) = load(&mut tx, assignment.run).await?;
            let work = PlanWork { default_branch: repo.default_branch.clone() };
            (run, repo, Work::Plan(work))
        }
        Kind::Job(job) => claim.job(&mut tx, job).await?,
        Kind::Verify { deployment, .. } => {
            let (run, repo) = load(&mut tx, assignment.run).await?;
            let found = deployments::lock(&mut tx, deployment).await?;
            let work = VerifyWork {
                deployment,
                plan: found.plan,
                version: found.version,
                previous: found.previous,
            };
            (run, repo, Work::Verify(Box::new(work)))
        }
    };
    tx.commit().await?;
    Ok(Some(Claimed {
        attempt,
        number,
        repo: repo.name,
        run: run.id,
        run_number: run.number,
        source: GitSource { url: repo.clone_url },
        trigger: run.trigger,
        work,
    }))
}

async fn load(tx: &mut Tx, id: RunId) -> Result<(Run, Repo), FlowError> {
    let run = runs::lock(tx, id).await?;
    let repo = repos::by_id(tx, run.repo).await?;
    Ok((run, repo))
}

struct Claim<'a> {
    server: &'a Server,
    attempt: AttemptId,
    number: AttemptNumber,
    worker: WorkerId,
    at: DateTime<Utc>,
}

impl Claim<'_> {
    async fn job(
        &self,
        tx: &mut Tx,
        id: slipway_pipelines::ids::JobId,
    ) -> Result<(Run, Repo, Work), FlowError> {
        let job = jobs::lock(tx, id).await?;
        let event = JobEvent::Claimed { attempt: self.number, worker: self.worker, at: self.at };
        let next = job.state.apply(event)?;
        jobs::change(tx, id, job.run, &job.state, &next).await?;
        let (run, repo) = load(tx, job.run).await?;
        if run.state == RunState::Queued {
            let event = RunEvent::JobStarted { at: self.at };
            schedule::change_run(self.server, tx, job.run, event).await?;
        }
        // Every trigger there is comes from someone with write access to the repo itself.
        let key = &self.server.config.master_key;
        let granted = secrets::grant(tx, key, repo.id, self.attempt, &job.plan.secrets).await?;
        let page = schedule::run_url(self.server, repo.name.as_str(), run.number);
        let work = JobWork {
            job: id,
            number: job.number,
            plan: job.plan,
            stage_name: job.stage_name,
            secrets: granted,
            limits: self.server.config.limits.clone(),
            url: format!("{page}/jobs/{}", job.number),
            started_at: job.first_started_at.unwrap_or(self.at),
        };
        Ok((run, repo, Work::Job(Box::new(work))))
    }
}
