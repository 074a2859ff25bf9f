//! Building images from a repo's Dockerfiles.

mod classic;
mod context;
mod engine;
mod explain;
mod progress;
mod session;

use std::future::Future;

use slipway_pipelines::wire::{Secret, SecretText};

use crate::log::{Masker, StepLog};

pub use engine::EngineBuilder;

/// One image to build.
#[derive(Debug)]
pub struct BuildRequest {
    /// The build context as an uncompressed tar archive.
    pub context_tar: Vec<u8>,
    /// The Dockerfile, relative to the context.
    pub dockerfile: String,
    /// The stage to stop at.
    pub target: Option<String>,
    /// `ARG` values.
    pub args: Vec<(String, SecretText)>,
    /// Given by secret mount only.
    pub secrets: Vec<Secret>,
    /// The name under which the engine keeps the image.
    pub tag: String,
    /// Labels of the image. Anyone who has the image reads them: never a secret.
    pub labels: Vec<(String, String)>,
}

/// An image that the engine has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltImage {
    /// The engine's image id, `sha256:…`.
    pub id: String,
}

/// Why there is no image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct BuildFailed {
    /// One sentence, for the person who wrote the Dockerfile.
    pub sentence: String,
}

impl BuildFailed {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into() }
    }

    /// A step may have printed what it was given, and the sentence goes where no log masks it.
    fn masked(self, request: &BuildRequest) -> Self {
        let secrets = request.secrets.iter().map(|secret| secret.value.expose());
        let args = request.args.iter().map(|(_, value)| value.expose());
        let Ok(mut masker) = Masker::new(secrets.chain(args)) else {
            return Self::new("the image was not built; the log has the reason");
        };
        let mut text = masker.push(self.sentence.as_bytes());
        text.extend(masker.flush());
        Self::new(String::from_utf8_lossy(&text))
    }
}

/// Turns a context into an image.
///
/// Contract: `Ok` names the image by id, whatever other builds make of the tag meanwhile. Secrets reach only the
/// `RUN` that mounts them; a builder that can not do that refuses before it runs anything. What
/// the build prints goes to `log`, and nothing of the request's secrets or arguments does by the
/// builder's own doing. A build that fails moves no tag. A build whose future is dropped is ended.
pub trait ImageBuilder: Send + Sync {
    /// Builds one image.
    fn build(
        &self,
        request: BuildRequest,
        log: &dyn StepLog,
    ) -> impl Future<Output = Result<BuiltImage, BuildFailed>> + Send;
}
