//! From a typed file and a trigger to the plan: which jobs there are and what each one does.
//!
//! The way of a file: the spanned tree of [`crate::language`], with what it imports
//! ([`crate::imports`]) -> [`crate::normalize`] -> [`crate::matrix`] -> `whole` and `job` (each part
//! read to its type) -> [`Plan`].

mod addons;
mod assemble;
mod at;
mod beanstalk;
mod branches;
mod cache;
mod carry;
mod compile;
mod conditions;
mod copies;
mod defaults;
mod deploy_images;
mod deploy_on;
mod deploys;
mod env;
mod foreign;
mod git;
mod image;
mod image_push;
mod image_tags;
mod job;
mod job_image;
mod known_services;
mod kubernetes;
mod labels;
mod languages;
mod machine;
mod needs;
mod notifications;
mod order;
mod phases;
mod providers;
mod reader;
mod s3;
mod secrets;
mod section;
mod services;
mod skip;
mod trigger;
mod types;
mod values;
mod versions;
mod whole;
mod words;

pub use crate::language::Dialect;
pub use compile::{
    CompileContext, Compiled, Outcome, check, check_as, check_files, check_files_as, compile,
    compile_as, compile_files, compile_with,
};
pub use conditions::facts;
pub(crate) use languages::usual;
pub(crate) use reader::quote;
pub use trigger::{Actor, PullRequest, Trigger, TriggerEvent};
pub use types::{
    Arch, ArtifactsPlan, ArtifactsWhen, Axis, BeanstalkDeploy, CachePlan, CacheTool, CancelOlder,
    Carry, Channel, Command, Concurrency, ContainerDeploy, DeployOn, DeployPlan, Dropped, EnvVar,
    GitOptions, HealthCheck, ImageBuild, ImageBuildPlan, ImageOverride, ImagePush, JobImage,
    JobPlan, KubernetesDeploy, Machine, Migrate, Notification, Notifications, NotifyOn, NotifyWhen,
    Order, ParallelCopy, Phase, PhasePlan, Phases, Plan, PortMapping, Provider, PublishedPort,
    RegistryDeploy, ReportsPlan, Resources, RetryPolicy, RetryWhen, RollbackPolicy, S3Deploy,
    ScriptVerify, SecretScope, ServicePlan, SnapshotPlan, StagePlan, TagFilter, Template,
    VolumeMount, Workspace, WorkspacesPlan,
};
pub use values::{duration, size};
