//! `slipway run`: the jobs of a plan on this machine's engine, out of a folder, without a server.
//! The jobs are those of a worker (`crate::job`); here is what is around them: the order they start
//! in, who is told, and where things are kept.

mod identity;
mod job;
mod jobs;
mod news;
mod order;
mod run;
mod sink;
mod store;

use std::path::PathBuf;

use slipway_pipelines::names::RepoName;
use slipway_pipelines::plan::{EnvVar, Plan, Trigger};
use slipway_pipelines::wire::{Limits, Secret};
use tokio_util::sync::CancellationToken;

use crate::operator::Operator;

pub use news::{Artifact, KeptJob, News};
pub use run::run_local;

/// What jobs are canceled with.
const CANCELED: &str = "It was interrupted.";
/// Said of each deploy.
const NO_DEPLOYS: &str = "Deploys run on a server only: push the commit to have it deployed.";

/// All that a run without a server needs to know.
#[derive(Debug)]
pub struct LocalRun {
    /// Where caches and what is left of broken runs lie.
    pub data_dir: PathBuf,
    /// The engine's address (`unix:///run/docker.sock`); none: the usual socket.
    pub engine: Option<String>,
    /// The root of the working folder.
    pub root: PathBuf,
    /// Where the folder's repository was cloned from, without a credential.
    pub origin: Option<String>,
    /// What the repo is taken for.
    pub repo: RepoName,
    /// Why there is a run.
    pub trigger: Trigger,
    /// What to run: all jobs of it.
    pub plan: Plan,
    /// Set in each job, after the file's own: names and values, as data.
    pub env: Vec<EnvVar>,
    /// What may be given to jobs that ask for it.
    pub secrets: Vec<Secret>,
    /// Of one job.
    pub limits: Limits,
    /// What the operator of this machine decides about jobs.
    pub operator: Operator,
    /// Jobs at once.
    pub jobs_at_once: usize,
    /// Do the containers of a job that did not pass stay?
    pub keep_failed: bool,
    /// Where artifacts are unpacked to; none: they are not kept.
    pub artifacts: Option<PathBuf>,
    /// What caches may take together, in bytes; the least used go first.
    pub store_bytes: u64,
}

/// How a run is stopped from outside.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    /// Jobs end as canceled, and what they made is removed.
    pub cancel: CancellationToken,
    /// Nothing is waited for any more.
    pub force: CancellationToken,
}
