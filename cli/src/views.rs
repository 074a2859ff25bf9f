//! What the REST interface shows, as far as commands print it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use slipway_pipelines::language::Diagnostic;

type Time = DateTime<Utc>;

/// A repo.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Repo {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) clone_url: String,
    pub(crate) default_branch: String,
    pub(crate) enabled: bool,
}

/// What the server's credential for GitHub can see.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct GithubRepos {
    pub(crate) repos: Vec<GithubRepo>,
    pub(crate) cut: bool,
}

/// One of those.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct GithubRepo {
    pub(crate) name: String,
    pub(crate) private: bool,
    pub(crate) archived: bool,
    pub(crate) enabled: Option<bool>,
}

/// A run, as a list shows it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) number: i32,
    pub(crate) branch: String,
    pub(crate) tag: Option<String>,
    pub(crate) commit: String,
    pub(crate) subject: String,
    pub(crate) actor: String,
    pub(crate) event: String,
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    #[serde(default)]
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) created_at: Time,
    pub(crate) started_at: Option<Time>,
    pub(crate) finished_at: Option<Time>,
}

/// A run with all that is in it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WholeRun {
    #[serde(flatten)]
    pub(crate) run: Run,
    pub(crate) jobs: Vec<Job>,
    pub(crate) deployments: Vec<Deployment>,
}

/// A job.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) number: i32,
    pub(crate) name: String,
    pub(crate) stage_name: String,
    pub(crate) allow_failure: bool,
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    pub(crate) attempt: i32,
    pub(crate) started_at: Option<Time>,
    pub(crate) finished_at: Option<Time>,
}

/// An environment.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Environment {
    pub(crate) name: String,
    pub(crate) url: Option<String>,
    pub(crate) live: Option<Version>,
    pub(crate) live_since: Option<Time>,
}

/// An environment and its deployments, the newest first.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WholeEnvironment {
    #[serde(flatten)]
    pub(crate) environment: Environment,
    pub(crate) deployments: Vec<Deployment>,
}

/// A deployment.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Deployment {
    pub(crate) id: String,
    pub(crate) environment: String,
    pub(crate) run: i32,
    pub(crate) job: i32,
    pub(crate) version: Version,
    pub(crate) previous: Option<Version>,
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    pub(crate) url: Option<String>,
    #[serde(default)]
    pub(crate) hops: Vec<Hop>,
    #[serde(default)]
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) created_at: Time,
    pub(crate) finished_at: Option<Time>,
}

/// What a deployment brings.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Version {
    pub(crate) commit: String,
    pub(crate) digest: Option<String>,
}

/// A step of a deployment.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Hop {
    pub(crate) name: String,
    pub(crate) detail: String,
}

/// Something seen, word for word.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Evidence {
    pub(crate) source: String,
    pub(crate) text: String,
}

impl Run {
    /// It will not change any more.
    pub(crate) fn is_over(&self) -> bool {
        self.finished_at.is_some()
    }

    /// The branch or tag.
    pub(crate) fn of(&self) -> &str {
        self.tag.as_deref().unwrap_or(&self.branch)
    }
}

impl Deployment {
    /// It is being decided now, and not by a person.
    pub(crate) fn moves(&self) -> bool {
        matches!(self.state.as_str(), "approved" | "running" | "verifying")
    }

    /// The state for people.
    pub(crate) fn word(&self) -> String {
        self.state.replace('_', " ")
    }
}

/// The first seven digits.
pub(crate) fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}
