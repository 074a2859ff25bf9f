//! The one way to GitHub. Every call has a time limit and none is repeated here: who asked knows
//! whether and when to ask again.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use octocrab::Octocrab;
use octocrab::models::{AppId, InstallationId};
use octocrab::service::middleware::retry::RetryConfig;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use slipway_pipelines::names::RepoName;

use super::GithubError;
use super::credential::CloneToken;
use crate::config::{GithubConfig, GithubCredential};

pub(super) const CONNECT: Duration = Duration::from_secs(5);
/// Of a whole call, with the token that it may need first.
pub(super) const LIMIT: Duration = Duration::from_secs(15);

/// GitHub, spoken to as one account.
pub struct Github {
    /// As the person of the token, or as the App itself.
    octocrab: Octocrab,
    pub(super) config: GithubConfig,
    /// The App, as installed on a repo. By name: a renamed repo is asked about anew.
    installed: Mutex<HashMap<RepoName, Installed>>,
    pub(super) clone_tokens: Mutex<HashMap<RepoName, CloneToken>>,
}

#[derive(Clone)]
pub(super) struct Installed {
    pub(super) id: InstallationId,
    octocrab: Octocrab,
}

impl fmt::Debug for Github {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Github").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Github {
    /// Sets it up; nothing is asked yet.
    ///
    /// # Errors
    /// When the App's key is none, or this machine has no root certificates.
    pub fn new(config: &GithubConfig) -> Result<Self> {
        let builder = Octocrab::builder()
            .base_uri(config.api_url.as_str())
            .context("github_api_url can not be used")?
            .add_retry_config(RetryConfig::None)
            .set_connect_timeout(Some(CONNECT))
            .set_read_timeout(Some(LIMIT))
            .set_write_timeout(Some(LIMIT));
        let builder = match &config.credential {
            GithubCredential::Token(token) => builder.personal_token(token.clone()),
            GithubCredential::App { id, key } => builder
                .app_from_rsa_pem(AppId(*id), key.expose_secret())
                .context("github_app_key is no RSA private key in PEM, as GitHub gives it")?,
        };
        let octocrab = builder.build().context("the client for GitHub can not be set up")?;
        Ok(Self {
            octocrab,
            config: config.clone(),
            installed: Mutex::default(),
            clone_tokens: Mutex::default(),
        })
    }

    /// Does it act as a GitHub App?
    pub(crate) fn is_app(&self) -> bool {
        match self.config.credential {
            GithubCredential::App { .. } => true,
            GithubCredential::Token(_) => false,
        }
    }

    pub(super) fn token(&self) -> Option<&SecretString> {
        match &self.config.credential {
            GithubCredential::Token(token) => Some(token),
            GithubCredential::App { .. } => None,
        }
    }

    /// Asks GitHub whom it takes us for; the answer is for people.
    ///
    /// # Errors
    /// When it does not take us for anybody.
    pub async fn who(&self) -> Result<String, GithubError> {
        #[derive(serde::Deserialize)]
        struct App {
            name: String,
        }
        #[derive(serde::Deserialize)]
        struct User {
            login: String,
        }
        if self.is_app() {
            return Ok(format!("the App {}", self.get::<App>("/app").await?.name));
        }
        Ok(format!("the account {}", self.get::<User>("/user").await?.login))
    }

    /// As the account itself, about no repo.
    pub(super) async fn get<T: DeserializeOwned>(&self, route: &str) -> Result<T, GithubError> {
        timed(self.octocrab.get(route, None::<&()>)).await
    }

    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        route: &str,
        body: &impl Serialize,
    ) -> Result<T, GithubError> {
        timed(self.octocrab.post(route, Some(body))).await
    }

    /// As the installation, about whatever it sees.
    pub(super) fn as_installation(&self, id: InstallationId) -> Result<Octocrab, GithubError> {
        Ok(self.octocrab.installation(id)?)
    }

    /// About a repo: `path` is below its own address.
    pub(super) async fn get_of<T: DeserializeOwned>(
        &self,
        repo: &RepoName,
        path: &str,
    ) -> Result<T, GithubError> {
        let octocrab = self.at(repo).await?;
        self.noted(repo, timed(octocrab.get(route(repo, path), None::<&()>)).await)
    }

    pub(super) async fn post_of<T: DeserializeOwned>(
        &self,
        repo: &RepoName,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, GithubError> {
        let octocrab = self.at(repo).await?;
        self.noted(repo, timed(octocrab.post(route(repo, path), Some(body))).await)
    }

    pub(super) async fn patch_of<T: DeserializeOwned>(
        &self,
        repo: &RepoName,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, GithubError> {
        let octocrab = self.at(repo).await?;
        self.noted(repo, timed(octocrab.patch(route(repo, path), Some(body))).await)
    }

    async fn at(&self, repo: &RepoName) -> Result<Octocrab, GithubError> {
        if self.is_app() {
            return Ok(self.installed(repo).await?.octocrab);
        }
        Ok(self.octocrab.clone())
    }

    /// The App's installation on the repo, asked for once.
    pub(super) async fn installed(&self, repo: &RepoName) -> Result<Installed, GithubError> {
        #[derive(serde::Deserialize)]
        struct Found {
            id: InstallationId,
        }
        if let Some(known) = held(&self.installed).get(repo) {
            return Ok(known.clone());
        }
        let found: Found = self.get(&route(repo, "/installation")).await?;
        let builder = self.octocrab.installation_builder(found.id);
        // Its tokens are good for this repo and no other.
        let octocrab = builder.repositories(vec![repo.name().to_owned()]).build()?;
        let installed = Installed { id: found.id, octocrab };
        held(&self.installed).insert(repo.clone(), installed.clone());
        Ok(installed)
    }

    /// What was known of a repo may be over: it moved, or the App was installed anew.
    fn noted<T>(&self, repo: &RepoName, result: Result<T, GithubError>) -> Result<T, GithubError> {
        if let Err(GithubError::Unauthorized | GithubError::NotFound) = &result {
            self.forget(repo);
        }
        result
    }

    pub(super) fn forget(&self, repo: &RepoName) {
        held(&self.installed).remove(repo);
        held(&self.clone_tokens).remove(repo);
    }
}

fn route(repo: &RepoName, path: &str) -> String {
    format!("/repos/{repo}{path}")
}

/// Only whole values are put in and taken out: what a panic left is good.
pub(super) fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) async fn timed<T>(
    call: impl Future<Output = octocrab::Result<T>>,
) -> Result<T, GithubError> {
    match tokio::time::timeout(LIMIT, call).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(GithubError::Away { why: format!("no answer within {} s", LIMIT.as_secs()) }),
    }
}
