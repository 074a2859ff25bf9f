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

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    struct Forge {
        dir: tempfile::TempDir,
        mirrors: Mirrors,
        source: GitSource,
        pull: PullRequest,
    }

    impl Forge {
        /// A pull request with a head and no merge commit.
        fn new() -> Self {
            let dir = tempfile::tempdir().expect("a folder");
            let mut mirrors = Mirrors::new(dir.path().join("git")).expect("mirrors");
            mirrors.patience = Duration::from_millis(200);
            let repo = dir.path().join("repo");
            std::fs::create_dir(&repo).expect("made");
            let source = GitSource { url: repo.display().to_string(), credential: None };
            let pull = PullRequest {
                number: 7,
                title: "A title".to_owned(),
                base: "main".to_owned(),
                head_branch: "feature".to_owned(),
                head_repo: None,
                head: "0123456789012345678901234567890123456789".parse().expect("a commit"),
                fork: false,
                draft: false,
            };
            let mut forge = Self { dir, mirrors, source, pull };
            forge.git(&["init", "--quiet", "--initial-branch=main", "."]);
            forge.git(&["commit", "--quiet", "--allow-empty", "-m", "Base"]);
            forge.git(&["checkout", "--quiet", "-b", "feature"]);
            forge.pull.head = forge.push_again();
            forge
        }

        fn git(&self, args: &[&str]) -> String {
            let who = ["-c", "user.name=A. Thor", "-c", "user.email=a@example.com"];
            let mut command = Command::new("git");
            command.args(who).args(args).current_dir(self.dir.path().join("repo"));
            let output = command.output().expect("git runs");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }

        fn push_again(&self) -> CommitSha {
            self.git(&["commit", "--quiet", "--allow-empty", "-m", "More"]);
            self.git(&["update-ref", "refs/pull/7/head", "HEAD"]);
            self.git(&["rev-parse", "HEAD"]).parse().expect("a commit")
        }

        fn merge(&self) -> CommitSha {
            let tree = self.git(&["rev-parse", "HEAD^{tree}"]);
            let merge =
                self.git(&["commit-tree", &tree, "-p", "main", "-p", "feature", "-m", "Merge"]);
            self.git(&["update-ref", "refs/pull/7/merge", &merge]);
            merge.parse().expect("a commit")
        }

        async fn fetch(&self) -> Result<CommitSha, String> {
            let repo = "acme/app".parse().expect("a name");
            let fetched = self.mirrors.fetch_merge(&repo, &self.source, &self.pull).await;
            fetched.map(|(_, merge)| merge).map_err(|error| format!("{error:#}"))
        }
    }

    #[tokio::test]
    async fn the_merge_commit_of_exactly_this_head_is_taken() {
        let mut forge = Forge::new();
        let merge = forge.merge();
        assert_eq!(forge.fetch().await, Ok(merge));
        // The forge still shows the merge of the head before.
        forge.pull.head = forge.push_again();
        let wanted = "pull request 7 can not be merged into main: resolve its conflicts and push \
                      again";
        assert_eq!(forge.fetch().await, Err(wanted.to_owned()));
        assert_eq!(forge.fetch().await, Err(wanted.to_owned()));
        let merge = forge.merge();
        assert_eq!(forge.fetch().await, Ok(merge));
    }

    #[tokio::test]
    async fn a_merge_commit_that_comes_late_is_waited_for() {
        let mut forge = Forge::new();
        forge.mirrors.patience = Duration::from_secs(20);
        let (fetched, merge) = tokio::join!(forge.fetch(), async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            forge.merge()
        });
        assert_eq!(fetched, Ok(merge));
    }

    #[tokio::test]
    async fn what_is_no_more_asked_is_said() {
        let forge = Forge::new();
        let now = forge.push_again();
        let wanted = format!(
            "pull request 7 at {} was superseded by a newer push, {}",
            forge.pull.head.short(),
            now.short()
        );
        assert_eq!(forge.fetch().await, Err(wanted));
        forge.git(&["update-ref", "-d", "refs/pull/7/head"]);
        let wanted = "pull request 7 is not in the repo any more".to_owned();
        assert_eq!(forge.fetch().await, Err(wanted));
    }

    #[tokio::test]
    async fn what_an_ended_git_left_is_in_nobodys_way() {
        let forge = Forge::new();
        let repo = "acme/app".parse().expect("a name");
        let mirror = forge.mirrors.dir(&repo);
        for half in [mirror.clone(), mirror.with_extension("new")] {
            std::fs::create_dir_all(&half).expect("made");
            std::fs::write(half.join("config.lock"), "").expect("written");
        }
        let merge = forge.merge();
        assert_eq!(forge.fetch().await, Ok(merge.clone()));
        // A fetch that was ended while it wrote its refs.
        forge.git(&["commit", "--quiet", "--allow-empty", "-m", "Later"]);
        let later: CommitSha = forge.git(&["rev-parse", "HEAD"]).parse().expect("a commit");
        for lock in [format!("refs/slipway/{later}.lock"), "shallow.lock".to_owned()] {
            let lock = mirror.join(lock);
            std::fs::create_dir_all(lock.parent().expect("a folder")).expect("made");
            std::fs::write(lock, "").expect("written");
        }
        let had = forge.mirrors.have(&mirror, &forge.source, &later, "refs/heads/feature").await;
        had.expect("it is fetched");
    }
}
