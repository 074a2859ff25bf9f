//! From a typed file and a trigger to the plan: which jobs there are and what each one does.

mod plan;
mod trigger;

pub use plan::{
    Axis, Command, ContainerDeploy, DeployOn, DeployPlan, EnvVar, HealthCheck, ImageBuild,
    ImageBuildPlan, JobImage, JobPlan, Phase, PhasePlan, Phases, Plan, PortMapping, Provider,
    RegistryDeploy, RollbackPolicy, SecretScope, ServicePlan, StagePlan, TagFilter, Template,
};
pub use trigger::{Actor, Trigger, TriggerEvent};
