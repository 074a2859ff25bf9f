//! A mirror of each repo under the data dir, and what is read from it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use slipway_pipelines::names::{CommitSha, RepoName};
use slipway_pipelines::plan::Trigger;
use slipway_pipelines::wire::GitSource;
use tokio::sync::Mutex;

use super::command::Git;
use super::pack::{Extra, pack};

/// Travis' default depth of a job's clone.
const DEPTH: &str = "50";

/// All mirrors of a worker.
pub(crate) struct Mirrors {
    root: PathBuf,
    git: Git,
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

/// A work tree to pack.
pub(crate) struct TreeRequest<'a> {
    /// Where its repo is mirrored.
    pub(crate) mirror: &'a Path,
    /// What `origin` is to say.
    pub(crate) source: &'a GitSource,
    /// Its commit, and the branch that is checked out there.
    pub(crate) trigger: &'a Trigger,
    /// The folder in which it begins, absolute.
    pub(crate) at: &'a str,
    /// Files that travel with it.
    pub(crate) extra: Vec<Extra>,
}

impl Mirrors {
    /// Mirrors below `root`.
    pub(crate) fn new(root: PathBuf) -> anyhow::Result<Self> {
        let git = Git::new(&root)?;
        Ok(Self { root, git, fetching: Mutex::new(()) })
    }

    /// Makes sure that the trigger's commit is in the repo's mirror, and says where that is.
    pub(crate) async fn fetch(
        &self,
        repo: &RepoName,
        source: &GitSource,
        trigger: &Trigger,
    ) -> anyhow::Result<PathBuf> {
        let dir = self.root.join(repo.owner()).join(format!("{}.git", repo.name()));
        let commit = trigger.commit.as_str();
        if dir.join("HEAD").exists() && self.has_commit(&dir, commit).await {
            return Ok(dir);
        }
        let _one = self.fetching.lock().await;
        if !dir.join("HEAD").exists() {
            tokio::fs::create_dir_all(&dir).await.context("can not make a mirror's folder")?;
            self.git.run(&dir, &["init", "--quiet", "--bare", "."]).await?;
        }
        // By id first: the ref may have moved on. Servers that refuse ids still have the ref.
        let by_id = format!("+{commit}:refs/slipway/{commit}");
        if let Err(refused) = self.fetch_one(&dir, source, &by_id).await {
            let name = trigger.git_ref();
            let by_name = format!("+{name}:{name}");
            self.fetch_one(&dir, source, &by_name).await.map_err(|_| refused)?;
        }
        let found = self.has_commit(&dir, commit).await;
        anyhow::ensure!(found, "commit {commit} is not in the repo any more");
        Ok(dir)
    }

    async fn fetch_one(&self, dir: &Path, source: &GitSource, what: &str) -> anyhow::Result<()> {
        let args = ["fetch", "--quiet", "--no-tags", "--", source.url.as_str(), what];
        self.git.run(dir, &args).await.map(drop)
    }

    async fn has_commit(&self, dir: &Path, commit: &str) -> bool {
        self.git.run(dir, &["cat-file", "-e", &format!("{commit}^{{commit}}")]).await.is_ok()
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
        self.git.run(mirror, &["cat-file", "blob", id]).await.map(Some)
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

    /// The commit's work tree with its `.git`, as a tar.
    pub(crate) async fn work_tree(&self, request: TreeRequest<'_>) -> anyhow::Result<Vec<u8>> {
        let room = tempfile::tempdir_in(&self.root).context("no room for a work tree")?;
        let tree = room.path().join("tree");
        tokio::fs::create_dir(&tree).await?;
        let git = |args: &[&str]| {
            let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
            let tree = &tree;
            async move { self.git.run(tree, &args).await }
        };
        git(&["init", "--quiet", "."]).await?;
        // file:// and not a path: only then does git heed the depth.
        let from = format!("file://{}", request.mirror.canonicalize()?.display());
        let commit = request.trigger.commit.as_str();
        git(&["fetch", "--quiet", "--no-tags", "--depth", DEPTH, "--", &from, commit]).await?;
        match request.trigger.event.tag() {
            None => {
                let branch = request.trigger.event.branch();
                git(&["checkout", "--quiet", "-B", branch, commit]).await?
            }
            Some(_) => git(&["checkout", "--quiet", "--detach", commit]).await?,
        };
        git(&["remote", "add", "origin", &request.source.url]).await?;
        let (at, extra) = (request.at.to_owned(), request.extra);
        tokio::task::spawn_blocking(move || {
            let tar = pack(&tree, &at, extra);
            drop(room);
            tar
        })
        .await?
        .context("the work tree can not be packed")
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
