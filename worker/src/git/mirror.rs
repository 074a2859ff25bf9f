//! A mirror of each repo under the data dir, and what is read from it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use slipway_pipelines::names::{CommitSha, RepoName};
use slipway_pipelines::plan::{Trigger, TriggerEvent};
use slipway_pipelines::wire::GitSource;
use tokio::sync::OwnedMutexGuard;

use super::access::Access;
use super::command::Git;
use super::explain::{GitError, Kind};

/// All mirrors of a worker.
pub(crate) struct Mirrors {
    pub(super) root: PathBuf,
    pub(super) git: Git,
    /// One fetch at a time into each mirror: two would wait for each other's locks anyway.
    fetching: Mutex<HashMap<PathBuf, Arc<tokio::sync::Mutex<()>>>>,
    /// Longest wait for the commit that a forge makes of a pull request.
    pub(super) patience: Duration,
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
    pub(crate) fn new(root: PathBuf) -> anyhow::Result<Self> {
        let git = Git::new(&root)?;
        let patience = Duration::from_secs(30);
        Ok(Self { root, git, fetching: Mutex::default(), patience })
    }

    /// Makes sure that the trigger's commit is in the repo's mirror, and says where that is.
    pub(crate) async fn fetch(
        &self,
        repo: &RepoName,
        source: &GitSource,
        trigger: &Trigger,
    ) -> anyhow::Result<PathBuf> {
        let dir = self.dir(repo);
        self.have(&dir, source, &trigger.commit, &trigger.git_ref()).await.map_err(|error| {
            if error.kind == Kind::Missing { gone(trigger) } else { anyhow::Error::new(error) }
        })?;
        Ok(dir)
    }

    /// Where a repo is, or will be, mirrored.
    pub(crate) fn of(&self, repo: &RepoName) -> PathBuf {
        self.dir(repo)
    }

    /// Where a repo is mirrored.
    pub(super) fn dir(&self, repo: &RepoName) -> PathBuf {
        self.root.join(repo.owner()).join(format!("{}.git", repo.name()))
    }

    /// Makes sure that a commit is in a mirror: by its id, else by the ref that had it.
    pub(super) async fn have(
        &self,
        dir: &Path,
        source: &GitSource,
        commit: &CommitSha,
        name: &str,
    ) -> Result<(), GitError> {
        if dir.join("HEAD").exists() && self.has_commit(dir, commit).await {
            return Ok(());
        }
        let _one = self.turn(dir).await;
        self.ensure(dir).await?;
        // Jobs of one run begin together: the first of them fetched for all.
        if self.has_commit(dir, commit).await {
            return Ok(());
        }
        // By id first: the ref may have moved on. Servers that refuse ids still have the ref.
        let by_id = format!("+{commit}:refs/slipway/{commit}");
        match self.fetch_one(dir, source, &by_id).await {
            Ok(()) => return Ok(()),
            Err(error) if error.kind != Kind::Missing => return Err(error),
            Err(_) => {}
        }
        self.fetch_one(dir, source, &format!("+{name}:{name}")).await?;
        if self.has_commit(dir, commit).await {
            return Ok(());
        }
        Err(GitError::new(Kind::Missing, format!("{name} does not have commit {commit} any more")))
    }

    async fn ensure(&self, dir: &Path) -> Result<(), GitError> {
        if dir.join("HEAD").exists() {
            return Ok(());
        }
        let unmade = |error: std::io::Error| {
            GitError::new(Kind::Final, format!("the worker can not make a mirror: {error}"))
        };
        // Made beside its place: a git that is ended in the middle of it leaves locks behind, and
        // a mirror that is there is whole.
        let fresh = dir.with_extension("new");
        for half in [dir, &fresh] {
            if half.exists() {
                tokio::fs::remove_dir_all(half).await.map_err(unmade)?;
            }
        }
        tokio::fs::create_dir_all(&fresh).await.map_err(unmade)?;
        self.git.run(&fresh, &["init", "--quiet", "--bare", "."]).await?;
        tokio::fs::rename(&fresh, dir).await.map_err(unmade)
    }

    /// Removes the locks of a fetch that was ended in the middle. Whoever has the mirror's turn is
    /// the only one that fetches, so none of them is anybody's.
    async fn unlock(dir: &Path, what: &str) {
        let name = what.rsplit(':').next().unwrap_or_default();
        if name.split('/').any(|part| part == "..") {
            return;
        }
        for lock in [format!("{name}.lock"), "shallow.lock".to_owned()] {
            if tokio::fs::remove_file(dir.join(&lock)).await.is_ok() {
                tracing::info!(mirror = %dir.display(), lock, "an ended fetch had left a lock");
            }
        }
    }

    /// Waits for the mirror: a slow repo holds up nobody but itself.
    async fn turn(&self, dir: &Path) -> OwnedMutexGuard<()> {
        let lock = {
            let mut all = self.fetching.lock().unwrap_or_else(PoisonError::into_inner);
            all.retain(|_, lock| Arc::strong_count(lock) > 1);
            Arc::clone(all.entry(dir.to_owned()).or_default())
        };
        lock.lock_owned().await
    }

    async fn fetch_one(&self, dir: &Path, source: &GitSource, what: &str) -> Result<(), GitError> {
        Self::unlock(dir, what).await;
        let args = ["fetch", "--quiet", "--no-tags", "--", source.url.as_str(), what];
        self.git.remote(dir, &args, &Access::of(source)).await.map(drop)
    }

    async fn has_commit(&self, dir: &Path, commit: &CommitSha) -> bool {
        self.git.run(dir, &["cat-file", "-e", &format!("{commit}^{{commit}}")]).await.is_ok()
    }

    /// The commit's parent at this place, from 1; none if it has not so many.
    pub(crate) async fn parent(
        &self,
        mirror: &Path,
        commit: &CommitSha,
        place: usize,
    ) -> Option<CommitSha> {
        let name = format!("{commit}^{place}");
        let said = self.git.run(mirror, &["rev-parse", "--quiet", "--verify", &name]).await.ok()?;
        String::from_utf8_lossy(&said).trim().parse().ok()
    }

    /// A file at a commit; none if the commit does not have it.
    ///
    /// # Errors
    /// It is no file, or of more than `most` bytes.
    pub(crate) async fn file(
        &self,
        mirror: &Path,
        commit: &CommitSha,
        path: &str,
        most: u64,
    ) -> anyhow::Result<Option<Vec<u8>>> {
        let list = ["ls-tree", "--long", commit.as_str(), "--", path];
        let listed = self.git.run(mirror, &list).await?;
        let listed = String::from_utf8_lossy(&listed);
        // MODE TYPE ID SIZE<tab>PATH
        let words: Vec<&str> = listed.split_whitespace().collect();
        let [mode, kind, id, size, ..] = words.as_slice() else { return Ok(None) };
        anyhow::ensure!(*kind == "blob" && *mode != "120000", "{path} is not a file");
        let size: u64 = size.parse().context("git shows no size")?;
        anyhow::ensure!(size <= most, "{path} has {size} bytes; at most {most} are read");
        Ok(Some(self.git.run(mirror, &["cat-file", "blob", id]).await?))
    }

    /// Message and author of a commit.
    pub(crate) async fn commit_info(
        &self,
        mirror: &Path,
        commit: &CommitSha,
    ) -> anyhow::Result<CommitInfo> {
        let args = ["log", "-1", "--format=%an%x00%B", commit.as_str()];
        let text = String::from_utf8_lossy(&self.git.run(mirror, &args).await?).into_owned();
        let (author, message) = text.split_once('\0').unwrap_or(("", &text));
        // Postgres keeps no NUL, and a message may hold one.
        let clean = |text: &str| text.trim_end().replace('\0', "\u{fffd}");
        Ok(CommitInfo { message: clean(message), author: clean(author) })
    }

    /// Takes away work trees that an earlier process left.
    pub(crate) fn sweep(&self) -> anyhow::Result<()> {
        for entry in std::fs::read_dir(&self.root)? {
            let entry = entry?;
            // The names that `tempfile` gives.
            if entry.file_name().to_string_lossy().starts_with(".tmp") {
                std::fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }
}

fn gone(trigger: &Trigger) -> anyhow::Error {
    let why = match &trigger.event {
        TriggerEvent::Push { .. } | TriggerEvent::Api { .. } | TriggerEvent::Cron { .. } => {
            "the branch was force-pushed or deleted"
        }
        TriggerEvent::Tag { .. } => "the tag was moved or deleted",
        TriggerEvent::PullRequest(_) => "the pull request has a newer commit, or was closed",
    };
    anyhow::anyhow!("commit {} is not in the repo any more: {why}", trigger.commit.short())
}
