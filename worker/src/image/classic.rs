//! The classic builder, for engines without BuildKit, and its way to speak.

use bollard::Docker;
use bollard::models::{BuildInfo, BuildInfoAux};
use bollard::query_parameters::BuilderVersion;
use futures::StreamExt;

use super::progress::{FailedStep, keep};
use super::{BuildFailed, BuildRequest, engine, explain};
use crate::log::StepLog;

/// Builds, and gives the image's id where the engine names it.
pub(super) async fn build(
    docker: &Docker,
    request: &BuildRequest,
    log: &dyn StepLog,
) -> Result<Option<String>, BuildFailed> {
    let options = engine::options(request).version(BuilderVersion::BuilderV1).build();
    let body = bollard::body_full(request.context_tar.clone().into());
    let mut stream = std::pin::pin!(docker.build_image(options, None, Some(body)));
    let mut steps = Steps::default();
    let mut id = None;
    while let Some(info) = stream.next().await {
        let info = info.map_err(|error| explain::failed(&error, steps.last().as_ref(), request))?;
        steps.show(&info, log);
        if let Some(BuildInfoAux::Default(image)) = info.aux {
            id = image.id;
        }
    }
    Ok(id)
}

/// What the builder has shown so far, one step after the other.
#[derive(Default)]
pub(super) struct Steps {
    name: String,
    tail: Vec<u8>,
}

impl Steps {
    pub(super) fn show(&mut self, info: &BuildInfo, log: &dyn StepLog) {
        let Some(text) = &info.stream else { return };
        log.write(text.as_bytes());
        // Docker writes `Step 2/3 : RUN x`, Podman `STEP 2/3: RUN x`.
        let step = text.strip_prefix("Step ").or_else(|| text.strip_prefix("STEP "));
        match step.and_then(|step| step.split_once(':')) {
            Some((_, name)) => {
                name.trim().clone_into(&mut self.name);
                self.tail.clear();
            }
            None if is_chore(text) => {}
            None => keep(&mut self.tail, text.as_bytes()),
        }
    }

    pub(super) fn last(&self) -> Option<FailedStep> {
        let tail = String::from_utf8_lossy(&self.tail).into_owned();
        let step = FailedStep { name: self.name.clone(), tail };
        (!step.name.is_empty()).then_some(step)
    }
}

/// The builder's own words between the output of a step.
fn is_chore(text: &str) -> bool {
    text.starts_with(" ---> ")
        || text.starts_with("--> ")
        || text.starts_with("Removing intermediate container")
}
