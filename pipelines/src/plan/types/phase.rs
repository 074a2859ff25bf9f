//! Phases and their commands.

use serde::{Deserialize, Serialize};

/// The phases in which commands of the file run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Built-in actions before the file's own commands: clone, build image, start services.
    Prepare,
    /// `before_install`
    BeforeInstall,
    /// `install`
    Install,
    /// `before_script`
    BeforeScript,
    /// `script`
    Script,
    /// Keeping what the job leaves: reports, artifacts, workspaces, cache.
    Keep,
    /// `before_cache`
    BeforeCache,
    /// Building the entries of `images:`, once the script has passed.
    Images,
    /// `after_success`
    AfterSuccess,
    /// `after_failure`
    AfterFailure,
    /// `before_deploy`
    BeforeDeploy,
    /// `deploy`
    Deploy,
    /// `after_deploy`
    AfterDeploy,
    /// `after_script`
    AfterScript,
}

impl Phase {
    /// The key in the file, and the word on the page.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::BeforeInstall => "before_install",
            Self::Install => "install",
            Self::BeforeScript => "before_script",
            Self::Script => "script",
            Self::Keep => "keep",
            Self::BeforeCache => "before_cache",
            Self::Images => "images",
            Self::AfterSuccess => "after_success",
            Self::AfterFailure => "after_failure",
            Self::BeforeDeploy => "before_deploy",
            Self::Deploy => "deploy",
            Self::AfterDeploy => "after_deploy",
            Self::AfterScript => "after_script",
        }
    }
}

/// The commands of each phase. TRAVIS_SEMANTICS §6 says what a failure does in each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phases {
    /// `before_install`
    pub before_install: PhasePlan,
    /// `install`
    pub install: PhasePlan,
    /// `before_script`
    pub before_script: PhasePlan,
    /// `script`
    pub script: PhasePlan,
    /// `before_cache`
    #[serde(default)]
    pub before_cache: PhasePlan,
    /// `after_success`
    pub after_success: PhasePlan,
    /// `after_failure`
    pub after_failure: PhasePlan,
    /// `before_deploy`
    pub before_deploy: PhasePlan,
    /// `after_deploy`
    pub after_deploy: PhasePlan,
    /// `after_script`
    pub after_script: PhasePlan,
}

/// One phase.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PhasePlan {
    /// Nothing was written and the language has no default.
    #[default]
    Absent,
    /// `skip` or `ignore`: does nothing, and a skipped script counts as passed.
    Skip,
    /// Run one after another in the job's one shell.
    Run {
        /// In order; never empty.
        commands: Vec<Command>,
    },
}

/// One command: a step of the job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Command(pub String);
