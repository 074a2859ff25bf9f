//! A commit's work tree with its `.git`, as a job gets it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use slipway_pipelines::plan::{GitOptions, Trigger, TriggerEvent};
use slipway_pipelines::wire::GitSource;
use tempfile::TempDir;

use super::Mirrors;
use super::pack::{self, Extra};

/// Pieces of a packed tree on their way.
const PIECES: usize = 16;

/// A work tree to make.
pub(crate) struct TreeRequest<'a> {
    /// Where its repo is mirrored.
    pub(crate) mirror: &'a Path,
    /// What `origin` is to say.
    pub(crate) source: &'a GitSource,
    /// Its commit, and the branch that is checked out there.
    pub(crate) trigger: &'a Trigger,
    /// Its history and its submodules.
    pub(crate) options: &'a GitOptions,
    /// The folder in which it begins, absolute.
    pub(crate) at: &'a str,
}

/// A work tree on this machine's disk; it is gone with the last value of it.
#[derive(Clone)]
pub(crate) struct WorkTree {
    room: Arc<TempDir>,
    at: String,
}

/// A work tree on its way.
pub(crate) enum Packed {
    /// All of it.
    Whole(Vec<u8>),
    /// Too large to be held: as it was.
    Large(WorkTree, Vec<Extra>),
}

impl Mirrors {
    /// Makes a commit's work tree.
    pub(crate) async fn work_tree(&self, request: TreeRequest<'_>) -> anyhow::Result<WorkTree> {
        let work_tree = self.no_work_tree(request.at).await?;
        let tree = work_tree.tree();
        let git = async |args: &[&str]| self.git.run(&tree, args).await.map(drop);
        fresh(&tree, &request.source.url).context("the work tree can not be made")?;
        // file:// and not a path: only then does git heed the depth.
        let from = format!("file://{}", request.mirror.canonicalize()?.display());
        let commit = request.trigger.commit.as_str();
        let depth = request.options.depth.map(|depth| format!("--depth={depth}"));
        let mut fetch = vec!["fetch", "--quiet", "--no-tags"];
        fetch.extend(depth.as_deref());
        fetch.extend(["--", &from, commit]);
        git(&fetch).await?;
        match &request.trigger.event {
            TriggerEvent::Push { branch }
            | TriggerEvent::Api { branch }
            | TriggerEvent::Cron { branch } => {
                git(&["checkout", "--quiet", "-B", branch, commit]).await?;
            }
            TriggerEvent::PullRequest(_) => {
                git(&["checkout", "--quiet", "--detach", commit]).await?;
            }
            TriggerEvent::Tag { tag } => {
                git(&["checkout", "--quiet", "--detach", commit]).await?;
                // Releases ask git for the name of their commit.
                git(&["update-ref", &format!("refs/tags/{tag}"), commit]).await?;
            }
        }
        if request.options.submodules && tree.join(".gitmodules").is_file() {
            self.submodules(&tree, &request).await?;
        }
        Ok(work_tree)
    }

    /// An empty folder in its place: `clone: false`.
    pub(crate) async fn no_work_tree(&self, at: &str) -> anyhow::Result<WorkTree> {
        let room = tempfile::tempdir_in(&self.root).context("no room for a work tree")?;
        tokio::fs::create_dir(room.path().join("tree")).await?;
        Ok(WorkTree { room: Arc::new(room), at: at.to_owned() })
    }
}

/// What `git init` and `git remote add` would make, without a process: each is some milliseconds
/// of every job.
fn fresh(tree: &Path, origin: &str) -> std::io::Result<()> {
    let git = tree.join(".git");
    for folder in ["objects/info", "objects/pack", "refs/heads", "refs/tags", "info"] {
        std::fs::create_dir_all(git.join(folder))?;
    }
    std::fs::write(git.join("HEAD"), "ref: refs/heads/main\n")?;
    // As git itself would write it.
    let is_plain = origin.trim() == origin && !origin.contains(['"', '\\', '#', ';', '\n']);
    let origin = if is_plain {
        origin.to_owned()
    } else {
        let escaped = origin.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        format!("\"{escaped}\"")
    };
    let config = format!(
        "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\
         \tlogallrefupdates = true\n[remote \"origin\"]\n\turl = {origin}\n\
         \tfetch = +refs/heads/*:refs/remotes/origin/*\n"
    );
    std::fs::write(git.join("config"), config)
}

impl WorkTree {
    /// Where it is on this machine.
    pub(crate) fn tree(&self) -> PathBuf {
        self.room.path().join("tree")
    }

    /// All that is in it but folders and what git keeps for itself, relative to it.
    pub(crate) fn files(&self) -> std::io::Result<Vec<PathBuf>> {
        let tree = self.tree();
        let mut files = Vec::new();
        let mut folders = vec![tree.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder)? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    if entry.path() != tree.join(".git") {
                        folders.push(entry.path());
                    }
                } else if let Ok(path) = entry.path().strip_prefix(&tree) {
                    files.push(path.to_owned());
                }
            }
        }
        files.sort();
        Ok(files)
    }

    /// All of it as one tar.
    pub(crate) async fn packed(self) -> anyhow::Result<(Self, Vec<u8>)> {
        let packed = tokio::task::spawn_blocking(move || {
            let tar = pack::pack(&self.tree(), &self.at, Vec::new(), Vec::new());
            tar.map(|tar| (self, tar))
        });
        packed.await?.context("the work tree can not be packed")
    }

    /// One tar of it and of `extra`, if that is of at most `most` bytes.
    pub(crate) async fn packed_within(
        self,
        extra: Vec<Extra>,
        most: usize,
    ) -> anyhow::Result<Packed> {
        let packed = tokio::task::spawn_blocking(move || {
            let room = pack::Room::new(most);
            match pack::pack(&self.tree(), &self.at, extra.clone(), room) {
                Ok(room) => Ok(Packed::Whole(room.into_bytes())),
                Err(error) if pack::Room::is_full(&error) => Ok(Packed::Large(self, extra)),
                Err(error) => Err(error),
            }
        });
        packed.await?.context("the work tree can not be packed")
    }

    /// The pieces of one tar of it and of `extra`, made while they are taken: a large repo is never
    /// in memory as a whole.
    pub(crate) fn stream(
        self,
        extra: Vec<Extra>,
    ) -> tokio_stream::wrappers::ReceiverStream<std::io::Result<Bytes>> {
        let (sender, receiver) = tokio::sync::mpsc::channel(PIECES);
        tokio::task::spawn_blocking(move || {
            let pieces = pack::Pieces::new(sender.clone());
            if let Err(error) = pack::pack(&self.tree(), &self.at, extra, pieces) {
                // Whoever takes the pieces may be gone: then nobody needs to know.
                let _gone = sender.blocking_send(Err(std::io::Error::other(error)));
            }
        });
        tokio_stream::wrappers::ReceiverStream::new(receiver)
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::fresh;

    #[test]
    fn git_takes_what_was_made_without_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let origin = "https://git.example/a \"b\"\\c.git";
        fresh(dir.path(), origin).expect("made");
        let git = |args: &[&str]| {
            let output = Command::new("git").args(args).current_dir(dir.path()).output();
            let output = output.expect("git runs");
            assert!(output.status.success(), "{output:?}");
            String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
        };
        assert_eq!(git(&["remote", "get-url", "origin"]), origin);
        assert_eq!(git(&["symbolic-ref", "HEAD"]), "refs/heads/main");
        assert_eq!(git(&["status", "--porcelain"]), "");
        assert_eq!(git(&["fsck"]), "");
    }
}
