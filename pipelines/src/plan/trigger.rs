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
    /// The commit that is built: the head of the push. Of a pull request its head, until planning
    /// found the merge commit that GitHub made of it; from then on that.
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
    /// A pull request was opened or changed.
    PullRequest(Box<PullRequest>),
    /// Somebody asked for a run of a branch's head.
    Api {
        /// The branch, without `refs/heads/`.
        branch: String,
    },
    /// Its time came: a branch's head, once a day, week or month.
    Cron {
        /// The branch, without `refs/heads/`.
        branch: String,
    },
}

/// What a pull request asks to merge, and into what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequest {
    /// Its number.
    pub number: u64,
    /// Its title, as somebody typed it.
    pub title: String,
    /// The branch it is to be merged into.
    pub base: String,
    /// The branch it comes from.
    pub head_branch: String,
    /// The repo it comes from, `OWNER/NAME` as the forge writes it; none if that was deleted.
    pub head_repo: Option<String>,
    /// The head's commit: what the forge is told about.
    pub head: CommitSha,
    /// It comes from another repo, by the forge's numeric ids: such a run sees no secret (S1).
    pub fork: bool,
    /// Its author marked it as a draft.
    pub draft: bool,
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
            TriggerEvent::Push { branch }
            | TriggerEvent::Api { branch }
            | TriggerEvent::Cron { branch } => {
                format!("refs/heads/{branch}")
            }
            TriggerEvent::Tag { tag } => format!("refs/tags/{tag}"),
            TriggerEvent::PullRequest(pull) => format!("refs/pull/{}/merge", pull.number),
        }
    }

    /// The commit that the forge is told about: of a pull request its head.
    #[must_use]
    pub fn reported_commit(&self) -> &CommitSha {
        match &self.event {
            TriggerEvent::PullRequest(pull) => &pull.head,
            TriggerEvent::Push { .. }
            | TriggerEvent::Tag { .. }
            | TriggerEvent::Api { .. }
            | TriggerEvent::Cron { .. } => &self.commit,
        }
    }
}

impl TriggerEvent {
    /// `TRAVIS_BRANCH`: the branch, for a tag the tag's name, for a pull request its base
    /// (<https://docs.travis-ci.com/user/environment-variables/>).
    #[must_use]
    pub fn branch(&self) -> &str {
        match self {
            Self::Push { branch } | Self::Api { branch } | Self::Cron { branch } => branch,
            Self::Tag { tag } => tag,
            Self::PullRequest(pull) => &pull.base,
        }
    }

    /// The tag, if it is one.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        match self {
            Self::Push { .. } | Self::PullRequest(_) | Self::Api { .. } | Self::Cron { .. } => None,
            Self::Tag { tag } => Some(tag),
        }
    }

    /// The pull request, if it is one.
    #[must_use]
    pub fn pull_request(&self) -> Option<&PullRequest> {
        match self {
            Self::PullRequest(pull) => Some(pull),
            Self::Push { .. } | Self::Tag { .. } | Self::Api { .. } | Self::Cron { .. } => None,
        }
    }

    /// `TRAVIS_EVENT_TYPE`, and `type` in conditions: a tag is a push there.
    #[must_use]
    pub fn travis_type(&self) -> &'static str {
        match self {
            Self::Push { .. } | Self::Tag { .. } => "push",
            Self::PullRequest(_) => "pull_request",
            Self::Api { .. } => "api",
            Self::Cron { .. } => "cron",
        }
    }

    /// The word that is stored and shown: here a tag is a tag.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Push { .. } => "push",
            Self::Tag { .. } => "tag",
            Self::PullRequest(_) => "pull_request",
            Self::Api { .. } => "api",
            Self::Cron { .. } => "cron",
        }
    }

    /// Does it come from another repo? Then no secret is for it.
    #[must_use]
    pub fn is_fork(&self) -> bool {
        self.pull_request().is_some_and(|pull| pull.fork)
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
