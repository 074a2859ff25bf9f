//! What is carried from job to job and from run to run.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Phase, Template};

/// What a job takes with it and leaves behind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Carry {
    /// `cache`: folders from run to run.
    pub cache: CachePlan,
    /// `workspaces`: folders from job to job of one run.
    pub workspaces: WorkspacesPlan,
    /// `snapshot`: the job's file system after a phase.
    pub snapshot: Option<SnapshotPlan>,
    /// `artifacts`: files that are kept.
    pub artifacts: Option<ArtifactsPlan>,
    /// `reports`: what the job says of its tests.
    pub reports: ReportsPlan,
    /// `commit`: the image that the finished container becomes.
    pub commit: Option<Template>,
}

/// `cache:`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CachePlan {
    /// As written: relative to the work tree or absolute, with environment variables.
    pub directories: Vec<Template>,
    /// The tools whose folders are kept.
    pub tools: Vec<CacheTool>,
    /// Longest time to fetch it, and to store it.
    #[serde(with = "super::seconds::optional")]
    pub timeout: Option<Duration>,
    /// The branch whose cache it is; none: the one that is built.
    pub branch: Option<String>,
}

/// A tool that has folders of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CacheTool {
    /// `cache: apt`
    Apt,
    /// `cache: bundler`
    Bundler,
    /// `cache: cargo`
    Cargo,
    /// `cache: ccache`
    Ccache,
    /// `cache: cocoapods`
    Cocoapods,
    /// `cache: npm`
    Npm,
    /// `cache: packages`: those of R.
    Packages,
    /// `cache: pip`
    Pip,
    /// `cache: yarn`
    Yarn,
    /// `cache: shards`
    Shards,
}

impl CacheTool {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Apt,
        Self::Bundler,
        Self::Cargo,
        Self::Ccache,
        Self::Cocoapods,
        Self::Npm,
        Self::Packages,
        Self::Pip,
        Self::Yarn,
        Self::Shards,
    ];

    /// Its key in `cache:`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Apt => "apt",
            Self::Bundler => "bundler",
            Self::Cargo => "cargo",
            Self::Ccache => "ccache",
            Self::Cocoapods => "cocoapods",
            Self::Npm => "npm",
            Self::Packages => "packages",
            Self::Pip => "pip",
            Self::Yarn => "yarn",
            Self::Shards => "shards",
        }
    }
}

/// `workspaces:`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkspacesPlan {
    /// What the job leaves, once its script passed.
    pub create: Vec<Workspace>,
    /// The names of those it takes, before its commands.
    pub uses: Vec<String>,
}

/// A workspace that is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// How later jobs name it.
    pub name: String,
    /// What it holds.
    pub paths: Vec<String>,
}

/// `snapshot:`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotPlan {
    /// The file system as it is after this phase; it and those before are not run again.
    pub after: Phase,
    /// What it is known by, beside the image and the commands: files of the repo, and texts.
    pub key: Vec<Template>,
}

/// `artifacts:`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactsPlan {
    /// Patterns of paths in the work tree.
    pub paths: Vec<String>,
    /// How people know them; none: the job's name.
    pub name: Option<String>,
    /// How long they are kept; none: the operator's time.
    #[serde(with = "super::seconds::optional")]
    pub expire: Option<Duration>,
    /// After which ends of the script.
    pub when: ArtifactsWhen,
}

/// `artifacts.when`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArtifactsWhen {
    /// The script passed.
    #[default]
    Success,
    /// The script failed.
    Failure,
    /// Whatever came of it.
    Always,
}

/// `reports:`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReportsPlan {
    /// Patterns of paths of `JUnit` files.
    pub junit: Vec<String>,
}
