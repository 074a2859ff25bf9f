//! What commands print of the REST interface beside the shared types of `wire::api`.

pub(crate) mod findings;

use serde::{Deserialize, Serialize};

/// A repo.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Repo {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) clone_url: String,
    pub(crate) default_branch: String,
    pub(crate) enabled: bool,
}

/// What the server's credential for GitHub can see.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct GithubRepos {
    pub(crate) repos: Vec<GithubRepo>,
    pub(crate) cut: bool,
}

/// One of those.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct GithubRepo {
    pub(crate) name: String,
    pub(crate) private: bool,
    pub(crate) archived: bool,
    pub(crate) enabled: Option<bool>,
}

/// The first seven digits.
pub(crate) fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}
