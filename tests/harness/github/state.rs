//! What the stand-in remembers.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::people::{Code, Person};

/// Everything, behind one lock.
#[derive(Debug, Default)]
pub(super) struct State {
    /// By full name in small letters.
    pub(super) repos: BTreeMap<String, RepoState>,
    pub(super) tokens: HashMap<String, Holder>,
    pub(super) people: Vec<Person>,
    /// Who says yes to a login.
    pub(super) at_browser: Option<i64>,
    pub(super) codes: HashMap<String, Code>,
    pub(super) next_id: i64,
    pub(super) asked: Vec<Asked>,
    pub(super) violations: Vec<String>,
    /// For all requests to the API until it is taken away.
    pub(super) trouble: Option<Trouble>,
    /// For the next ones, each once.
    pub(super) next_troubles: VecDeque<Trouble>,
    pub(super) delivered: Vec<Delivered>,
    /// The app's own webhook: for every repository where it is installed.
    pub(super) app_hook: Option<Hook>,
}

/// A repository.
#[derive(Debug)]
pub(super) struct RepoState {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) private: bool,
    pub(super) path: PathBuf,
    /// Is the app installed here?
    pub(super) installed: bool,
    pub(super) hooks: Vec<Hook>,
    pub(super) checks: Vec<Value>,
    pub(super) statuses: Vec<(String, Value)>,
    /// Each with its statuses, the oldest first.
    pub(super) deployments: Vec<(Value, Vec<Value>)>,
    pub(super) pulls: Vec<Pull>,
}

/// A webhook.
#[derive(Clone, Debug)]
pub(super) struct Hook {
    pub(super) id: i64,
    pub(super) url: String,
    pub(super) secret: String,
    pub(super) events: Vec<String>,
}

/// A pull request.
#[derive(Clone, Debug)]
pub(super) struct Pull {
    pub(super) number: u64,
    pub(super) title: String,
    pub(super) base: String,
    pub(super) head_repo: String,
    pub(super) head_branch: String,
    pub(super) head: String,
    /// None: head and base do not go together.
    pub(super) merge: Option<String>,
}

/// Who holds a token.
#[derive(Clone, Debug)]
pub(super) enum Holder {
    /// A person with a personal token.
    Person {
        /// May it read and write webhooks?
        hooks: bool,
    },
    /// Somebody that logged in elsewhere with their account.
    User { account: i64 },
    /// The app, for these repositories (in small letters) and no others.
    Installation {
        repos: Vec<String>,
        /// By name: `read` or `write`.
        permissions: HashMap<String, String>,
    },
}

/// A request to the API, as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `GET`, `POST`, …
    pub method: String,
    /// Without the query.
    pub path: String,
    /// What it carried.
    pub body: Value,
    /// What it was answered.
    pub status: u16,
}

/// A webhook that was posted.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// The repository's full name.
    pub repo: String,
    /// `push`, …
    pub event: String,
    /// Its id.
    pub guid: String,
    /// What the receiver answered; none: it did not.
    pub status: Option<u16>,
}

/// How GitHub fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// 401: it takes the token for a wrong one.
    Unauthorized,
    /// 403 and no request left until so many seconds from now.
    RateLimited(u64),
    /// 403 with `Retry-After`, in seconds.
    SecondaryLimit(u64),
    /// 403: the token may not.
    Forbidden,
    /// 404.
    NotFound,
    /// 422.
    Invalid,
    /// 502.
    Broken,
    /// It answers after this.
    Slow(Duration),
}

impl State {
    pub(super) fn new_id(&mut self) -> i64 {
        self.next_id += 1;
        self.next_id
    }

    pub(super) fn repo(&self, name: &str) -> Option<&RepoState> {
        self.repos.get(&name.to_lowercase())
    }

    pub(super) fn repo_mut(&mut self, name: &str) -> Option<&mut RepoState> {
        self.repos.get_mut(&name.to_lowercase())
    }
}

impl Holder {
    /// May it read this repository, or more with `permission` at `level`?
    pub(super) fn may(&self, repo: &str, permission: &str, level: &str) -> bool {
        match self {
            Self::Person { hooks } => match permission {
                // Only apps may.
                "checks" => level == "read",
                "repository_hooks" => *hooks,
                _ => true,
            },
            // Asked for who they are, and nothing else.
            Self::User { .. } => false,
            Self::Installation { repos, permissions } => {
                let granted = permissions.get(permission).map(String::as_str);
                repos.contains(&repo.to_lowercase())
                    && (granted == Some(level) || granted == Some("write"))
            }
        }
    }
}
