//! Who may do what. Pure: who somebody is and which rights they have is found elsewhere.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use slipway_pipelines::ids::{RepoId, UserId};

/// Who the operator's token acts as, in the audit log.
pub(crate) const OPERATOR: &str = "operator";

/// What somebody may do in a repo. Each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// Look: runs, logs, deployments.
    Read,
    /// Start, stop and repeat; see the names of secrets. GitHub's push and maintain.
    Write,
    /// Set secrets, rules and switches; approve.
    Admin,
}

impl Role {
    /// The word that is stored and shown.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A role's name that is none.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no role; it is one of: read, write, admin")]
pub(crate) struct NoRole(String);

impl FromStr for Role {
    type Err = NoRole;

    fn from_str(text: &str) -> Result<Self, NoRole> {
        match text {
            "read" => Ok(Self::Read),
            "write" => Ok(Self::Write),
            "admin" => Ok(Self::Admin),
            other => Err(NoRole(other.to_owned())),
        }
    }
}

/// A person, as the forge knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    /// Ours.
    pub(crate) id: UserId,
    /// The forge's number of the account, which outlives its name.
    pub(crate) forge_id: i64,
    /// What the account was called when it last logged in.
    pub(crate) login: String,
    /// Of the whole installation?
    pub(crate) admin: bool,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Whoever has the admin token of the installation, or followed a link that it made.
    Operator,
    /// Somebody that logged in by the forge.
    Person(User),
}

/// Who asks, and what the way by which they ask leaves of their rights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Principal {
    /// Who it is.
    pub(crate) who: Who,
    /// An API token may be for less than its person may do.
    pub(crate) most: Role,
    /// An API token may be for one repo.
    pub(crate) only: Option<RepoId>,
}

impl Principal {
    /// With all rights that they have.
    pub(crate) fn whole(who: Who) -> Self {
        Self { who, most: Role::Admin, only: None }
    }

    /// The name in the audit and in "canceled by".
    pub(crate) fn actor(&self) -> &str {
        match &self.who {
            Who::Operator => OPERATOR,
            Who::Person(user) => &user.login,
        }
    }

    /// The person; none for the operator.
    pub(crate) fn user(&self) -> Option<&User> {
        match &self.who {
            Who::Operator => None,
            Who::Person(user) => Some(user),
        }
    }

    /// May they do what concerns the whole installation?
    pub(crate) fn is_server_admin(&self) -> bool {
        let admin = match &self.who {
            Who::Operator => true,
            Who::Person(user) => user.admin,
        };
        admin && self.most == Role::Admin && self.only.is_none()
    }

    /// Has the person rights everywhere, whatever the forge says?
    pub(crate) fn everywhere(&self) -> bool {
        match &self.who {
            Who::Operator => true,
            Who::Person(user) => user.admin,
        }
    }

    /// What is left of `role` in `repo` by the way they ask.
    pub(crate) fn limited(&self, repo: RepoId, role: Option<Role>) -> Option<Role> {
        if self.only.is_some_and(|only| only != repo) {
            return None;
        }
        role.map(|role| role.min(self.most))
    }
}

/// What it takes to be let through to a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nobody in particular: the handler asks for what it needs, or for nothing.
    Nobody,
    /// To be somebody.
    Person,
    /// This role in the repo of the path.
    Repo(Role),
    /// Rights over the whole installation.
    Server,
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn person(admin: bool) -> Who {
        let (id, login) = (UserId::from(Uuid::nil()), "octocat".to_owned());
        Who::Person(User { id, forge_id: 1, login, admin })
    }

    #[test]
    fn a_token_never_gives_more_than_its_person_has() {
        let (here, there) = (RepoId::from(Uuid::now_v7()), RepoId::from(Uuid::now_v7()));
        let token = Principal { who: person(false), most: Role::Write, only: Some(here) };
        assert_eq!(token.limited(here, Some(Role::Admin)), Some(Role::Write));
        assert_eq!(token.limited(here, Some(Role::Read)), Some(Role::Read));
        assert_eq!(token.limited(here, None), None);
        assert_eq!(token.limited(there, Some(Role::Admin)), None);
    }

    #[test]
    fn a_limited_token_of_an_admin_is_none_of_the_installation() {
        assert!(Principal::whole(person(true)).is_server_admin());
        assert!(!Principal::whole(person(false)).is_server_admin());
        let less = Principal { most: Role::Write, ..Principal::whole(Who::Operator) };
        assert!(!less.is_server_admin());
        let repo = Some(RepoId::from(Uuid::nil()));
        assert!(!Principal { only: repo, ..Principal::whole(Who::Operator) }.is_server_admin());
    }

    #[test]
    fn roles_are_read_as_they_are_written() {
        for role in [Role::Read, Role::Write, Role::Admin] {
            assert_eq!(role.word().parse::<Role>().expect("a role"), role);
        }
        assert!("owner".parse::<Role>().is_err());
    }
}
