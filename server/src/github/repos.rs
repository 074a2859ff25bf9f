//! The forge's repos, as the credential sees them.

use octocrab::models::InstallationId;
use serde::Deserialize;
use slipway_pipelines::names::RepoName;

use super::client::timed;
use super::{Github, GithubError};

/// As many as GitHub puts on one page.
const PAGE: usize = 100;
/// Of a list of repos: what is beyond is told, not shown.
const PAGES: usize = 10;

/// A repo as the forge describes it, in an answer or in a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ForgeRepo {
    /// Its number: what stays when it is renamed.
    pub(crate) id: i64,
    /// `OWNER/NAME`.
    pub(crate) full_name: String,
    /// None: it was not said.
    #[serde(default)]
    pub(crate) private: Option<bool>,
    #[serde(default)]
    pub(crate) default_branch: Option<String>,
    #[serde(default)]
    pub(crate) clone_url: Option<String>,
    #[serde(default)]
    pub(crate) archived: bool,
}

/// What the credential sees, as far as it is shown.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) repos: Vec<ForgeRepo>,
    /// There are more.
    pub(crate) cut: bool,
}

#[derive(Deserialize)]
struct Installation {
    id: InstallationId,
}

#[derive(Deserialize)]
struct OfInstallation {
    repositories: Vec<ForgeRepo>,
}

impl Github {
    /// One repo.
    pub(crate) async fn repo(&self, name: &RepoName) -> Result<ForgeRepo, GithubError> {
        self.get_of(name, "").await
    }

    /// Every repo that the credential can see, by name.
    pub(crate) async fn visible(&self) -> Result<Seen, GithubError> {
        let mut seen = if self.is_app() { self.of_app().await? } else { self.of_token().await? };
        seen.repos.sort_by_key(|repo| repo.full_name.to_ascii_lowercase());
        Ok(seen)
    }

    async fn of_token(&self) -> Result<Seen, GithubError> {
        let mut seen = Seen { repos: Vec::new(), cut: false };
        for page in 1..=PAGES {
            let route = format!("/user/repos?per_page={PAGE}&sort=full_name&page={page}");
            let found: Vec<ForgeRepo> = self.get(&route).await?;
            let full = found.len() == PAGE;
            seen.repos.extend(found);
            if !full {
                return Ok(seen);
            }
        }
        seen.cut = true;
        Ok(seen)
    }

    async fn of_app(&self) -> Result<Seen, GithubError> {
        let route = format!("/app/installations?per_page={PAGE}");
        let installations: Vec<Installation> = self.get(&route).await?;
        let mut seen = Seen { repos: Vec::new(), cut: installations.len() == PAGE };
        for installation in installations {
            let octocrab = self.as_installation(installation.id)?;
            for page in 1.. {
                if seen.repos.len() >= PAGE * PAGES {
                    seen.cut = true;
                    return Ok(seen);
                }
                let route = format!("/installation/repositories?per_page={PAGE}&page={page}");
                let found: OfInstallation = timed(octocrab.get(route, None::<&()>)).await?;
                let full = found.repositories.len() == PAGE;
                seen.repos.extend(found.repositories);
                if !full {
                    break;
                }
            }
        }
        Ok(seen)
    }
}
