//! What a container starts from, and how an image is built.

use serde::{Deserialize, Serialize};

use super::{DeployOn, EnvVar, Template};
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
    /// The references it gets: `HOST/PATH:TAG`.
    #[serde(default)]
    pub tags: Vec<Template>,
    /// For which machines it is built, `linux/arm64`; none: the worker's own.
    #[serde(default)]
    pub platforms: Vec<String>,
    /// When it is pushed to where its tags say; none: never.
    #[serde(default)]
    pub push: Option<ImagePush>,
}

/// `push:` of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImagePush {
    /// As `on:` of a deploy.
    pub on: DeployOn,
}
