//! The messages between server and worker: JSON over HTTP, made only of the types of this room.
//!
//! A worker dials in. It registers with a token, long-polls [`ClaimRequest`]s, and then works on
//! one [`Assignment`] at a time per slot; every write of an attempt carries that attempt's own
//! token, and a stale attempt is answered 409 and stops.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{
    AttemptId, AttemptNumber, DeploymentId, JobId, JobNumber, RunId, RunNumber, StepNumber,
    WorkerId,
};
use crate::language::Diagnostic;
use crate::names::{CommitSha, EnvironmentName, RepoName, SecretName};
use crate::plan::{JobPlan, Phase, Plan, Trigger};

/// Raised with every change that an older peer could not read.
pub const PROTOCOL_VERSION: u32 = 1;

/// A value that never shows itself: not in Debug output, not in errors.
/// It is serialised in full, since the wire is what it is for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretText(String);

impl SecretText {
    /// Wraps a secret value.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The value itself. Each caller is a place to review.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// `POST /api/worker/v1/register`, with the registration token as bearer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RegisterRequest {
    /// [`PROTOCOL_VERSION`] of the worker.
    pub protocol: u32,
    /// Stable over restarts of the same worker: what it left behind is its own to clean up.
    pub worker: WorkerId,
    /// For people.
    pub name: String,
    /// Slipway's version, for people.
    pub version: String,
    /// Jobs at once.
    pub slots: u32,
    /// The engine it found, for people: `Docker 20.10.24`; none: it can only plan.
    pub engine: Option<String>,
}

/// Answer: what the worker was running before is lost now, since this is a new process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RegisterResponse {
    /// Bearer for claims.
    pub token: SecretText,
    /// Seconds until it must register again.
    pub expires_in: u64,
}

/// `POST /api/worker/v1/claim`: answered with an [`Assignment`], or 204 after a while.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClaimRequest {
    /// [`PROTOCOL_VERSION`] of the worker.
    pub protocol: u32,
    /// Which kind of work it has room for: planning has its own lane and never waits behind jobs.
    pub lane: Lane,
}

/// Two lanes, so that planning never waits behind jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Reading and compiling files.
    Plan,
    /// Jobs and deploys.
    Job,
}

impl Lane {
    /// The word that is stored.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Job => "job",
        }
    }
}

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
    /// Look at a deployment's target and say what is true there.
    Verify(Box<VerifyWork>),
}

/// A planning assignment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlanWork {
    /// The repo's default branch.
    pub default_branch: String,
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
    /// The operator's limits.
    pub limits: Limits,
    /// The job's page.
    pub url: String,
    /// When the first try of the job started: time limits count from here over restarts.
    pub started_at: DateTime<Utc>,
}

/// A verify assignment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VerifyWork {
    /// Which deployment.
    pub deployment: DeploymentId,
    /// Its entry in the plan of the job that ran it.
    pub plan: crate::plan::DeployPlan,
    /// What was to become live.
    pub version: Version,
    /// What was live before it.
    pub previous: Option<Version>,
}

/// Where a commit comes from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GitSource {
    /// For `git fetch`; never carries a credential.
    pub url: String,
}

/// One secret with its value.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Secret {
    /// Its name, and the environment variable it arrives in.
    pub name: SecretName,
    /// Its value.
    pub value: SecretText,
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
}

/// `POST …/attempts/ID/heartbeat` answers this.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HeartbeatResponse {
    /// Seconds for which the lease holds from now.
    pub lease_seconds: u64,
    /// Somebody canceled the work: stop it within the grace time and finish as canceled.
    pub cancel: Option<String>,
}

/// `PUT …/attempts/ID/log?offset=N` with raw octets answers this, also when the bytes were
/// already there. A gap is answered 416 with the same body: send again from `length`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogAppended {
    /// Bytes that are durable, from the start.
    pub length: u64,
}

/// `POST …/attempts/ID/events`: events already seen are passed over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventBatch {
    /// Place of the first event in the attempt's order, from 1.
    pub first: u64,
    /// In order.
    pub events: Vec<AttemptEvent>,
}

/// What happens inside an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum AttemptEvent {
    /// A command or built-in action begins.
    StepStarted {
        /// Its place, from 1.
        step: StepNumber,
        /// Its phase.
        phase: Phase,
        /// The command as written, or the action in words.
        title: String,
        /// Log offset, in bytes.
        log_from: u64,
        /// When, by the worker's clock.
        at: DateTime<Utc>,
    },
    /// It ended.
    StepFinished {
        /// Its place.
        step: StepNumber,
        /// How.
        outcome: StepOutcome,
        /// Log offset, in bytes.
        log_to: u64,
        /// When, by the worker's clock.
        at: DateTime<Utc>,
    },
    /// The image the job runs in, by content.
    ImageResolved {
        /// As asked for.
        reference: String,
        /// `sha256:…` of the registry's manifest, or the engine's image id.
        digest: String,
    },
    /// An entry of `images:` was built.
    ImageBuilt {
        /// Its name in the file.
        name: String,
        /// The engine's image id.
        digest: String,
    },
    /// A service changed.
    Service {
        /// Its name.
        name: String,
        /// What is true of it now.
        status: ServiceStatus,
        /// For people: the health answer, the last log lines.
        detail: String,
    },
    /// A deployment moved on.
    Deployment {
        /// Which.
        deployment: DeploymentId,
        /// How.
        progress: DeployProgress,
        /// When, by the worker's clock.
        at: DateTime<Utc>,
    },
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum StepOutcome {
    /// The command's exit code.
    Exited {
        /// 0 is success.
        code: i32,
    },
    /// A built-in action did its work.
    Done,
    /// It did not, for this reason.
    Failed {
        /// One sentence.
        reason: String,
    },
    /// It was not needed, for this reason.
    Skipped {
        /// One sentence.
        reason: String,
    },
}

/// What is true of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceStatus {
    /// Its container runs; not ready yet.
    Starting,
    /// Its ready check passed.
    Ready,
    /// It ended while the job still needed it, or never became ready.
    Died,
}

/// What a version is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// The commit.
    pub commit: CommitSha,
    /// The image's digest, or the engine's image id where no registry was involved.
    pub digest: Option<String>,
    /// The reference that a worker can run again.
    pub image: Option<String>,
}

/// `POST …/attempts/ID/deploys/INDEX`: may this deploy run now? Asking again gets the same
/// deployment. Answered with a [`DeployGrant`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeployRequest {
    /// What is to become live, as far as it is known before.
    pub version: Version,
}

/// The server's answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "grant", rename_all = "snake_case")]
pub enum DeployGrant {
    /// Go on.
    Granted {
        /// The deployment to report about.
        deployment: DeploymentId,
        /// The environment's name.
        environment: EnvironmentName,
        /// The secrets of this step.
        secrets: Vec<Secret>,
        /// What is live now, for a rollback.
        previous: Option<Version>,
    },
    /// Another deployment of the environment runs: ask again after a moment.
    Wait {
        /// For the log: who is before us.
        reason: String,
    },
    /// It is not allowed here.
    Withheld {
        /// One sentence.
        reason: String,
    },
}

/// How a deployment moves on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "progress", rename_all = "snake_case")]
pub enum DeployProgress {
    /// A hop is behind it: built, pushed, started, healthy, switched, soaked.
    Hop {
        /// The hop's word.
        name: String,
        /// Evidence, verbatim.
        detail: String,
    },
    /// The target took the change; from here the verdict rules are watched.
    Applied {
        /// What is being made live.
        version: Version,
        /// Where it can be seen.
        url: Option<String>,
    },
    /// The verdict rules held.
    Live {
        /// What is live.
        version: Version,
        /// Where it can be seen.
        url: Option<String>,
    },
    /// It did not become healthy and there is nothing before it.
    Failed {
        /// One sentence.
        reason: String,
        /// Verbatim: health answers, last log lines.
        evidence: Vec<Evidence>,
    },
    /// It did not become healthy; the version before it serves.
    RolledBack {
        /// One sentence.
        reason: String,
        /// What serves.
        serving: Version,
        /// Verbatim: health answers, last log lines.
        evidence: Vec<Evidence>,
    },
}

/// Something seen, word for word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What it is: `GET /health`, `last log lines`.
    pub source: String,
    /// The text.
    pub text: String,
}

/// `POST …/attempts/ID/plan`: the end of a planning attempt.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlanReport {
    /// The commit's message, where the delivery did not carry it.
    pub message: Option<String>,
    /// The commit's author name.
    pub author: Option<String>,
    /// What came of it.
    pub result: PlanResult,
    /// Everything the compiler had to say.
    pub diagnostics: Vec<Diagnostic>,
}

/// What planning came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum PlanResult {
    /// There is a plan.
    Planned {
        /// It.
        plan: Box<Plan>,
    },
    /// The file is good and asks for nothing.
    Nothing {
        /// One sentence.
        reason: String,
    },
    /// The file is missing or bad, or the commit can not be had.
    Errored {
        /// One sentence.
        reason: String,
    },
}

/// `POST …/attempts/ID/finish`: the end of a job attempt. Saying it again is harmless.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FinishRequest {
    /// What it came to.
    pub outcome: JobOutcome,
    /// Length of the whole log in bytes: a gap would be visible.
    pub log_length: u64,
    /// SHA-256 of the whole log, in hex.
    pub log_sha256: String,
}

/// What a job attempt came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum JobOutcome {
    /// Its script passed and its deploys went well.
    Passed,
    /// The user's code failed.
    Failed {
        /// One sentence: the first failing command.
        reason: String,
    },
    /// The set-up failed.
    Errored {
        /// One sentence.
        reason: String,
    },
    /// It was canceled.
    Canceled {
        /// One sentence.
        reason: String,
    },
}

/// What every error answer of the worker API carries (RFC 9457 `application/problem+json`).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Problem {
    /// A few words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// One sentence for the reader.
    pub detail: String,
    /// Finds the log line that has the cause.
    #[serde(default)]
    pub request_id: Option<String>,
}
