//! The container engine as builder: BuildKit, and the classic builder where that is refused.

use std::collections::HashMap;

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::{BuildInfo, BuildInfoAux};
use bollard::query_parameters::{BuildImageOptionsBuilder, BuilderVersion};
use futures::{Stream, StreamExt};

use super::classic::Steps;
use super::progress::Progress;
use super::session::{NoSession, Session};
use super::{BuildFailed, BuildRequest, BuiltImage, ImageBuilder, classic, context, explain};
use crate::log::StepLog;

/// Where an engine listens when nobody says else.
const USUAL_ADDRESS: &str = "unix:///var/run/docker.sock";

/// Builds by the container engine.
#[derive(Clone, Debug)]
pub struct EngineBuilder {
    docker: Docker,
    address: String,
    buildkit: bool,
}

/// Why BuildKit made no image.
enum NotBuilt {
    /// This engine has no BuildKit, or it is switched off.
    NoBuildKit,
    /// The build failed.
    Failed(BuildFailed),
}

impl EngineBuilder {
    /// A builder on this engine, which listens at the usual socket.
    #[must_use]
    pub fn new(docker: Docker) -> Self {
        Self { docker, address: USUAL_ADDRESS.to_owned(), buildkit: true }
    }

    /// The engine's address: secrets reach a build over a connection of their own.
    #[must_use]
    pub fn at(mut self, address: impl Into<String>) -> Self {
        self.address = address.into();
        self
    }

    /// Builds with the classic builder only, which can not mount secrets.
    #[must_use]
    pub fn without_buildkit(mut self) -> Self {
        self.buildkit = false;
        self
    }

    async fn by_tag(&self, tag: &str) -> Result<BuiltImage, BuildFailed> {
        let seen = self.docker.inspect_image(tag).await.map_err(|error| {
            BuildFailed::new(format!("the build ended, but the engine has no image of it: {error}"))
        })?;
        let id = seen.id.map(|id| BuiltImage { id });
        id.ok_or_else(|| BuildFailed::new("the engine names no id for the image it built"))
    }

    async fn by_buildkit(
        &self,
        request: &BuildRequest,
        log: &dyn StepLog,
    ) -> Result<Option<String>, NotBuilt> {
        if !self.buildkit {
            return Err(NotBuilt::NoBuildKit);
        }
        let body = bollard::body_full(request.context_tar.clone().into());
        if request.secrets.is_empty() {
            // The client library serves a session without secrets by itself.
            let id = format!("slipway-{}", uuid::Uuid::new_v4());
            let options = options(request).version(BuilderVersion::BuilderBuildKit).session(&id);
            let stream = self.docker.build_image(options.build(), None, Some(body));
            return follow(stream, request, log).await;
        }
        let session = Session::open(&self.address, &request.secrets).await;
        let session = session.map_err(|no_session| match no_session {
            NoSession::Refused => NotBuilt::NoBuildKit,
            NoSession::Broken(sentence) => NotBuilt::Failed(BuildFailed::new(sentence)),
        })?;
        let options = options(request).version(BuilderVersion::BuilderV1).session(&session.id);
        let docker = with_own_session(&self.docker);
        follow(docker.build_image(options.build(), None, Some(body)), request, log).await
    }
}

impl ImageBuilder for EngineBuilder {
    async fn build(
        &self,
        mut request: BuildRequest,
        log: &dyn StepLog,
    ) -> Result<BuiltImage, BuildFailed> {
        let context = std::mem::take(&mut request.context_tar);
        request.context_tar =
            context::without_ignored(context, &request.dockerfile).map_err(|error| {
                BuildFailed::new(format!("the build context is not usable: {error}"))
            })?;
        let built = match self.by_buildkit(&request, log).await {
            Ok(id) => Ok(id),
            Err(NotBuilt::NoBuildKit) if request.secrets.is_empty() => {
                if self.buildkit {
                    log.write(b"This engine refuses BuildKit; using its classic builder.\n");
                }
                classic::build(&self.docker, &request, log).await
            }
            Err(NotBuilt::NoBuildKit) => Err(BuildFailed::new(
                "this engine has no BuildKit, so no RUN can be given a secret: build without \
                 `secrets`, or on an engine that has it",
            )),
            Err(NotBuilt::Failed(failed)) => Err(failed),
        };
        match built {
            Ok(Some(id)) => Ok(BuiltImage { id }),
            Ok(None) => self.by_tag(&request.tag).await,
            Err(failed) => Err(failed.masked(&request)),
        }
    }
}

/// The client library serves sessions of its own, without secrets, to every BuildKit build. So
/// this one is asked for as a classic build, and named a BuildKit build on its way out.
fn with_own_session(docker: &Docker) -> Docker {
    docker.clone().with_request_modifier(|mut request| {
        let uri = request.uri().to_string();
        if let Ok(uri) = uri.replace("version=1", "version=2").parse() {
            *request.uri_mut() = uri;
        }
        request
    })
}

/// Shows the build, and gives the image's id where the engine names it.
async fn follow(
    stream: impl Stream<Item = Result<BuildInfo, Error>>,
    request: &BuildRequest,
    log: &dyn StepLog,
) -> Result<Option<String>, NotBuilt> {
    let mut stream = std::pin::pin!(stream);
    let mut progress = Progress::default();
    // Some engines take a BuildKit build, and do it their own way.
    let mut steps = Steps::default();
    let mut id = None;
    while let Some(info) = stream.next().await {
        match info {
            Ok(BuildInfo { aux: Some(BuildInfoAux::BuildKit(status)), .. }) => {
                progress.show(&status, log);
            }
            Ok(BuildInfo { aux: Some(BuildInfoAux::Default(image)), .. }) => id = image.id,
            Ok(info) => steps.show(&info, log),
            Err(error) if explain::refuses_buildkit(&error) => return Err(NotBuilt::NoBuildKit),
            Err(error) => {
                let step = progress.failed().or_else(|| steps.last());
                return Err(NotBuilt::Failed(explain::failed(&error, step.as_ref(), request)));
            }
        }
    }
    Ok(id)
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
