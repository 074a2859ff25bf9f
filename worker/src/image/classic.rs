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
            match text.strip_prefix("Step ").and_then(|text| text.split_once(" : ")) {
                Some((_, name)) => {
                    name.trim().clone_into(&mut step.name);
                    tail.clear();
                }
                None if is_chore(&text) => {}
                None => keep(&mut tail, text.as_bytes()),
            }
        }
        if let Some(BuildInfoAux::Default(image)) = info.aux {
            id = image.id;
        }
    }
    id.ok_or_else(|| BuildFailed::new("the engine names no id for the image it built"))
}

/// The builder's own words between the output of a step.
fn is_chore(text: &str) -> bool {
    text.starts_with(" ---> ") || text.starts_with("Removing intermediate container")
}
