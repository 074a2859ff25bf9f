//! What a delivery means.

use serde::{Deserialize, Serialize};

use crate::names::CommitSha;

/// Why a run exists and at which commit: decided by the server from a verified delivery.
///
/// Texts in here (branch, message, author) are what strangers typed. They reach a job only as
/// environment values, never as program text (REQUIREMENTS S15).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// Push or tag, with its name.
    pub event: TriggerEvent,
    /// The commit that is built: the head of the push.
    pub commit: CommitSha,
    /// The commit the ref pointed to before; none for a new ref.
    pub before: Option<CommitSha>,
    /// The whole commit message, first line first. Empty if the delivery did not carry it.
    pub message: String,
    /// The commit author's name as git has it: for display, decides nothing (S4).
    pub author: String,
    /// Who caused it, as the forge (or this machine) verified it.
    pub actor: Actor,
}

/// The kinds of trigger that start a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TriggerEvent {
    /// A branch moved to a new commit.
    Push {
        /// The branch, without `refs/heads/`.
        branch: String,
    },
    /// A tag was created or moved.
    Tag {
        /// The tag, without `refs/tags/`.
        tag: String,
    },
}

/// Who caused a trigger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    /// An account of the forge: the number is the identity, the login may change.
    Forge {
        /// The forge's numeric account id.
        id: i64,
        /// The login at that time.
        login: String,
    },
    /// Someone with write access to a local bare repository; the name is only what git said.
    Local {
        /// The pusher's user name on this machine.
        name: String,
    },
}

impl Trigger {
    /// The first line of the commit message.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }

    /// The full ref name.
    #[must_use]
    pub fn git_ref(&self) -> String {
        match &self.event {
            TriggerEvent::Push { branch } => format!("refs/heads/{branch}"),
            TriggerEvent::Tag { tag } => format!("refs/tags/{tag}"),
        }
    }
}

impl TriggerEvent {
    /// `TRAVIS_BRANCH`: the branch, or for a tag the tag's name
    /// (<https://docs.travis-ci.com/user/environment-variables/>).
    #[must_use]
    pub fn branch(&self) -> &str {
        match self {
            Self::Push { branch } => branch,
            Self::Tag { tag } => tag,
        }
    }

    /// The tag, if it is one.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        match self {
            Self::Push { .. } => None,
            Self::Tag { tag } => Some(tag),
        }
    }
}

impl Actor {
    /// The name to show.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Forge { login, .. } => login,
            Self::Local { name } => name,
        }
    }
}
