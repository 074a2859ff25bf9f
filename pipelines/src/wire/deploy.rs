//! How a deploy asks, is answered and moves on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::DeploymentId;
use crate::names::{CommitSha, EnvironmentName};

use super::{Finding, Secret};

/// What a version is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// The commit.
    pub commit: CommitSha,
    /// The image's digest, or the engine's image id where no registry was involved.
    pub digest: Option<String>,
    /// The reference that a worker can run again.
    pub image: Option<String>,
    /// The label that the target knows it by (Elastic Beanstalk's version label).
    #[serde(default)]
    pub label: Option<String>,
}

/// `POST …/attempts/ID/deploys/INDEX`: may this deploy run now? Asking again gets the same
/// deployment. Answered with a [`DeployGrant`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeployRequest {
    /// What is to become live, as far as it is known before.
    pub version: Version,
    /// After a [`DeployGrant::Defer`]: what it needs to run without its job.
    #[serde(default)]
    pub carried: Option<Carried>,
}

/// What a deploy needs of its job when it runs without it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    /// SHA-256 of the work tree, in hex, which is kept as the workspace that
    /// [`tree_name`] names; none: this provider needs no tree.
    #[serde(default)]
    pub tree: Option<String>,
    /// The images that the job built, by their names in the file.
    #[serde(default)]
    pub images: BTreeMap<String, CarriedImage>,
}

/// An image that a job built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarriedImage {
    /// Its id on the engine that built it.
    pub id: String,
    /// `repository@sha256:…`, once a deploy of the job pushed it.
    pub pushed: Option<String>,
}

/// The workspace in which the work tree of a deferred deployment is kept.
#[must_use]
pub fn tree_name(deployment: DeploymentId) -> String {
    format!("deploy-{deployment}")
}

/// The server's answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "grant", rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one at a time, and it is taken apart at once"
)]
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
        /// What was applied for that, as the target took it.
        #[serde(default)]
        previous_rendered: Option<String>,
        /// For a `promote`: the verified version of the environment before.
        #[serde(default)]
        promoted: Option<Version>,
        /// The operator lets this environment's deploys use the worker's own identity.
        #[serde(default)]
        ambient: bool,
    },
    /// It has to wait, and does so without its job: keep what it needs, then ask again with it.
    Defer {
        /// The deployment.
        deployment: DeploymentId,
        /// For the log: what it waits for.
        reason: String,
    },
    /// It runs later, without its job.
    Deferred {
        /// For the log: what it waits for.
        reason: String,
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
    /// What will be applied, complete, without values of secrets: kept for rollbacks.
    Rendered {
        /// The text.
        manifests: String,
    },
    /// What the explainer sees now; replaces what it saw before.
    Findings {
        /// Root cause first.
        findings: Vec<Finding>,
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
