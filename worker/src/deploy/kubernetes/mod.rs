//! `provider: kubernetes` (DEPLOYS).

mod explain;
pub mod follow;

use slipway_pipelines::plan::{DeployPlan, KubernetesDeploy};
use slipway_pipelines::wire::{VerifyWork, Version};

use super::{DeployContext, DeployOutcome};

/// Applies the manifests and follows them to their verdict.
pub(super) async fn deploy(
    _ctx: &DeployContext<'_>,
    _plan: &DeployPlan,
    _target: &KubernetesDeploy,
) -> Result<DeployOutcome, String> {
    Err("deploys to Kubernetes are not here yet".to_owned())
}

/// What is true in the cluster after a lost worker.
pub(super) async fn verify(
    _ctx: &DeployContext<'_>,
    _target: &KubernetesDeploy,
    _work: &VerifyWork,
) -> Result<DeployOutcome, String> {
    Err("deploys to Kubernetes are not here yet".to_owned())
}

/// Brings back what was applied for an earlier version.
pub(super) async fn rollback(
    _ctx: &DeployContext<'_>,
    _plan: &DeployPlan,
    _target: &KubernetesDeploy,
    _to: &Version,
    _rendered: Option<&str>,
) -> Result<DeployOutcome, String> {
    Err("deploys to Kubernetes are not here yet".to_owned())
}
