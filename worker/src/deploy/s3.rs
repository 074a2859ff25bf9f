//! `provider: s3` (docs.travis-ci.com/user/deployment/s3/).

use slipway_pipelines::plan::{DeployPlan, S3Deploy};
use slipway_pipelines::wire::VerifyWork;

use super::{DeployContext, DeployOutcome};

/// Uploads the files and compares what is there.
pub(super) async fn deploy(
    _ctx: &DeployContext<'_>,
    _plan: &DeployPlan,
    _target: &S3Deploy,
) -> Result<DeployOutcome, String> {
    Err("deploys to S3 are not here yet".to_owned())
}

/// What is true in the bucket after a lost worker.
pub(super) async fn verify(
    _ctx: &DeployContext<'_>,
    _target: &S3Deploy,
    _work: &VerifyWork,
) -> Result<DeployOutcome, String> {
    Err("deploys to S3 are not here yet".to_owned())
}
