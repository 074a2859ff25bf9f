//! Somebody asks for a run of a branch's head.

use serde_json::json;
use slipway_pipelines::ids::{RunId, RunNumber};
use slipway_pipelines::names::CommitSha;
use slipway_pipelines::plan::{Actor, Trigger, TriggerEvent};
use slipway_pipelines::wire::api::StartRun;

use super::{FlowError, schedule};
use crate::db::assignments::{self, Kind};
use crate::db::repos::{self, Repo, RepoKind};
use crate::db::runs::{self, NewRun};
use crate::db::{asked_runs, audit, new_id};
use crate::github::bare;
use crate::state::Server;

/// So many runs of one repo can be asked for within an hour (Travis allows ten). A loop that asks
/// by mistake must not fill the queue that pushes wait in.
pub const MOST_PER_HOUR: i64 = 60;

/// Longest message and key, in bytes.
const LONGEST_MESSAGE: usize = 4096;
const LONGEST_KEY: usize = 200;
/// Git's own files could not hold the name of a longer one.
const LONGEST_BRANCH: usize = 1024;

/// Why no run was started, a sentence each.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// What was asked for can not be stored.
    #[error("{0}")]
    Malformed(String),
    /// The repository has no such branch.
    #[error("The repository of {repo} has no branch {branch:?}.")]
    NoBranch {
        /// The repo.
        repo: String,
        /// What was asked for.
        branch: String,
    },
    /// It was asked for too often.
    #[error(
        "{MOST_PER_HOUR} runs of {repo} were asked for within the last hour, which is the most \
         there can be; push, or ask again later."
    )]
    TooMany {
        /// The repo.
        repo: String,
    },
    /// The branch's head can not be found out now.
    #[error("The head of {branch:?} can not be found out: {why}.")]
    NotAsked {
        /// The branch.
        branch: String,
        /// The cause.
        why: String,
    },
    /// Anything else.
    #[error(transparent)]
    Flow(#[from] FlowError),
}

impl From<sqlx::Error> for Refused {
    fn from(error: sqlx::Error) -> Self {
        Self::Flow(error.into())
    }
}

/// Starts a run of the head of the branch that was asked for. Answers its number and whether it
/// is new: a key that was used before answers the run of then.
///
/// # Errors
/// [`Refused`] says why, in a sentence for whoever asked.
pub async fn trigger(
    server: &Server,
    repo: &Repo,
    asked: &StartRun,
    actor: &str,
) -> Result<(RunNumber, bool), Refused> {
    let branch = check(repo, asked)?;
    if let Some(key) = &asked.key
        && let Some(known) = asked_runs::by_key(server.db.pool(), repo.id, key).await?
    {
        return Ok((known, false));
    }
    let commit = head(server, repo, branch).await?;
    let trigger = Trigger {
        event: TriggerEvent::Api { branch: branch.to_owned() },
        commit,
        before: None,
        message: asked.message.clone().unwrap_or_default(),
        author: String::new(),
        actor: Actor::Local { name: actor.to_owned() },
    };
    start(server, repo, &trigger, asked.key.as_deref()).await
}

async fn start(
    server: &Server,
    repo: &Repo,
    trigger: &Trigger,
    key: Option<&str>,
) -> Result<(RunNumber, bool), Refused> {
    let actor = trigger.actor.name();
    let mut tx = server.db.begin().await?;
    // Locked, so that of two who ask at once each sees what the other did.
    if !repos::lock(&mut tx, repo.id).await? {
        return Err(FlowError::NotFound.into());
    }
    if let Some(key) = key
        && let Some(known) = asked_runs::by_key(&mut *tx, repo.id, key).await?
    {
        return Ok((known, false));
    }
    if asked_runs::within_an_hour(&mut tx, repo.id).await? >= MOST_PER_HOUR {
        return Err(Refused::TooMany { repo: repo.name.to_string() });
    }
    let id: RunId = new_id();
    let new = NewRun { id, repo: repo.id, delivery: None, rerun_of: None, actor, trigger };
    let number = runs::create(&mut tx, &new).await?;
    if let Some(key) = key {
        asked_runs::remember(&mut tx, repo.id, key, id).await?;
    }
    assignments::create(&mut tx, id, Kind::Plan).await?;
    schedule::announce(server, &mut tx, id).await?;
    let detail = json!({ "run": number, "branch": trigger.event.branch() });
    audit::write(&mut tx, actor, "run.trigger", repo.name.as_str(), detail).await?;
    tx.commit().await?;
    tracing::info!(repo = %repo.name, run = %number, commit = %trigger.commit, "run asked for");
    Ok((number, true))
}

/// The branch that is meant, if all that was asked for can be done.
fn check<'a>(repo: &'a Repo, asked: &'a StartRun) -> Result<&'a str, Refused> {
    let malformed = |sentence: String| Err(Refused::Malformed(sentence));
    if !repo.enabled {
        return Err(FlowError::Conflict(format!("the repo {} is disabled", repo.name)).into());
    }
    let branch = asked.branch.as_deref().unwrap_or(&repo.default_branch);
    if branch.is_empty() || branch.len() > LONGEST_BRANCH || branch.chars().any(char::is_control) {
        return malformed(format!(
            "A branch has a name of at most {LONGEST_BRANCH} bytes, without control characters."
        ));
    }
    if asked.message.as_ref().is_some_and(|message| message.len() > LONGEST_MESSAGE) {
        return malformed(format!("A message has at most {LONGEST_MESSAGE} bytes."));
    }
    let usable = |key: &String| !key.is_empty() && key.len() <= LONGEST_KEY;
    if asked.key.as_ref().is_some_and(|key| !usable(key)) {
        return malformed(format!("A key has between 1 and {LONGEST_KEY} bytes."));
    }
    Ok(branch)
}

/// What the branch points to now.
async fn head(server: &Server, repo: &Repo, branch: &str) -> Result<CommitSha, Refused> {
    let not_asked =
        |why: &str| Refused::NotAsked { branch: branch.to_owned(), why: why.to_owned() };
    let found = match (repo.kind, bare::folder(&repo.clone_url)) {
        (RepoKind::Git, Some(folder)) => {
            let heads = bare::heads(&folder).await.map_err(|error| {
                tracing::warn!(repo = %repo.name, %error, "a repository can not be asked");
                not_asked("git can not read the repository; the server's log has the cause")
            })?;
            let wanted = format!("refs/heads/{branch}");
            heads.into_iter().find(|(name, _)| *name == wanted).map(|(_, commit)| commit)
        }
        (RepoKind::Git, None) => {
            return Err(not_asked("the repository is not on the server's machine"));
        }
        (RepoKind::Github, _) => {
            let asked = async { server.github()?.head(&repo.name, branch).await };
            asked.await.map_err(|error| not_asked(&error.to_string()))?
        }
    };
    let no_branch = || Refused::NoBranch { repo: repo.name.to_string(), branch: branch.to_owned() };
    found.ok_or_else(no_branch)
}
