//! The working folder as a job's work tree: its files as they lie, on a repository of its own, so
//! that nothing a job does is done to it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use slipway_pipelines::plan::{GitOptions, Trigger, TriggerEvent};

use super::gather::gather;
use super::{Mirrors, WorkTree};

/// What a folder is taken for.
pub(crate) struct FolderRequest<'a> {
    /// The root of the repository, or just a folder.
    pub(crate) root: &'a Path,
    /// Its commit, and the branch that is checked out in the job.
    pub(crate) trigger: &'a Trigger,
    /// What `origin` is to say.
    pub(crate) origin: Option<&'a str>,
    /// In which ways the jobs want it.
    pub(crate) options: Vec<&'a GitOptions>,
    /// The folder in which it begins in a job, absolute.
    pub(crate) at: &'a str,
    /// At most so many bytes.
    pub(crate) most: u64,
}

/// A working folder as it was at one moment: every job of a run sees the same.
pub(crate) struct Folder {
    title: String,
    trees: Vec<(GitOptions, WorkTree)>,
}

impl Folder {
    /// What is in it, in words.
    pub(crate) fn title(&self) -> &str {
        &self.title
    }

    /// A job's work tree.
    pub(crate) fn tree(&self, options: &GitOptions) -> anyhow::Result<WorkTree> {
        let found = self.trees.iter().find(|(wanted, _)| wanted == options);
        found.map(|(_, tree)| tree.clone()).context("the folder was not copied for this job")
    }
}

impl Mirrors {
    /// Takes a folder as it is now.
    pub(crate) async fn folder(&self, request: FolderRequest<'_>) -> anyhow::Result<Folder> {
        let mut trees: Vec<(GitOptions, WorkTree)> = Vec::new();
        for options in &request.options {
            if trees.iter().any(|(other, _)| other == *options) {
                continue;
            }
            let tree = self.no_work_tree(request.at).await?;
            if options.clone {
                gather(self, request.root, &tree.tree(), request.most).await?;
                self.repository(&tree.tree(), &request, options).await?;
            }
            trees.push(((*options).clone(), tree));
        }
        let title = self.title(request.root, request.trigger).await?;
        Ok(Folder { title, trees })
    }

    /// Makes the folder a repository at the trigger's commit. What is other than there is a change
    /// that is not committed, in the job as in the folder.
    async fn repository(
        &self,
        tree: &Path,
        request: &FolderRequest<'_>,
        options: &GitOptions,
    ) -> anyhow::Result<()> {
        if !request.root.join(".git").exists() {
            return Ok(());
        }
        let git = async |args: &[&str]| self.git.run(tree, args).await.map(drop);
        git(&["init", "--quiet", "."]).await?;
        if let Some(origin) = request.origin {
            git(&["remote", "add", "origin", origin]).await?;
        }
        let commit = request.trigger.commit.as_str();
        let unborn = request.trigger.commit.is_zero();
        if !unborn {
            self.history(tree, request, options).await?;
        }
        match &request.trigger.event {
            TriggerEvent::Push { branch }
            | TriggerEvent::Api { branch }
            | TriggerEvent::Cron { branch } => {
                git(&["symbolic-ref", "HEAD", &format!("refs/heads/{branch}")]).await?;
            }
            TriggerEvent::Tag { tag } if !unborn => {
                git(&["update-ref", "--no-deref", "HEAD", commit]).await?;
                git(&["update-ref", &format!("refs/tags/{tag}"), commit]).await?;
            }
            TriggerEvent::Tag { .. } => {}
            TriggerEvent::PullRequest(_) => {
                if !unborn {
                    git(&["update-ref", "--no-deref", "HEAD", commit]).await?;
                }
            }
        }
        if !unborn {
            // The branch where there is one, and the index.
            git(&["reset", "--quiet", "--mixed", commit]).await?;
        }
        Ok(())
    }

    async fn history(
        &self,
        tree: &Path,
        request: &FolderRequest<'_>,
        options: &GitOptions,
    ) -> anyhow::Result<()> {
        // file:// and not a path: only then does git heed the depth.
        let from = format!("file://{}", request.root.canonicalize()?.display());
        let commit = request.trigger.commit.as_str();
        let fetch = async |depth: Option<u32>| {
            let depth = depth.map(|depth| format!("--depth={depth}"));
            let mut args = vec!["fetch", "--quiet", "--no-tags", "--update-shallow"];
            args.extend(depth.as_deref());
            args.extend(["--", &from, commit]);
            self.git.run(tree, &args).await.map(drop)
        };
        match fetch(options.depth).await {
            Ok(()) => Ok(()),
            // A clone that leaves out what is old can not give it away.
            Err(_) if options.depth != Some(1) => Ok(fetch(Some(1)).await?),
            Err(error) => Err(error.into()),
        }
    }

    async fn title(&self, root: &Path, trigger: &Trigger) -> anyhow::Result<String> {
        if !root.join(".git").exists() {
            return Ok(format!("Copy of {}", name(root)));
        }
        let args = ["status", "--porcelain", "-z", "--untracked-files=all", "--no-renames"];
        let said = self.git.run(root, &args).await?;
        let changed = said.split(|byte| *byte == 0).filter(|line| !line.is_empty()).count();
        let commit = trigger.commit.short();
        Ok(match changed {
            _ if trigger.commit.is_zero() => format!("Copy of {}, without a commit", name(root)),
            0 => format!("Clone at {commit}"),
            1 => format!("Clone at {commit}, with 1 file that is changed"),
            _ => format!("Clone at {commit}, with {changed} files that are changed"),
        })
    }
}

fn name(root: &Path) -> String {
    let root = root.canonicalize().unwrap_or_else(|_| PathBuf::from(root));
    root.file_name().unwrap_or(root.as_os_str()).to_string_lossy().into_owned()
}
