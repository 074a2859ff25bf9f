//! The classic builder, for engines without BuildKit.

use bollard::Docker;
use bollard::models::BuildInfoAux;
use bollard::query_parameters::BuilderVersion;
use futures::StreamExt;

use super::progress::{FailedStep, keep};
use super::{BuildFailed, BuildRequest, engine, explain};
use crate::log::StepLog;

/// Builds and gives the image's id.
pub(super) async fn build(
    docker: &Docker,
    request: &BuildRequest,
    log: &dyn StepLog,
) -> Result<String, BuildFailed> {
    let options = engine::options(request).version(BuilderVersion::BuilderV1).build();
    let body = bollard::body_full(request.context_tar.clone().into());
    let mut stream = std::pin::pin!(docker.build_image(options, None, Some(body)));
    let mut step = FailedStep::default();
    let mut tail = Vec::new();
    let mut id = None;
    while let Some(info) = stream.next().await {
        let info = info.map_err(|error| {
            step.tail = String::from_utf8_lossy(&tail).into_owned();
            explain::failed(&error, Some(&step), request)
        })?;
        if let Some(text) = info.stream {
            log.write(text.as_bytes());
            if let Some((_, name)) =
                text.strip_prefix("Step ").and_then(|text| text.split_once(" : "))
            {
                name.trim().clone_into(&mut step.name);
                tail.clear();
            } else {
                keep(&mut tail, text.as_bytes());
            }
        }
        if let Some(BuildInfoAux::Default(image)) = info.aux {
            id = image.id;
        }
    }
    id.ok_or_else(|| BuildFailed::new("the engine names no id for the image it built"))
}
