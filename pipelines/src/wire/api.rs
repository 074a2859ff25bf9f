//! What the REST interface shows and takes: the same types where the server answers and where a
//! command reads. States are their words: a program that is older than the server still shows a
//! state that it does not know.

mod left;
mod seen;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Evidence, Finding, Version};
use crate::ids::{AttemptId, DeliveryId, DeploymentId, EnvironmentId, JobId, RunId, WorkerId};
use crate::language::Diagnostic;
use crate::plan::{Dropped, PullRequest};

pub use left::{Artifact, Cache, ClearedCaches, JobTests, RedTest, Tests};
pub use seen::{SeenSecret, SeenSecrets};

type Time = DateTime<Utc>;

/// A run, as a list shows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Run {
    /// Its id inside.
    pub id: RunId,
    /// Its number for people.
    pub number: i32,
    /// The branch; of a tag its name, of a pull request its base.
    pub branch: String,
    /// The tag, if it is one.
    pub tag: Option<String>,
    /// The pull request, if it is one.
    pub pull_request: Option<PullRequest>,
    /// The whole id of the commit that is built.
    pub commit: String,
    /// The first line of its message.
    pub subject: String,
    /// Who caused it.
    pub actor: String,
    /// `push`, `tag`, `pull_request` or `api`.
    pub event: String,
    /// Its state.
    pub state: String,
    /// Why it is so, where the state alone leaves a question.
    pub reason: Option<String>,
    /// What the compiler had to say of the file.
    #[serde(default)]
    pub diagnostics: Vec<Diagnostic>,
    /// The number of the run that this one repeats.
    pub rerun_of: Option<i32>,
    /// When it was created.
    pub created_at: Time,
    /// When its first job started.
    pub started_at: Option<Time>,
    /// When it ended.
    pub finished_at: Option<Time>,
}

/// A run with all that is in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WholeRun {
    /// The run.
    #[serde(flatten)]
    pub run: Run,
    /// Its jobs by number.
    pub jobs: Vec<Job>,
    /// Its deployments, the newest first.
    pub deployments: Vec<Deployment>,
    /// What the file has and this trigger does not want.
    #[serde(default)]
    pub dropped: Vec<Dropped>,
    /// How far GitHub has heard of it; none where there is nobody to tell.
    #[serde(default)]
    pub github: Option<Report>,
}

/// How far a forge has heard of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// It has not heard the latest yet.
    pub behind: bool,
    /// Why the last try failed.
    pub last_error: Option<String>,
    /// When it is tried again.
    pub next_try_at: Time,
}

/// A job, as its run lists it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    /// Its id inside.
    pub id: JobId,
    /// Its number within the run.
    pub number: i32,
    /// Its name.
    pub name: String,
    /// Its stage's place.
    pub stage: i32,
    /// Its stage's name.
    pub stage_name: String,
    /// Its failure does not count.
    pub allow_failure: bool,
    /// Its state.
    pub state: String,
    /// Why it is so.
    pub reason: Option<String>,
    /// The latest attempt's number.
    pub attempt: i32,
    /// How often its file lets it be tried again.
    #[serde(default)]
    pub retries: i32,
    /// The image as asked for.
    pub image: Option<String>,
    /// The image as resolved.
    pub image_digest: Option<String>,
    /// When it could start.
    pub queued_at: Option<Time>,
    /// When its latest attempt started.
    pub started_at: Option<Time>,
    /// When it ended.
    pub finished_at: Option<Time>,
}

/// A job with its attempts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WholeJob {
    /// The job.
    #[serde(flatten)]
    pub job: Job,
    /// Its attempts by number.
    pub attempts: Vec<WholeAttempt>,
    /// Until when the container of the failed job is kept for shells; none: it is not.
    #[serde(default)]
    pub kept_until: Option<Time>,
}

/// One try of a job by one worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attempt {
    /// Its id inside.
    pub id: AttemptId,
    /// Which try it is, from 1.
    pub number: i32,
    /// The worker's name.
    pub worker: String,
    /// Its state.
    pub state: String,
    /// Why it is so.
    pub reason: Option<String>,
    /// Bytes of log that are stored.
    pub log_length: i64,
    /// Line ends among them.
    pub log_lines: i64,
    /// The checksum of the whole log, as its worker computed it.
    pub log_sha256: Option<String>,
    /// What is wrong with the stored log: nothing is, as a rule.
    pub log_flaw: Option<String>,
    /// When it began.
    pub started_at: Time,
    /// When it ended.
    pub finished_at: Option<Time>,
}

/// An attempt with its steps.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WholeAttempt {
    /// The attempt.
    #[serde(flatten)]
    pub attempt: Attempt,
    /// Its steps in order.
    pub steps: Vec<Step>,
}

/// A step of an attempt.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Step {
    /// Its place, from 1.
    pub number: i32,
    /// The phase it is of.
    pub phase: String,
    /// The command, or what a built-in action does.
    pub title: String,
    /// Where its log begins, in bytes.
    pub log_from: i64,
    /// Where it ends, once it has.
    pub log_to: Option<i64>,
    /// [`super::StepOutcome`], once it has one.
    pub outcome: Option<Value>,
    /// When it began.
    pub started_at: Time,
    /// When it ended.
    pub finished_at: Option<Time>,
}

/// A delivery and what became of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Delivery {
    /// Its id inside.
    pub id: DeliveryId,
    /// Who sent it: `git` or `github`.
    pub source: String,
    /// The sender's own id for it.
    pub guid: String,
    /// The event's word.
    pub event: String,
    /// `received`, `triggered` or `ignored`.
    pub state: String,
    /// Completes "ignored, because …".
    pub reason: Option<String>,
    /// The number of the run that it started.
    pub run: Option<i32>,
    /// When it came.
    pub received_at: Time,
    /// When it was decided.
    pub decided_at: Option<Time>,
}

/// A worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Worker {
    /// Its id inside.
    pub id: WorkerId,
    /// Its name.
    pub name: String,
    /// The Slipway it is.
    pub version: String,
    /// Its container engine.
    pub engine: Option<String>,
    /// How many jobs it runs at once.
    pub slots: i32,
    /// How many it runs now.
    pub busy: i64,
    /// What is true of it: `gpu`, `arch=arm64`.
    #[serde(default)]
    pub labels: Vec<String>,
    /// The memory that its jobs may use together.
    #[serde(default)]
    pub memory_bytes: Option<i64>,
    /// It takes no more work: it is about to stop.
    #[serde(default)]
    pub draining: bool,
    /// When it registered first.
    pub registered_at: Time,
    /// When it called last.
    pub last_seen_at: Time,
}

/// An environment and what is live there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Environment {
    /// Its id inside.
    pub id: EnvironmentId,
    /// Its name.
    pub name: String,
    /// Where it can be seen.
    pub url: Option<String>,
    /// What is live.
    pub live: Option<Version>,
    /// Since when.
    pub live_since: Option<Time>,
    /// Who may deploy to it, and how.
    #[serde(default)]
    pub rules: EnvironmentRules,
}

/// What holds for every deploy to an environment: kept by the server, not in a file of the repo.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentRules {
    /// Each deployment waits until somebody approves it.
    pub approval: bool,
    /// Only these branches are deployed; none named: all.
    pub branches: Vec<String>,
    /// A newer deployment takes the place of those that wait.
    pub newest_wins: bool,
    /// A deploy may use the worker's own identity: its cloud role, its cluster.
    pub ambient: bool,
    /// Who may write may approve, too; otherwise only admins of the repo do.
    #[serde(default)]
    pub writers_approve: bool,
}

/// `PATCH …/environments/NAME`: what is not named stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeRules {
    /// See [`EnvironmentRules::approval`].
    #[serde(default)]
    pub approval: Option<bool>,
    /// See [`EnvironmentRules::branches`].
    #[serde(default)]
    pub branches: Option<Vec<String>>,
    /// See [`EnvironmentRules::newest_wins`].
    #[serde(default)]
    pub newest_wins: Option<bool>,
    /// See [`EnvironmentRules::ambient`].
    #[serde(default)]
    pub ambient: Option<bool>,
    /// See [`EnvironmentRules::writers_approve`].
    #[serde(default)]
    pub writers_approve: Option<bool>,
}

/// `POST …/environments/NAME/rollback`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollBack {
    /// To the version that this run brought; none: to the last verified one.
    #[serde(default)]
    pub to_run: Option<i32>,
}

/// The answer: the deployment that brings it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollingBack {
    /// Its id.
    pub deployment: DeploymentId,
}

/// An environment with its deployments, the newest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WholeEnvironment {
    /// The environment.
    #[serde(flatten)]
    pub environment: Environment,
    /// Its newest deployments.
    pub deployments: Vec<Deployment>,
}

/// One try to bring one version to one environment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Deployment {
    /// Its id.
    pub id: DeploymentId,
    /// The environment's name.
    pub environment: String,
    /// The number of the run it is of.
    pub run: i32,
    /// The job's number within that.
    pub job: i32,
    /// What it brings.
    pub version: Version,
    /// What was live before.
    pub previous: Option<Version>,
    /// Who caused it.
    pub actor: String,
    /// Why there is one, unless a run deployed: `rollback to run 3 (1234abc)`.
    #[serde(default)]
    pub why: Option<String>,
    /// Its environment wanted an approval.
    #[serde(default)]
    pub needs_approval: bool,
    /// Who approved it.
    #[serde(default)]
    pub approved_by: Option<String>,
    /// When.
    #[serde(default)]
    pub approved_at: Option<Time>,
    /// It runs without its job.
    #[serde(default)]
    pub deferred: bool,
    /// The commits between what was live before and this: `1234abc...5678def`.
    #[serde(default)]
    pub compare: Option<String>,
    /// Its state.
    pub state: String,
    /// Why it is so.
    pub reason: Option<String>,
    /// Where it can be seen.
    pub url: Option<String>,
    /// What is behind it, in order.
    #[serde(default)]
    pub hops: Vec<Hop>,
    /// What was seen, word for word.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
    /// What the explainer found, root cause first.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// When it was asked for.
    pub created_at: Time,
    /// When it began to change the target.
    pub started_at: Option<Time>,
    /// When it was decided.
    pub finished_at: Option<Time>,
}

/// A part of a deployment's way that is behind it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Hop {
    /// Its word.
    pub name: String,
    /// Evidence, verbatim.
    pub detail: String,
    /// When; rows of the first version have none.
    #[serde(default)]
    pub at: Option<Time>,
}

/// `POST …/runs`: run a branch's head.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartRun {
    /// The branch; none: the repo's default branch.
    #[serde(default)]
    pub branch: Option<String>,
    /// What to show instead of the commit's message.
    #[serde(default)]
    pub message: Option<String>,
    /// The same key from the same repo is the same run, however often it is asked for.
    #[serde(default)]
    pub key: Option<String>,
}

/// The answer where a run was asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Started {
    /// Its number.
    pub run: i32,
    /// Its page.
    pub url: String,
}

impl Run {
    /// It will not change any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.finished_at.is_some()
    }

    /// What is built, in few words: `#12 into main`, the tag, or the branch.
    #[must_use]
    pub fn of(&self) -> String {
        match (&self.pull_request, &self.tag) {
            (Some(pull), _) => format!("#{} into {}", pull.number, pull.base),
            (None, Some(tag)) => tag.clone(),
            (None, None) => self.branch.clone(),
        }
    }
}

impl Deployment {
    /// It is being decided now, and not by a person.
    #[must_use]
    pub fn moves(&self) -> bool {
        matches!(self.state.as_str(), "approved" | "running" | "verifying")
    }

    /// It waits until somebody approves it.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.state == "waiting" && self.needs_approval && self.approved_by.is_none()
    }

    /// The state for people.
    #[must_use]
    pub fn word(&self) -> String {
        self.state.replace('_', " ")
    }
}
