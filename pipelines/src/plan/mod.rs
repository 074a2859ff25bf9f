//! From a typed file and a trigger to the plan: which jobs there are and what each one does.
//!
//! The way of a file: the spanned tree of [`crate::language`] -> `file` (typed, each part read
//! once) -> `expand` (which jobs) -> `assemble` (what each does) -> [`Plan`].

mod addons;
mod assemble;
mod beanstalk;
mod branches;
mod compile;
mod conditions;
mod defaults;
mod deploy_images;
mod deploy_on;
mod deploys;
mod env;
mod expand;
mod file;
mod filters;
mod git;
mod image;
mod image_tags;
mod job_image;
mod known_services;
mod languages;
mod matrix;
mod phases;
mod providers;
mod reader;
mod secrets;
mod section;
mod services;
mod skip;
mod stages;
mod trigger;
mod types;
mod values;
mod words;

pub use crate::language::Dialect;
pub use compile::{
    CompileContext, Compiled, Outcome, check, check_as, check_files, check_files_as, compile,
    compile_as, compile_files, compile_with,
};
pub use conditions::facts;
pub(crate) use reader::quote;
pub use trigger::{Actor, PullRequest, Trigger, TriggerEvent};
pub use types::{
    Axis, BeanstalkDeploy, Command, ContainerDeploy, DeployOn, DeployPlan, Dropped, EnvVar,
    GitOptions, HealthCheck, ImageBuild, ImageBuildPlan, JobImage, JobPlan, Phase, PhasePlan,
    Phases, Plan, PortMapping, Provider, RegistryDeploy, RollbackPolicy, SecretScope, ServicePlan,
    StagePlan, TagFilter, Template,
};
