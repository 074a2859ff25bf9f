//! What an attempt says, from its first heartbeat to its end.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{DeploymentId, StepNumber};
use crate::language::Diagnostic;
use crate::names::CommitSha;
use crate::plan::{Phase, Plan};

use super::DeployProgress;

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
    /// A port of the job can be reached while it runs.
    Published {
        /// In the job.
        port: u16,
        /// On the worker's machine: `127.0.0.1:49153`.
        address: String,
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

/// `POST …/attempts/ID/plan`: the end of a planning attempt.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlanReport {
    /// The commit's message, where the delivery did not carry it.
    pub message: Option<String>,
    /// The commit's author name.
    pub author: Option<String>,
    /// Of a pull request: the commit that the forge made of head and base.
    #[serde(default)]
    pub merge_commit: Option<CommitSha>,
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
