//! The classic builder, for engines without BuildKit.

use bollard::Docker;
use bollard::query_parameters::BuilderVersion;
use futures::StreamExt;

use super::{BuildFailed, BuildRequest, engine, explain};
use crate::log::StepLog;

pub(super) async fn build(
    docker: &Docker,
    request: &BuildRequest,
    log: &dyn StepLog,
) -> Result<(), BuildFailed> {
    let options = engine::options(request).version(BuilderVersion::BuilderV1).build();
    let body = bollard::body_full(request.context_tar.clone().into());
    let mut stream = std::pin::pin!(docker.build_image(options, None, Some(body)));
    while let Some(info) = stream.next().await {
        let info = info.map_err(|error| explain::failed(&error.to_string()))?;
        if let Some(text) = info.stream {
            log.write(text.as_bytes());
        }
    }
    Ok(())
}
