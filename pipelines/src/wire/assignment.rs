//! What a worker is handed.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{AttemptId, AttemptNumber, DeploymentId, JobId, JobNumber, RunId, RunNumber};
use crate::names::RepoName;
use crate::plan::{DeployPlan, EnvVar, JobPlan, Resources, Trigger};

use super::Carried;
use super::Secret;
use super::SecretText;
use super::Trust;
use super::Version;

/// One piece of work, leased.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Assignment {
    /// The attempt: in every address the worker calls about it.
    pub attempt: AttemptId,
    /// Which try.
    pub number: AttemptNumber,
    /// Bearer that can do nothing but this attempt.
    pub token: SecretText,
    /// Seconds for which the lease holds from now; each heartbeat renews it.
    pub lease_seconds: u64,
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

/// What an assignment asks for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Work {
    /// Read and compile the file.
    Plan(PlanWork),
    /// Execute a job.
    Job(Box<JobWork>),
    /// Do something about a deployment, without its job.
    Deploy(Box<DeployWork>),
}

/// A planning assignment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlanWork {
    /// The repo's default branch.
    pub default_branch: String,
    /// The operator's images by language: `python` to `registry.internal/python:{version}`.
    #[serde(default)]
    pub images: BTreeMap<String, String>,
}

/// A job assignment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JobWork {
    /// The job.
    pub job: JobId,
    /// Its number.
    pub number: JobNumber,
    /// What it does.
    pub plan: JobPlan,
    /// Its stage's name.
    pub stage_name: String,
    /// The secrets it may see, granted by the server.
    pub secrets: Vec<Secret>,
    /// How far the run is trusted: what it may share with others.
    pub trust: Trust,
    /// The operator's limits.
    pub limits: Limits,
    /// How long its container is kept for shells if it fails, in seconds; 0: not at all.
    #[serde(default)]
    pub keep_failed_seconds: u32,
    /// The job's page.
    pub url: String,
    /// When the first try of the job started: time limits count from here over restarts.
    pub started_at: DateTime<Utc>,
}

/// A deploy assignment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeployWork {
    /// What to do.
    pub action: DeployAction,
    /// What is known of the deployment.
    #[serde(flatten)]
    pub known: VerifyWork,
    /// The variables of its job, as its file writes them.
    #[serde(default)]
    pub env: Vec<EnvVar>,
    /// For a `promote`: the verified version of the environment before.
    #[serde(default)]
    pub promoted: Option<Version>,
}

/// What to do about a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum DeployAction {
    /// Bring its version to the target.
    Apply {
        /// What it needs of its job.
        carried: Carried,
    },
    /// Look at the target and say what is true there.
    Verify,
    /// Bring an earlier version back.
    Rollback {
        /// That version.
        to: Version,
        /// What was applied for it, as the target took it.
        rendered: Option<String>,
    },
}

/// A deployment, as far as the server knows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VerifyWork {
    /// Which deployment.
    pub deployment: DeploymentId,
    /// Its entry in the plan of the job that ran it.
    pub plan: DeployPlan,
    /// What was to become live.
    pub version: Version,
    /// What was live before it.
    pub previous: Option<Version>,
    /// What was applied for that, as the target took it.
    #[serde(default)]
    pub previous_rendered: Option<String>,
    /// What this deployment was to apply, where its worker came so far.
    #[serde(default)]
    pub rendered: Option<String>,
    /// The operator lets this environment's deploys use the worker's own identity.
    #[serde(default)]
    pub ambient: bool,
    /// The secrets of the deploy step, to ask the target with.
    #[serde(default)]
    pub secrets: Vec<Secret>,
}

/// Where a commit comes from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GitSource {
    /// For `git fetch`; never carries a credential.
    pub url: String,
    /// A token that may read this repo: sent in a header to this address's host only, never
    /// written into an address, a file of git or a log.
    #[serde(default)]
    pub credential: Option<SecretText>,
}

/// Limits of one job. Reaching one makes the job errored and is said in its log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Longest time of the whole job, in seconds.
    pub timeout_seconds: u64,
    /// Longest time without output, in seconds.
    pub silence_seconds: u64,
    /// Largest log, in bytes.
    pub log_bytes: u64,
    /// Memory of the job's container, in bytes.
    pub memory_bytes: u64,
    /// Processes and threads in the job's container.
    pub pids: u32,
    /// CPU cores, in thousandths.
    pub cpu_millis: u32,
    /// What the job's containers may write to their own layers, in bytes.
    #[serde(default = "usual_disk")]
    pub disk_bytes: u64,
}

impl Limits {
    /// The same with what a job asks for, where that is less: none gets more than the operator
    /// gives.
    #[must_use]
    pub fn within(self, wanted: &Resources) -> Self {
        let least = |given: u64, wanted: Option<u64>| wanted.map_or(given, |it| it.min(given));
        Self {
            memory_bytes: least(self.memory_bytes, wanted.memory),
            disk_bytes: least(self.disk_bytes, wanted.disk),
            pids: wanted.pids.map_or(self.pids, |pids| pids.min(self.pids)),
            cpu_millis: wanted.cpu_millis.map_or(self.cpu_millis, |cpu| cpu.min(self.cpu_millis)),
            ..self
        }
    }
}

/// 20 GiB.
fn usual_disk() -> u64 {
    20 << 30
}
