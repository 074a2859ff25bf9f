//! People, as GitHub knows them: who an account is, and what it may do in which repository.

use octocrab::Octocrab;
use secrecy::SecretString;
use serde::Deserialize;
use slipway_pipelines::names::RepoName;
use url::Url;

use super::client::{CONNECT, LIMIT, timed};
use super::{Github, GithubError};
use crate::access::Role;

/// As many as GitHub puts on one page.
const PAGE: usize = 100;
/// Of the repositories that a person may do something in; GitHub names the latest pushed first.
const PAGES: usize = 30;

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Account {
    /// Its number, which outlives its name.
    pub(crate) id: i64,
    /// What it is called now.
    pub(crate) login: String,
}

/// What somebody may do in a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Right {
    /// The repository's number.
    pub(crate) repo: i64,
    /// `OWNER/NAME`.
    pub(crate) full_name: String,
    /// Is it hidden from others?
    pub(crate) private: bool,
    /// What they may do.
    pub(crate) role: Role,
}

#[derive(Default, Deserialize)]
struct Permissions {
    #[serde(default)]
    admin: bool,
    #[serde(default)]
    maintain: bool,
    #[serde(default)]
    push: bool,
    #[serde(default)]
    pull: bool,
}

#[derive(Deserialize)]
struct Listed {
    id: i64,
    full_name: String,
    private: bool,
    #[serde(default)]
    permissions: Permissions,
}

/// GitHub's five roles, of which a repo here has three. Who may push may maintain here, and who
/// may only triage may only look.
fn role(permissions: &Permissions) -> Option<Role> {
    if permissions.admin {
        Some(Role::Admin)
    } else if permissions.maintain || permissions.push {
        Some(Role::Write)
    } else {
        permissions.pull.then_some(Role::Read)
    }
}

/// GitHub, spoken to as a person that logs in. The token is used once and kept nowhere.
pub(crate) struct AsPerson(Octocrab);

impl AsPerson {
    pub(super) fn new(api_url: &Url, token: SecretString) -> Result<Self, GithubError> {
        let octocrab = Octocrab::builder()
            .base_uri(api_url.as_str())?
            .add_retry_config(octocrab::service::middleware::retry::RetryConfig::None)
            .set_connect_timeout(Some(CONNECT))
            .set_read_timeout(Some(LIMIT))
            .user_access_token(token)
            .build()?;
        Ok(Self(octocrab))
    }

    /// Who it is.
    pub(crate) async fn account(&self) -> Result<Account, GithubError> {
        timed(self.0.get("/user", None::<&()>)).await
    }

    /// What they may do, in every repository where they may do anything.
    pub(crate) async fn rights(&self) -> Result<Vec<Right>, GithubError> {
        let mut rights = Vec::new();
        for page in 1..=PAGES {
            let route = format!("/user/repos?per_page={PAGE}&sort=pushed&page={page}");
            let found: Vec<Listed> = timed(self.0.get(route, None::<&()>)).await?;
            let full = found.len() == PAGE;
            rights.extend(found.into_iter().filter_map(|repo| {
                let role = role(&repo.permissions)?;
                let Listed { id, full_name, private, .. } = repo;
                Some(Right { repo: id, full_name, private, role })
            }));
            if !full {
                break;
            }
        }
        Ok(rights)
    }
}

impl Github {
    /// What somebody may do in a repo now; none: nothing, or no longer the account of that number.
    pub(crate) async fn role_of(
        &self,
        repo: &RepoName,
        account: &Account,
    ) -> Result<Option<Role>, GithubError> {
        #[derive(Deserialize)]
        struct Found {
            permission: String,
            user: Option<Account>,
        }
        let path = format!("/collaborators/{}/permission", account.login);
        let found: Found = match self.get_of(repo, &path).await {
            Ok(found) => found,
            Err(GithubError::NotFound) => return Ok(None),
            Err(error) => return Err(error),
        };
        if found.user.is_none_or(|user| user.id != account.id) {
            return Ok(None);
        }
        // GitHub folds maintain into write, and triage into read.
        Ok(match found.permission.as_str() {
            "admin" => Some(Role::Admin),
            "write" => Some(Role::Write),
            "read" => Some(Role::Read),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn githubs_roles_are_ours() {
        let of = |admin, maintain, push, pull| role(&Permissions { admin, maintain, push, pull });
        assert_eq!(of(true, true, true, true), Some(Role::Admin));
        assert_eq!(of(false, true, true, true), Some(Role::Write));
        assert_eq!(of(false, false, true, true), Some(Role::Write));
        assert_eq!(of(false, false, false, true), Some(Role::Read));
        assert_eq!(of(false, false, false, false), None);
    }
}
