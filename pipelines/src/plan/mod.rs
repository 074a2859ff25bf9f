//! From a typed file and a trigger to the plan: which jobs there are and what each one does.

mod trigger;
mod types;

pub use trigger::{Actor, Trigger, TriggerEvent};
pub use types::{
    Axis, Command, ContainerDeploy, DeployOn, DeployPlan, EnvVar, HealthCheck, ImageBuild,
    ImageBuildPlan, JobImage, JobPlan, Phase, PhasePlan, Phases, Plan, PortMapping, Provider,
    RegistryDeploy, RollbackPolicy, SecretScope, ServicePlan, StagePlan, TagFilter, Template,
};
