//! The container engine as builder: BuildKit, and the classic builder where that is refused.

use std::collections::{HashMap, HashSet};

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::BuildInfoAux;
use bollard::query_parameters::{BuildImageOptionsBuilder, BuilderVersion};
use futures::StreamExt;

use super::{BuildFailed, BuildRequest, BuiltImage, ImageBuilder, classic, explain, secret_mounts};
use crate::log::StepLog;

/// Builds by the container engine.
#[derive(Clone, Debug)]
pub struct EngineBuilder {
    docker: Docker,
}

impl EngineBuilder {
    /// A builder on this engine.
    #[must_use]
    pub fn new(docker: Docker) -> Self {
        Self { docker }
    }

    async fn build_kit(&self, request: &BuildRequest, log: &dyn StepLog) -> Result<(), Error> {
        let session = format!("slipway-{}", uuid::Uuid::new_v4());
        let options =
            options(request).version(BuilderVersion::BuilderBuildKit).session(&session).build();
        let body = bollard::body_full(request.context_tar.clone().into());
        let mut stream = std::pin::pin!(self.docker.build_image(options, None, Some(body)));
        let mut seen = Seen::default();
        while let Some(info) = stream.next().await {
            if let Some(BuildInfoAux::BuildKit(status)) = info?.aux {
                seen.show(&status, log);
            }
        }
        Ok(())
    }
}

impl ImageBuilder for EngineBuilder {
    async fn build(
        &self,
        request: BuildRequest,
        log: &dyn StepLog,
    ) -> Result<BuiltImage, BuildFailed> {
        if request.secrets.is_empty() {
            match self.build_kit(&request, log).await {
                Ok(()) => {}
                Err(error) if explain::refuses_buildkit(&error) => {
                    log.write(b"This engine refuses BuildKit; using its classic builder.\n");
                    classic::build(&self.docker, &request, log).await?;
                }
                Err(error) => return Err(explain::failed(&error.to_string())),
            }
        } else {
            secret_mounts::build(&self.docker, &request, log).await?;
        }
        let image = self.docker.inspect_image(&request.tag).await.map_err(|error| {
            BuildFailed::new(format!("the build ended, but the engine has no image of it: {error}"))
        })?;
        match image.id {
            Some(id) => Ok(BuiltImage { id }),
            None => Err(BuildFailed::new("the engine names no id for the image it built")),
        }
    }
}

/// What both builders are told.
pub(super) fn options(request: &BuildRequest) -> BuildImageOptionsBuilder {
    let args: HashMap<String, String> = request
        .args
        .iter()
        .map(|(name, value)| (name.clone(), value.expose().to_owned()))
        .collect();
    let labels: HashMap<String, String> = request.labels.iter().cloned().collect();
    let mut options = BuildImageOptionsBuilder::new()
        .dockerfile(&request.dockerfile)
        .t(&request.tag)
        .buildargs(&args)
        .labels(&labels)
        .rm(true)
        .forcerm(true);
    if let Some(target) = &request.target {
        options = options.target(target);
    }
    options
}

/// Which vertices were announced: BuildKit repeats them with every change.
#[derive(Default)]
struct Seen {
    started: HashSet<String>,
    cached: HashSet<String>,
}

impl Seen {
    fn show(
        &mut self,
        status: &bollard::grpc::build::moby::buildkit::v1::StatusResponse,
        log: &dyn StepLog,
    ) {
        for vertex in &status.vertexes {
            // BuildKit's own chores are noise; what it loads and runs is not.
            if vertex.started.is_some() && self.started.insert(vertex.digest.clone()) {
                log.write(format!("{}\n", vertex.name).as_bytes());
            }
            if vertex.cached && self.cached.insert(vertex.digest.clone()) {
                log.write(b"  (from the build cache)\n");
            }
        }
        for line in &status.logs {
            log.write(&line.msg);
        }
    }
}
