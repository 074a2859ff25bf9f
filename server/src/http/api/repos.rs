//! Repos.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use slipway_pipelines::ids::RepoId;
use slipway_pipelines::names::{CommitSha, RepoName};
use slipway_pipelines::wire::SecretText;
use url::Url;

use super::OfRepo;
use crate::db::repos::{self, Changes, NewRepo, Repo, RepoKind};
use crate::github::bare;
use crate::http::auth::{Admin, OPERATOR};
use crate::http::problem::{self, Problem};
use crate::state::Server;

#[derive(Serialize)]
pub(super) struct Shown {
    id: RepoId,
    name: RepoName,
    kind: RepoKind,
    clone_url: String,
    default_branch: String,
    enabled: bool,
}

impl From<Repo> for Shown {
    fn from(repo: Repo) -> Self {
        Self {
            id: repo.id,
            name: repo.name,
            kind: repo.kind,
            clone_url: repo.clone_url,
            default_branch: repo.default_branch,
            enabled: repo.enabled,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Asked {
    name: RepoName,
    kind: RepoKind,
    clone_url: String,
    default_branch: String,
}

#[derive(Serialize)]
pub(super) struct Created {
    id: RepoId,
    name: RepoName,
    webhook_key: SecretText,
}

pub(super) async fn create(
    State(server): State<Arc<Server>>,
    _may: Admin,
    problem::Json(asked): problem::Json<Asked>,
) -> Result<(StatusCode, Json<Created>), Problem> {
    check(&asked)?;
    let new = NewRepo {
        name: asked.name,
        kind: asked.kind,
        clone_url: asked.clone_url,
        default_branch: asked.default_branch,
    };
    let heads = heads(&new).await;
    let (repo, webhook_key) = repos::create(&server, new, &heads, OPERATOR).await?;
    Ok((StatusCode::CREATED, Json(Created { id: repo.id, name: repo.name, webhook_key })))
}

/// The refs that a bare repository on this machine has already: they start nothing. None where
/// it is yet to be made.
async fn heads(new: &NewRepo) -> Vec<(String, CommitSha)> {
    match (new.kind, bare::folder(&new.clone_url)) {
        (RepoKind::Git, Some(folder)) => bare::heads(&folder).await.unwrap_or_default(),
        (RepoKind::Git, None) | (RepoKind::Github, _) => Vec::new(),
    }
}

/// Their pages would hide those of such a repo.
const TAKEN_OWNERS: [&str; 6] = ["api", "assets", "login", "webhooks", "workers", "healthz"];

/// A credential in a clone address would reach every log that shows the address.
fn check(asked: &Asked) -> Result<(), Problem> {
    let refuse = |sentence: &str| Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, sentence));
    if TAKEN_OWNERS.iter().any(|taken| taken.eq_ignore_ascii_case(asked.name.owner())) {
        return refuse("That owner's name is an address of Slipway itself; choose another.");
    }
    if asked.clone_url.is_empty() || asked.default_branch.is_empty() {
        return refuse("A repo has a clone_url and a default_branch.");
    }
    // git takes these for options and transports that run programs.
    if asked.clone_url.starts_with('-') || asked.clone_url.contains("::") {
        return refuse("The clone_url must be a path or an https, ssh, git or file address.");
    }
    if asked.default_branch.starts_with('-') {
        return refuse(DASH);
    }
    match Url::parse(&asked.clone_url) {
        Ok(url) if url.password().is_some() => {
            refuse("The clone_url must not carry a password; it is shown to people.")
        }
        Ok(url) if url.scheme().starts_with("http") && !url.username().is_empty() => {
            refuse("The clone_url must not carry a user or token; it is shown to people.")
        }
        // A path, or git's short form `host:path`, is no URL.
        Ok(_) | Err(_) => Ok(()),
    }
}

const DASH: &str = "A branch's name does not begin with a dash.";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Changed {
    enabled: Option<bool>,
    default_branch: Option<String>,
}

pub(super) async fn change(
    State(server): State<Arc<Server>>,
    _may: Admin,
    OfRepo(repo): OfRepo,
    problem::Json(changed): problem::Json<Changed>,
) -> Result<Json<Shown>, Problem> {
    let refuse = |sentence: &str| Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, sentence));
    match changed.default_branch.as_deref() {
        Some("") => return refuse("A default_branch has a name."),
        Some(branch) if branch.starts_with('-') => return refuse(DASH),
        Some(_) => {}
        None if changed.enabled.is_none() => {
            return refuse("Say what to change: enabled, default_branch.");
        }
        None => {}
    }
    let changes = Changes { enabled: changed.enabled, default_branch: changed.default_branch };
    Ok(Json(repos::change(&server, &repo, &changes, OPERATOR).await?.into()))
}

pub(super) async fn remove(
    State(server): State<Arc<Server>>,
    _may: Admin,
    OfRepo(repo): OfRepo,
) -> Result<StatusCode, Problem> {
    repos::remove(&server, &repo, OPERATOR).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn list(State(server): State<Arc<Server>>) -> Result<Json<Vec<Shown>>, Problem> {
    let repos = repos::list(&server.db).await?;
    Ok(Json(repos.into_iter().map(Shown::from).collect()))
}

pub(super) async fn show(OfRepo(repo): OfRepo) -> Json<Shown> {
    Json(repo.into())
}
