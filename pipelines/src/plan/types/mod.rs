//! The plan: the typed, complete result of compiling `.ci.yml` for a trigger. It is stored with
//! the run, travels to workers, and is all that a worker knows of the file.

mod carry;
mod deploy;
mod image;
mod job;
mod machine;
mod notification;
mod order;
mod phase;
mod seconds;

use serde::{Deserialize, Serialize};

pub use carry::{
    ArtifactsPlan, ArtifactsWhen, CachePlan, CacheTool, Carry, ReportsPlan, SnapshotPlan,
    Workspace, WorkspacesPlan,
};
pub use deploy::{
    BeanstalkDeploy, ContainerDeploy, DeployOn, DeployPlan, HealthCheck, ImageOverride,
    KubernetesDeploy, Migrate, PortMapping, Provider, RegistryDeploy, RollbackPolicy, S3Deploy,
    ScriptVerify, TagFilter,
};
pub use image::{ImageBuild, ImageBuildPlan, ImagePush, JobImage};
pub use job::{Axis, EnvVar, GitOptions, JobPlan, SecretScope, ServicePlan, Template};
pub use machine::{Arch, Machine, PublishedPort, Resources, VolumeMount};
pub use notification::{Channel, Notification, Notifications, NotifyOn, NotifyWhen};
pub use order::{CancelOlder, Concurrency, Order, ParallelCopy, RetryPolicy, RetryWhen};
pub use phase::{Command, Phase, PhasePlan, Phases};

/// All jobs of a run, in job-number order, and the stages that order them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The file it came from: `.ci.yml` or `.travis.yml`.
    pub file: String,
    /// Stages in the order they run; none is empty.
    pub stages: Vec<StagePlan>,
    /// Jobs by number, 1 first; never empty.
    pub jobs: Vec<JobPlan>,
    /// What the file has and this trigger does not want.
    #[serde(default)]
    pub dropped: Vec<Dropped>,
    /// `jobs.fast_finish`: the run has its verdict once its last required job ended.
    #[serde(default)]
    pub fast_finish: bool,
    /// `concurrency`: how it takes turns with other runs.
    #[serde(default)]
    pub concurrency: Option<Concurrency>,
    /// `notifications`: who is told.
    #[serde(default)]
    pub notifications: Notifications,
}

/// A job or stage that is not in the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// How people know it: `stage deploy`, `job lint`, `job python: 3.8`.
    pub name: String,
    /// One sentence: its condition, and what it was tested with.
    pub reason: String,
}

/// One stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagePlan {
    /// As written first in the file.
    pub name: String,
}
