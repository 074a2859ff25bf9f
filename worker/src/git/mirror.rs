//! A mirror of each repo under the data dir, and what is read from it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use slipway_pipelines::names::{CommitSha, RepoName};
use slipway_pipelines::plan::Trigger;
use slipway_pipelines::wire::GitSource;
use tokio::sync::Mutex;

use super::command::git;

/// Travis' default depth of a job's clone.
const DEPTH: &str = "50";

/// All mirrors of a worker.
pub(crate) struct Mirrors {
    root: PathBuf,
    /// One fetch at a time: two into the same mirror would wait for each other's locks anyway.
    fetching: Mutex<()>,
}

/// What people are told of a commit.
pub(crate) struct CommitInfo {
    /// The whole message.
    pub(crate) message: String,
    /// The author's name.
    pub(crate) author: String,
}

impl Mirrors {
    /// Mirrors below `root`.
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root, fetching: Mutex::new(()) }
    }

    /// Makes sure that the trigger's commit is in the repo's mirror, and says where that is.
    pub(crate) async fn fetch(
        &self,
        repo: &RepoName,
        source: &GitSource,
        trigger: &Trigger,
    ) -> anyhow::Result<PathBuf> {
        let dir = self.root.join(repo.owner()).join(format!("{}.git", repo.name()));
        let _one = self.fetching.lock().await;
        if !dir.join("HEAD").exists() {
            tokio::fs::create_dir_all(&dir).await.context("can not make a mirror's folder")?;
            git(&dir, &["init", "--quiet", "--bare", "."]).await?;
        }
        let commit = trigger.commit.as_str();
        if has_commit(&dir, commit).await {
            return Ok(dir);
        }
        // By id first: the ref may have moved on. Servers that refuse ids still have the ref.
        let kept = format!("+{commit}:refs/slipway/{commit}");
        let by_id = git(&dir, &["fetch", "--quiet", "--no-tags", "--", &source.url, &kept]).await;
        if let Err(by_id) = by_id {
            let name = trigger.git_ref();
            let kept = format!("+{name}:{name}");
            git(&dir, &["fetch", "--quiet", "--no-tags", "--", &source.url, &kept])
                .await
                .with_context(|| format!("commit {} can not be fetched ({by_id:#})", commit))?;
        }
        anyhow::ensure!(
            has_commit(&dir, commit).await,
            "commit {commit} is not in the repo any more"
        );
        Ok(dir)
    }

    /// A file at a commit; none if the commit does not have it.
    pub(crate) async fn file(
        &self,
        mirror: &Path,
        commit: &CommitSha,
        path: &str,
    ) -> anyhow::Result<Option<Vec<u8>>> {
        let listed = git(mirror, &["ls-tree", "--name-only", commit.as_str(), "--", path]).await?;
        if listed.is_empty() {
            return Ok(None);
        }
        git(mirror, &["cat-file", "blob", &format!("{commit}:{path}")]).await.map(Some)
    }

    /// Message and author of a commit.
    pub(crate) async fn commit_info(
        &self,
        mirror: &Path,
        commit: &CommitSha,
    ) -> anyhow::Result<CommitInfo> {
        let args = ["log", "-1", "--format=%an%x00%B", commit.as_str()];
        let text = String::from_utf8_lossy(&git(mirror, &args).await?).into_owned();
        let (author, message) = text.split_once('\0').unwrap_or(("", &text));
        Ok(CommitInfo { message: message.trim_end().to_owned(), author: author.to_owned() })
    }

    /// The commit's work tree with its `.git`, as a tar whose paths begin with `prefix`.
    pub(crate) async fn work_tree(
        &self,
        mirror: &Path,
        source: &GitSource,
        trigger: &Trigger,
        prefix: &str,
    ) -> anyhow::Result<Vec<u8>> {
        let room = tempfile::tempdir_in(&self.root).context("no room for a work tree")?;
        let tree = room.path().join("tree");
        tokio::fs::create_dir(&tree).await?;
        git(&tree, &["init", "--quiet", "."]).await?;
        let mirror = mirror.canonicalize()?;
        // file:// and not a path: only then does git heed the depth.
        let from = format!("file://{}", mirror.display());
        let commit = trigger.commit.as_str();
        // The mirror is ours: asking it for any commit is safe.
        git(&mirror, &["config", "uploadpack.allowAnySHA1InWant", "true"]).await?;
        git(&tree, &["fetch", "--quiet", "--no-tags", "--depth", DEPTH, "--", &from, commit])
            .await?;
        let branch = trigger.event.branch();
        match trigger.event.tag() {
            None => git(&tree, &["checkout", "--quiet", "-B", branch, commit]).await?,
            Some(_) => git(&tree, &["checkout", "--quiet", "--detach", commit]).await?,
        };
        git(&tree, &["remote", "add", "origin", &source.url]).await?;
        let prefix = prefix.trim_start_matches('/').to_owned();
        tokio::task::spawn_blocking(move || {
            let mut tar = tar::Builder::new(Vec::new());
            tar.follow_symlinks(false);
            tar.append_dir_all(prefix, &tree)?;
            let bytes = tar.into_inner()?;
            drop(room);
            anyhow::Ok(bytes)
        })
        .await?
        .context("the work tree can not be packed")
    }
}

async fn has_commit(dir: &Path, commit: &str) -> bool {
    git(dir, &["cat-file", "-e", &format!("{commit}^{{commit}}")]).await.is_ok()
}
