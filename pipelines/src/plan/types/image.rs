//! What a container starts from, and how an image is built.

use serde::{Deserialize, Serialize};

use super::EnvVar;
use crate::names::SecretName;

/// What a job's container starts from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JobImage {
    /// `image: NAME[:TAG]`, or from the language table.
    Named {
        /// The reference as the engine understands it.
        reference: String,
    },
    /// `image: {build: DIR, …}`: built from the work tree first, cached by content.
    Build(ImageBuild),
}

/// How an image is built from the work tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageBuild {
    /// The build context, relative to the repo's root; never leaves it.
    pub context: String,
    /// The Dockerfile, relative to the context.
    pub dockerfile: String,
    /// The stage to stop at.
    pub target: Option<String>,
    /// `ARG` values; a value may name environment variables and secrets as `$NAME`.
    pub args: Vec<EnvVar>,
    /// Given by secret mount (`RUN --mount=type=secret,id=NAME`), never in a layer.
    pub secrets: Vec<SecretName>,
}

/// An entry of `images:`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageBuildPlan {
    /// How deploys of the same job name it.
    pub name: String,
    /// How it is built.
    pub build: ImageBuild,
}
