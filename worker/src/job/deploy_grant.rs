//! Asking the server whether a deploy of a job may run, now or later.

use std::time::Duration;

use slipway_pipelines::ids::DeploymentId;
use slipway_pipelines::plan::{DeployPlan, Provider};
use slipway_pipelines::wire::{Carried, CarriedImage, DeployGrant, DeployRequest, Secret, Version};
use tokio::time::Instant;

use super::attempt::{Attempt, Halt};
use super::{deploy_tree, until_back};

/// Between two questions to the server while another deployment runs.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// While it waits, the log says so this often: silence would end the job.
const SAY_AGAIN: Duration = Duration::from_secs(60);

/// The server's answer.
pub(super) enum Asked {
    /// It may.
    Granted(Box<Granted>),
    /// It may not; this is why.
    Withheld(String),
    /// It will, without this job; this is what it waits for.
    Deferred(String),
}

/// What a deploy may know and use.
pub(super) struct Granted {
    pub(super) deployment: DeploymentId,
    pub(super) secrets: Vec<Secret>,
    pub(super) previous: Option<Version>,
    pub(super) previous_rendered: Option<String>,
    pub(super) promoted: Option<Version>,
    pub(super) ambient: bool,
}

/// Asks until there is an answer.
pub(super) async fn grant(
    attempt: &Attempt<'_>,
    container: &str,
    index: usize,
    version: &Version,
) -> Result<Asked, Halt> {
    let mut request = DeployRequest { version: version.clone(), carried: None };
    let mut said = None;
    loop {
        let answer = until_back(|| attempt.outside.sink.deploy(index, &request)).await;
        match answer.map_err(|error| Halt::errored(format!("No grant to deploy: {error}.")))? {
            DeployGrant::Granted {
                deployment,
                environment: _,
                secrets,
                previous,
                previous_rendered,
                promoted,
                ambient,
            } => {
                return Ok(Asked::Granted(Box::new(Granted {
                    deployment,
                    secrets,
                    previous,
                    previous_rendered,
                    promoted,
                    ambient,
                })));
            }
            DeployGrant::Withheld { reason } => return Ok(Asked::Withheld(reason)),
            DeployGrant::Deferred { reason } => return Ok(Asked::Deferred(reason)),
            DeployGrant::Defer { deployment, reason } => {
                let Some(plan) = attempt.work.plan.deploys.get(index) else {
                    return Err(Halt::errored("The server defers a deploy that is not there."));
                };
                attempt.reporter.say(&format!("Waiting: {reason}."));
                let carried = carry(attempt, container, plan, deployment).await;
                request.carried = Some(carried.map_err(|reason| {
                    Halt::errored(format!("The deploy can not wait without its job: {reason}."))
                })?);
            }
            DeployGrant::Wait { reason } => {
                if said.is_none_or(|said: Instant| said.elapsed() > SAY_AGAIN) {
                    attempt.reporter.say(&format!("Waiting: {reason}."));
                    said = Some(Instant::now());
                }
                tokio::time::sleep(ASK_AGAIN).await;
            }
        }
    }
}

/// Keeps what the deploy needs of its job.
async fn carry(
    attempt: &Attempt<'_>,
    container: &str,
    plan: &DeployPlan,
    deployment: DeploymentId,
) -> Result<Carried, String> {
    let tree = if needs_tree(&plan.provider) {
        Some(deploy_tree::keep(attempt, container, deployment).await?)
    } else {
        None
    };
    let images = attempt.images();
    let image = |(name, image): (&String, &crate::deploy::LocalImage)| {
        let carried = CarriedImage { id: image.id.clone(), pushed: image.pushed.clone() };
        (name.clone(), carried)
    };
    Ok(Carried { tree, images: images.iter().map(image).collect() })
}

/// Whether it reads files of the job.
fn needs_tree(provider: &Provider) -> bool {
    match provider {
        Provider::Elasticbeanstalk(_) | Provider::Kubernetes(_) | Provider::S3(_) => true,
        Provider::Registry(_)
        | Provider::Container(_)
        | Provider::Script { .. }
        | Provider::Unsupported { .. } => false,
    }
}
