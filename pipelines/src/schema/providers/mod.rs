//! `deploy:`: the providers and their options. A provider more is an entry more.

mod a_to_c;
mod d_to_l;
mod m_to_z;
mod ours;
mod travis;

use super::key::key;
use super::own::ON_VIEW;
use super::shape::{Map, Shape, TEXTS, map};
use super::{Key, machine, versions};

/// One deploy provider.
#[derive(Clone, Copy, Debug)]
pub struct Provider {
    /// As written in `provider:`.
    pub name: &'static str,
    /// Other words that mean it.
    pub aliases: &'static [&'static str],
    /// Its options, with those that all have.
    pub map: Map,
    /// Is it here? Else a step with it fails, and the file is fine.
    pub works: bool,
    /// One sentence for people.
    pub meaning: &'static str,
    /// A page to read on.
    pub doc: &'static str,
}

/// All providers: ours first.
pub fn providers() -> impl Iterator<Item = &'static Provider> {
    ours::PROVIDERS.iter().chain(travis::PROVIDERS)
}

const DEPLOY: &str = "https://docs.travis-ci.com/user/deployment/";

/// What every deploy has.
pub(super) const COMMON: &[Key] = &[
    key("provider", Shape::Text, "where it goes").required().doc(DEPLOY),
    key("on", Shape::Map(&ON), "branch, tags, repo, condition, all_branches: when it is done")
        .alias(&["true"])
        .doc(DEPLOY),
    key("allow_failure", Shape::Bool, "its failure does not fail the job").doc(DEPLOY),
    key("run", TEXTS, "commands after the deploy").not_yet().doc(DEPLOY),
    key("skip_cleanup", Shape::Bool, "accepted: the work tree is never cleaned").doc(DEPLOY),
    key("cleanup", Shape::Bool, "the work tree is cleaned before").not_yet().doc(DEPLOY),
    key("edge", Shape::OneOf(&[Shape::Bool, Shape::Map(&EDGE)]), "accepted: one deploy tool")
        .doc(DEPLOY),
];

/// What Slipway has for every deploy; one provider of Travis has an option of the same name.
pub(super) const RECORD: &[Key] = &[
    key("environment", Shape::Text, "the environment it is recorded under").own(),
    key("secrets", TEXTS, "the secrets that this step may see").own(),
    key("soak", Shape::Duration, "how long the new version must stay healthy").own(),
    key("rollback", Shape::Text, "auto or never").own(),
    key("migrate", MIGRATE, "what must pass before the target is changed").own(),
    key("promote", Shape::Text, "the environment whose verified version is deployed").own(),
    key("if", Shape::Condition, "only when this condition holds").own().refused("use `on:`"),
];

/// A command, or the manifest of a Kubernetes Job.
const MIGRATE: Shape = Shape::OneOf(&[
    Shape::Text,
    Shape::Map(&map(&[&[key("job", Shape::Text, "the manifest of a Kubernetes Job").own()]])),
]);

/// Our providers have a time limit; some of Travis' mean something else by the word.
pub(super) const LIMIT: &[Key] =
    &[key("timeout", Shape::Duration, "longest time of the whole deploy").own()];

const EDGE: Map = map(&[&[
    key("enabled", Shape::Bool, "accepted, without effect"),
    key("source", Shape::Text, "accepted, without effect"),
    key("branch", Shape::Text, "accepted, without effect"),
]]);

/// `on:` of a deploy.
pub(super) const ON: Map =
    map(&[ON_KEYS, versions::KEYS, machine::ON_KEYS]).view(ON_VIEW).prefix_text("branch");

const ON_KEYS: &[Key] = &[
    key("branch", TEXTS, "exact names of branches").alias(&["branches"]).doc(DEPLOY),
    key("tags", Shape::Bool, "true: only tags; false: no tags").doc(DEPLOY),
    key("repo", Shape::Text, "only in this repo").doc(DEPLOY),
    key("condition", TEXTS, "shell conditions that must all hold").doc(DEPLOY),
    key("all_branches", Shape::Bool, "true: every branch").doc(DEPLOY),
];

/// A value, or one for each branch.
pub(super) const BY_BRANCH: Shape = Shape::OneOf(&[Shape::Free(&Shape::Text), Shape::Text]);
pub(super) const SECURE_BY_BRANCH: Shape =
    Shape::OneOf(&[Shape::Free(&Shape::Secure), Shape::Secure]);
