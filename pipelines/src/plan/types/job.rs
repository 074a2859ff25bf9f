//! What a job is made of.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Carry, DeployPlan, ImageBuildPlan, JobImage, Machine, Order, Phases};
use crate::ids::{JobNumber, StageIndex};
use crate::names::SecretName;

/// One job: an image, services, an environment, phases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobPlan {
    /// Its number within the run.
    pub number: JobNumber,
    /// The `name:` of the row, else made of its matrix axes, else the stage's name.
    pub name: String,
    /// Where in [`Plan::stages`] it belongs.
    pub stage: StageIndex,
    /// What tells it from its neighbours: `python: 3.12`, `env: DB=pg`.
    pub axes: Vec<Axis>,
    /// Its failure does not fail the run.
    pub allow_failure: bool,
    /// The `language:` key.
    pub language: String,
    /// What its container starts from.
    pub image: JobImage,
    /// Started beside it, on its own network namespace.
    pub services: Vec<ServicePlan>,
    /// Exported before the first phase, in order; later ones win.
    pub env: Vec<EnvVar>,
    /// Its commands by phase.
    pub phases: Phases,
    /// Images it builds once its script has passed.
    pub images: Vec<ImageBuildPlan>,
    /// Which of the repo's secrets it asks for. The server decides which it gets.
    pub secrets: SecretScope,
    /// Providers in order, after `after_success`.
    pub deploys: Vec<DeployPlan>,
    /// Longest time from first step to last; none: the operator's default.
    #[serde(with = "super::seconds::optional")]
    pub timeout: Option<Duration>,
    /// Longest time without output; none: the operator's default.
    #[serde(with = "super::seconds::optional", default)]
    pub silence: Option<Duration>,
    /// How its work tree is made.
    #[serde(default)]
    pub git: GitOptions,
    /// `addons.apt.packages`: installed before the first phase.
    #[serde(default)]
    pub apt: Vec<String>,
    /// `services: docker`: it wants an engine of its own.
    #[serde(default)]
    pub docker: bool,
    /// Its place beside the other jobs.
    #[serde(default)]
    pub order: Order,
    /// What it takes with it and leaves behind.
    #[serde(default)]
    pub carry: Carry,
    /// Its share of the machine.
    #[serde(default)]
    pub machine: Machine,
}

/// `git:` (TRAVIS_SEMANTICS §10).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitOptions {
    /// Commits of history; none: all of it.
    pub depth: Option<u32>,
    /// Are submodules checked out?
    pub submodules: bool,
    /// Commits of each submodule's history; none: all of it.
    pub submodules_depth: Option<u32>,
    /// Is there a work tree at all? (`clone: false`)
    pub clone: bool,
}

impl Default for GitOptions {
    /// Travis' defaults.
    fn default() -> Self {
        Self { depth: Some(50), submodules: true, submodules_depth: None, clone: true }
    }
}

/// One matrix axis of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Axis {
    /// The key, for example `python`.
    pub key: String,
    /// Its value in this job.
    pub value: String,
}

/// A service started beside the job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServicePlan {
    /// Its host name inside the job, besides `localhost`.
    pub name: String,
    /// Its image.
    pub image: String,
    /// Its environment.
    pub env: Vec<EnvVar>,
    /// Its command; none: the image's own.
    pub command: Option<Vec<String>>,
    /// Ready when this shell command, run inside the service, exits 0; none: when it runs.
    pub ready: Option<String>,
    /// TCP ports that must accept a connection before the job starts.
    pub ports: Vec<u16>,
    /// The dialect's rule: does the job become errored when the service dies?
    pub required: bool,
}

/// One environment variable. The value is shell text, exported as the user wrote it
/// (TRAVIS_SEMANTICS §8: `$OTHER` expands, command substitution runs).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvVar {
    /// The variable's name.
    pub name: String,
    /// The text right of the `=`.
    pub value: String,
}

/// Which of the repo's secrets a job (or step) asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SecretScope {
    /// The file names none: Travis' rule, all of the repo's in trusted runs.
    All,
    /// Only these.
    Named {
        /// In the order written; may be empty.
        names: Vec<SecretName>,
    },
}

/// Text in which `$NAME` and `${NAME}` stand for environment variables and secrets of the
/// step. Expanded by the worker value by value, never by a shell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Template(pub String);
