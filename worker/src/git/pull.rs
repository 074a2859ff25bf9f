//! The commit of a pull request: forges make it of head and base, a moment after they tell of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use slipway_pipelines::names::{CommitSha, RepoName};
use slipway_pipelines::plan::PullRequest;
use slipway_pipelines::wire::GitSource;
use tokio::time::Instant;

use super::Mirrors;
use super::access::Access;
use super::explain::{GitError, Kind};

/// First pause before the forge is asked again; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// Where the refs of a pull request point.
#[derive(Debug, Default)]
struct Tips {
    head: Option<CommitSha>,
    merge: Option<CommitSha>,
}

impl Mirrors {
    /// Fetches the commit that merges exactly this head of the pull request into its base; says
    /// where it is and which it is.
    pub(crate) async fn fetch_merge(
        &self,
        repo: &RepoName,
        source: &GitSource,
        pull: &PullRequest,
    ) -> anyhow::Result<(PathBuf, CommitSha)> {
        let dir = self.dir(repo);
        let until = Instant::now() + self.patience;
        let mut pause = FIRST_PAUSE.min(self.patience);
        loop {
            let tips = self.tips(source, pull.number).await?;
            if let Some(merge) = &tips.merge
                && self.merges(&dir, source, merge, pull).await?
            {
                return Ok((dir, merge.clone()));
            }
            if Instant::now() + pause > until {
                anyhow::bail!(verdict(pull, &tips));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Is it the merge of this head? A push that came later has one of its own.
    async fn merges(
        &self,
        dir: &Path,
        source: &GitSource,
        merge: &CommitSha,
        pull: &PullRequest,
    ) -> Result<bool, GitError> {
        let name = format!("refs/pull/{}/merge", pull.number);
        match self.have(dir, source, merge, &name).await {
            Ok(()) => Ok(self.parent(dir, merge, 2).await.as_ref() == Some(&pull.head)),
            // It was made anew since it was listed.
            Err(error) if error.kind == Kind::Missing => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn tips(&self, source: &GitSource, number: u64) -> Result<Tips, GitError> {
        let (head, merge) =
            (format!("refs/pull/{number}/head"), format!("refs/pull/{number}/merge"));
        let args = ["ls-remote", "--quiet", "--", source.url.as_str(), &head, &merge];
        let listed = self.git.remote(&self.root, &args, &Access::of(source)).await?;
        let mut tips = Tips::default();
        for line in String::from_utf8_lossy(&listed).lines() {
            let Some((commit, name)) = line.split_once('\t') else { continue };
            if name == head {
                tips.head = commit.parse().ok();
            } else if name == merge {
                tips.merge = commit.parse().ok();
            }
        }
        Ok(tips)
    }
}

fn verdict(pull: &PullRequest, tips: &Tips) -> String {
    let PullRequest { number, base, head, .. } = pull;
    match &tips.head {
        Some(now) if now == head => format!(
            "pull request {number} can not be merged into {base}: resolve its conflicts and push \
             again"
        ),
        Some(now) => format!(
            "pull request {number} at {} was superseded by a newer push, {}",
            head.short(),
            now.short()
        ),
        None => format!("pull request {number} is not in the repo any more"),
    }
}
