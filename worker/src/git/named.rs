//! Commits by the names that people give them.

use std::path::Path;

use slipway_pipelines::names::CommitSha;
use slipway_pipelines::wire::GitSource;

use super::Mirrors;
use super::access::Access;
use super::explain::{GitError, Kind};

impl Mirrors {
    /// The commit that a branch, a tag (in this order) or a full id names, fetched; none if the
    /// repo has no such.
    pub(crate) async fn named(
        &self,
        mirror: &Path,
        source: &GitSource,
        name: &str,
    ) -> Result<Option<CommitSha>, GitError> {
        let found = match name.parse::<CommitSha>() {
            Ok(commit) => Some((commit, format!("refs/slipway/{name}"))),
            Err(_) => self.tip(source, name).await?,
        };
        let Some((commit, name)) = found else { return Ok(None) };
        match self.have(mirror, source, &commit, &name).await {
            Ok(()) => Ok(Some(commit)),
            Err(error) if error.kind == Kind::Missing => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Where the branch or else the tag points, and its whole name.
    async fn tip(
        &self,
        source: &GitSource,
        name: &str,
    ) -> Result<Option<(CommitSha, String)>, GitError> {
        let (branch, tag) = (format!("refs/heads/{name}"), format!("refs/tags/{name}"));
        // What an annotated tag is of.
        let peeled = format!("{tag}^{{}}");
        let args = ["ls-remote", "--quiet", "--", source.url.as_str(), &branch, &tag, &peeled];
        let listed = self.git.remote(&self.root, &args, &Access::of(source)).await?;
        let listed = String::from_utf8_lossy(&listed);
        let lines = || listed.lines().filter_map(|line| line.split_once('\t'));
        let of = |wanted: &str| {
            let (commit, _) = lines().find(|(_, name)| *name == wanted)?;
            commit.parse::<CommitSha>().ok()
        };
        Ok(of(&branch)
            .map(|commit| (commit, branch.clone()))
            .or_else(|| of(&peeled).or_else(|| of(&tag)).map(|commit| (commit, tag.clone()))))
    }
}
