//! The keys of the maps inside: one table for each.

use super::{Key, Shape, root as key};

/// `jobs:`
pub(crate) const JOBS_KEYS: &[Key] = &[
    key("include", Shape::List, "jobs of their own, beside the matrix"),
    key("exclude", Shape::List, "cells of the matrix that are left out"),
    key("allow_failures", Shape::List, "jobs whose failure does not fail the run"),
    key("fast_finish", Shape::Text, "the run ends with its last required job").not_yet(),
    key("fast_failure", Shape::Text, "another name of `fast_finish`").not_yet(),
];

/// A map in `stages:`
pub(crate) const STAGE_KEYS: &[Key] = &[
    key("name", Shape::Text, "the stage's name"),
    key("if", Shape::Text, "the stage exists only when this condition holds")
        .refused("use `branches:`, or `on:` of a deploy"),
];

/// `branches:`
pub(crate) const BRANCHES_KEYS: &[Key] = &[
    key("only", Shape::Texts, "names and /regular expressions/ of what is built"),
    key("except", Shape::Texts, "names and /regular expressions/ of what is not built"),
    key("exclude", Shape::Texts, "another name of `except`"),
];

/// `image: {build: …}`
pub(crate) const IMAGE_KEYS: &[Key] = &[
    key("build", Shape::Text, "the folder the image is built from"),
    DOCKERFILE,
    TARGET,
    ARGS,
    BUILD_SECRETS,
];

const DOCKERFILE: Key = key("dockerfile", Shape::Text, "the Dockerfile, relative to the folder");
const TARGET: Key = key("target", Shape::Text, "the stage of the Dockerfile to stop at");
const ARGS: Key = key("args", Shape::Any, "values of the Dockerfile's ARGs");
const BUILD_SECRETS: Key = key("secrets", Shape::Texts, "secrets that the build may mount");

/// An entry of `images:`
pub(crate) const BUILT_IMAGE_KEYS: &[Key] = &[
    key("name", Shape::Text, "how deploys of the same job name it"),
    key("context", Shape::Text, "the folder it is built from"),
    DOCKERFILE,
    TARGET,
    ARGS,
    BUILD_SECRETS,
    key("tags", Shape::Texts, "further names of the image").not_yet(),
    key("platforms", Shape::Texts, "processors it is built for").not_yet(),
    key("push", Shape::Any, "pushed once it is built").not_yet(),
];

/// An entry of `services:`
pub(crate) const SERVICE_KEYS: &[Key] = &[
    key("name", Shape::Text, "its host name inside the job"),
    key("image", Shape::Text, "its image"),
    key("env", Shape::Any, "its environment"),
    key("command", Shape::Texts, "its command, if not the image's own"),
    key("ports", Shape::Texts, "TCP ports that must accept before the job starts"),
    key("ready", Shape::Text, "a command inside it that exits 0 once it is ready"),
];

/// What every deploy has.
pub(crate) const DEPLOY_KEYS: &[Key] = &[
    key("provider", Shape::Text, "registry, container or script"),
    key("on", Shape::Any, "branch, tags, repo, condition, all_branches: when it is done"),
    key("environment", Shape::Text, "the environment it is recorded under"),
    key("secrets", Shape::Texts, "the secrets that this step may see"),
    key("soak", Shape::Text, "how long the new version must stay healthy"),
    key("timeout", Shape::Text, "longest time of the whole deploy"),
    key("rollback", Shape::Text, "auto or never"),
    key("allow_failure", Shape::Text, "its failure does not fail the job"),
    key("if", Shape::Text, "only when this condition holds").refused("use `on:`"),
    key("run", Shape::Texts, "commands after the deploy").not_yet(),
    // There is no clean-up of the work tree before a deploy that these could switch off.
    key("skip_cleanup", Shape::Any, "accepted: the work tree is never cleaned"),
    key("cleanup", Shape::Any, "the work tree is cleaned before").not_yet(),
    key("edge", Shape::Any, "accepted: there is one deploy tool"),
];

/// `provider: registry`
pub(crate) const REGISTRY_KEYS: &[Key] = &[
    key("image", Shape::Text, "an entry of `images:`, or an image on the engine"),
    key("repository", Shape::Text, "where to: HOST/PATH, or OWNER/NAME on Docker Hub"),
    key("tags", Shape::Texts, "each is pushed"),
    key("username", Shape::Text, "the login name"),
    key("password", Shape::Text, "the password or token, as $NAME of a secret"),
];

/// `provider: container`
pub(crate) const CONTAINER_KEYS: &[Key] = &[
    key("image", Shape::Text, "an entry of `images:`, or a reference"),
    key("name", Shape::Text, "the service's name, unique within the repo"),
    key("ports", Shape::Texts, "HOST:CONTAINER"),
    key("env", Shape::Any, "the container's environment"),
    key("health", Shape::Map, "path, port, interval, retries"),
];

/// `provider: script`
pub(crate) const SCRIPT_KEYS: &[Key] = &[key("script", Shape::Text, "the command")];

/// `health:`
pub(crate) const HEALTH_KEYS: &[Key] = &[
    key("path", Shape::Text, "the path that is asked for; 2xx and 3xx are healthy"),
    key("port", Shape::Text, "the container's port"),
    key("interval", Shape::Text, "the time between two requests"),
    key("retries", Shape::Text, "failures in a row that make the verdict"),
];

/// `on:` of a deploy. What is not here is an error: a test that is passed over would deploy
/// more than was meant.
pub(crate) const ON_KEYS: &[Key] = &[
    key("branch", Shape::Texts, "exact names of branches"),
    key("branches", Shape::Texts, "another name of `branch`"),
    key("tags", Shape::Text, "true: only tags; false: no tags"),
    key("repo", Shape::Text, "only in this repo"),
    key("condition", Shape::Texts, "shell conditions that must all hold"),
    key("all_branches", Shape::Text, "true: every branch"),
];
