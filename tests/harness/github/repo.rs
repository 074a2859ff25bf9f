//! A repository of the stand-in, as a story uses it.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::Shared;
use super::push::{refresh, tell};
use super::state::{Holder, Hook, Pull};

/// A repository of the stand-in.
#[derive(Debug)]
pub struct ForgeRepo {
    pub(super) shared: Arc<Shared>,
    /// `OWNER/NAME`.
    pub name: String,
    /// The bare repository.
    pub path: PathBuf,
    pub(super) tree: PathBuf,
}

impl ForgeRepo {
    /// For `git clone`; carries no credential.
    #[must_use]
    pub fn clone_url(&self) -> String {
        format!("{}/{}.git", self.shared.base, self.name)
    }

    /// The app is not installed here.
    pub fn uninstall(&self) {
        if let Some(repo) = self.shared.state().repo_mut(&self.name) {
            repo.installed = false;
        }
    }

    /// Writes the files, commits them and pushes the commit to `branch` over HTTP; the webhooks
    /// have been posted when this answers the commit's id.
    ///
    /// # Errors
    /// When git fails.
    pub async fn push(
        &self,
        branch: &str,
        files: &[(&str, &str)],
        message: &str,
    ) -> Result<String> {
        for (name, text) in files {
            let file = self.tree.join(name);
            std::fs::create_dir_all(file.parent().context("a file has a folder")?)?;
            std::fs::write(file, text)?;
        }
        crate::git(&self.tree, &["add", "-A"])?;
        let who = ["-c", "user.name=Ada Lovelace", "-c", "user.email=ada@localhost"];
        let commit = ["commit", "-q", "--allow-empty", "-m", message];
        crate::git(&self.tree, &[&who[..], &commit].concat())?;
        self.push_ref(&format!("+HEAD:refs/heads/{branch}")).await?;
        crate::git(&self.tree, &["rev-parse", "HEAD"])
    }

    /// The tree of the next pushes begins anew at this branch.
    ///
    /// # Errors
    /// When there is no such branch.
    pub fn start_from(&self, branch: &str) -> Result<()> {
        let from = self.path.display().to_string();
        crate::git(&self.tree, &["fetch", "-q", &from, branch])?;
        crate::git(&self.tree, &["reset", "-q", "--hard", "FETCH_HEAD"]).map(drop)
    }

    /// Pushes a refspec of the tree: `HEAD:refs/tags/v1`, `:refs/heads/old`.
    ///
    /// # Errors
    /// When git fails.
    pub async fn push_ref(&self, refspec: &str) -> Result<()> {
        let token = {
            let mut state = self.shared.state();
            let token = format!("ghp_{}", state.new_id());
            state.tokens.insert(token.clone(), Holder::Person { hooks: false });
            token
        };
        let url = self.clone_url().replace("http://", &format!("http://ada:{token}@"));
        let (tree, refspec) = (self.tree.clone(), refspec.to_owned());
        // Not on this thread, which may be the one that answers the push.
        let push = move || crate::git(&tree, &["push", "-q", &url, &refspec]);
        tokio::task::spawn_blocking(push).await?.map(drop)
    }

    /// Proposes a branch of `from` (which may be this repository) for `base`; answers the number.
    ///
    /// # Errors
    /// When git fails.
    pub async fn propose(&self, from: &Self, branch: &str, base: &str, title: &str) -> Result<u64> {
        let number = {
            let mut state = self.shared.state();
            let repo = state.repo_mut(&self.name).context("it is there")?;
            let number = u64::try_from(repo.pulls.len())? + 1;
            repo.pulls.push(Pull {
                number,
                title: title.to_owned(),
                base: base.to_owned(),
                head_repo: from.name.clone(),
                head_branch: branch.to_owned(),
                head: String::new(),
                merge: None,
            });
            number
        };
        refresh(&self.shared, &self.name, number)?;
        self.tell(number, "opened").await?;
        Ok(number)
    }

    /// Posts that something happened to a pull request: `reopened`, `closed`, …
    ///
    /// # Errors
    /// When there is no such pull request.
    pub async fn tell(&self, number: u64, action: &str) -> Result<()> {
        tell(&self.shared, &self.name, number, action).await
    }

    /// The checks of a commit, oldest first.
    #[must_use]
    pub fn checks(&self, commit: &str) -> Vec<Value> {
        let state = self.shared.state();
        let checks = state.repo(&self.name).map(|repo| repo.checks.as_slice()).unwrap_or_default();
        checks.iter().filter(|check| check["head_sha"] == commit).cloned().collect()
    }

    /// The statuses of a commit, oldest first.
    #[must_use]
    pub fn statuses(&self, commit: &str) -> Vec<Value> {
        let state = self.shared.state();
        let all = state.repo(&self.name).map(|repo| repo.statuses.as_slice()).unwrap_or_default();
        all.iter().filter(|(sha, _)| sha == commit).map(|(_, status)| status.clone()).collect()
    }

    /// The deployments, oldest first, each with its statuses, oldest first.
    #[must_use]
    pub fn deployments(&self) -> Vec<(Value, Vec<Value>)> {
        let state = self.shared.state();
        state.repo(&self.name).map(|repo| repo.deployments.clone()).unwrap_or_default()
    }

    /// Every status of every commit, oldest first.
    #[must_use]
    pub fn all_statuses(&self) -> Vec<Value> {
        let state = self.shared.state();
        let all = state.repo(&self.name).map(|repo| repo.statuses.as_slice()).unwrap_or_default();
        all.iter().map(|(_, status)| status.clone()).collect()
    }

    /// Adds a webhook, as a person does by hand.
    pub fn hook(&self, url: &str, secret: &str) {
        let mut state = self.shared.state();
        let id = state.new_id();
        if let Some(repo) = state.repo_mut(&self.name) {
            let events = ["push", "pull_request"].map(str::to_owned).to_vec();
            repo.hooks.push(Hook { id, url: url.to_owned(), secret: secret.to_owned(), events });
        }
    }

    /// Its webhooks' numbers.
    #[must_use]
    pub fn hook_ids(&self) -> Vec<i64> {
        let state = self.shared.state();
        let hooks = state.repo(&self.name).map(|repo| repo.hooks.as_slice()).unwrap_or_default();
        hooks.iter().map(|hook| hook.id).collect()
    }

    /// Somebody removes its checks.
    pub fn remove_checks(&self) {
        if let Some(repo) = self.shared.state().repo_mut(&self.name) {
            repo.checks.clear();
        }
    }

    /// Its webhooks' addresses.
    #[must_use]
    pub fn hooks(&self) -> Vec<String> {
        let state = self.shared.state();
        let hooks = state.repo(&self.name).map(|repo| repo.hooks.as_slice()).unwrap_or_default();
        hooks.iter().map(|hook| hook.url.clone()).collect()
    }
}
