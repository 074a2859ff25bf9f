//! Where a branch is now.

use slipway_pipelines::names::CommitSha;

use crate::db::repos::Repo;
use crate::github::GithubError;
use crate::state::Server;

/// The commit that a branch of a GitHub repo points to; none: there is no such branch.
///
/// # Errors
/// When GitHub is not linked, or does not answer.
pub async fn head_of(
    server: &Server,
    repo: &Repo,
    branch: &str,
) -> Result<Option<CommitSha>, GithubError> {
    server.github()?.head(&repo.name, branch).await
}
