//! Repos.

mod link;

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
use crate::access::{Principal, Role};
use crate::db::repos::{self, Changes, NewRepo, Repo, RepoKind};
use crate::db::{forge_rights, people};
use crate::flow::environments;
use crate::github::bare;
use crate::http::auth::Viewer;
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
    private: bool,
    build_pushes: bool,
    build_pull_requests: bool,
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
            private: repo.private,
            build_pushes: repo.build_pushes,
            build_pull_requests: repo.build_pull_requests,
        }
    }
}

/// Of a GitHub repo the name is enough: GitHub is asked for the rest.
#[derive(Deserialize)]
pub(super) struct Asked {
    name: RepoName,
    kind: RepoKind,
    clone_url: Option<String>,
    default_branch: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Created {
    id: RepoId,
    name: RepoName,
    default_branch: String,
    /// Signs the deliveries of a bare repository; only told when it is made.
    webhook_key: Option<SecretText>,
    /// What was done on GitHub, and what is left to do: sentences for people.
    notes: Vec<String>,
}

pub(super) async fn create(
    State(server): State<Arc<Server>>,
    viewer: Viewer,
    problem::Json(asked): problem::Json<Asked>,
) -> Result<(StatusCode, Json<Created>), Problem> {
    check_owner(&asked.name)?;
    may_add(&server, &viewer.principal, &asked).await?;
    let linked = asked.kind == RepoKind::Github && server.github().is_ok();
    let (new, known) =
        if linked { link::ask(&server, &asked).await? } else { (as_told(asked)?, None) };
    check(&new)?;
    let (repo, webhook_key) = match known {
        // Adding it again makes its webhook anew.
        Some(known) => (known, None),
        None => {
            let heads = heads(&new).await;
            let (repo, key) = repos::create(&server, new, &heads, &viewer.actor).await?;
            (repo, Some(key))
        }
    };
    let notes = match repo.kind {
        RepoKind::Github => link::webhook(&server, &repo, webhook_key.is_none()).await,
        RepoKind::Git => Vec::new(),
    };
    let status = if webhook_key.is_some() { StatusCode::CREATED } else { StatusCode::OK };
    let Repo { id, name, default_branch, .. } = repo;
    Ok((status, Json(Created { id, name, default_branch, webhook_key, notes })))
}

/// A path on this machine is the operator's matter. A repository of GitHub's is that of its admins.
async fn may_add(server: &Server, who: &Principal, asked: &Asked) -> Result<(), Problem> {
    if who.is_server_admin() {
        return Ok(());
    }
    let admin = match (who.user(), asked.kind, who.only) {
        (Some(user), RepoKind::Github, None) if asked.clone_url.is_none() => {
            let role = forge_rights::forge_role(&server.db, user, asked.name.as_str()).await?;
            role.map(|role| role.min(who.most)) == Some(Role::Admin)
        }
        _ => false,
    };
    if admin {
        return Ok(());
    }
    let sentence = "Only an admin of the repository on GitHub, or of this installation, adds it.";
    Err(Problem::new(StatusCode::FORBIDDEN, sentence))
}

fn as_told(asked: Asked) -> Result<NewRepo, Problem> {
    // Nobody can be asked, but this is so for most.
    let usual = (asked.kind == RepoKind::Github)
        .then(|| (format!("https://github.com/{}.git", asked.name), "main".to_owned()))
        .unzip();
    let told = (asked.clone_url.or(usual.0), asked.default_branch.or(usual.1));
    let (Some(clone_url), Some(default_branch)) = told else {
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, NO_ADDRESS));
    };
    Ok(NewRepo {
        name: asked.name,
        kind: asked.kind,
        clone_url,
        default_branch,
        forge_id: None,
        private: false,
    })
}

const NO_ADDRESS: &str = "A repo has a clone_url and a default_branch.";

/// The refs that a bare repository on this machine has already: they start nothing. None where
/// it is yet to be made.
async fn heads(new: &NewRepo) -> Vec<(String, CommitSha)> {
    match (new.kind, bare::folder(&new.clone_url)) {
        (RepoKind::Git, Some(folder)) => bare::heads(&folder).await.unwrap_or_default(),
        (RepoKind::Git, None) | (RepoKind::Github, _) => Vec::new(),
    }
}

/// Their pages would hide those of such a repo.
const TAKEN_OWNERS: [&str; 13] = [
    "account", "admin", "api", "assets", "audit", "healthz", "livez", "login", "logout", "orgs",
    "setup", "webhooks", "workers",
];

fn check_owner(name: &RepoName) -> Result<(), Problem> {
    if TAKEN_OWNERS.iter().any(|taken| taken.eq_ignore_ascii_case(name.owner())) {
        let sentence = "That owner's name is an address of Slipway itself; choose another.";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, sentence));
    }
    Ok(())
}

/// A credential in a clone address would reach every log that shows the address.
fn check(asked: &NewRepo) -> Result<(), Problem> {
    let refuse = |sentence: &str| Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, sentence));
    if asked.clone_url.is_empty() || asked.default_branch.is_empty() {
        return refuse(NO_ADDRESS);
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
    build_pushes: Option<bool>,
    build_pull_requests: Option<bool>,
    keep_failed_seconds: Option<u32>,
    travis_deploys: Option<bool>,
}

/// A container that is kept longer than a day was forgotten.
const LONGEST_KEPT: u32 = 24 * 60 * 60;

pub(super) async fn change(
    State(server): State<Arc<Server>>,
    viewer: Viewer,
    OfRepo(repo): OfRepo,
    problem::Json(changed): problem::Json<Changed>,
) -> Result<Json<Shown>, Problem> {
    let refuse = |sentence: &str| Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, sentence));
    match changed.default_branch.as_deref() {
        Some("") => return refuse("A default_branch has a name."),
        Some(branch) if branch.starts_with('-') => return refuse(DASH),
        Some(_) | None => {}
    }
    let switches = [
        changed.enabled,
        changed.build_pushes,
        changed.build_pull_requests,
        changed.travis_deploys,
    ];
    if changed.keep_failed_seconds.is_some_and(|seconds| seconds > LONGEST_KEPT) {
        return refuse("Failed jobs are kept for a day (86400 seconds) at most.");
    }
    let nothing = changed.default_branch.is_none() && changed.keep_failed_seconds.is_none();
    if nothing && switches.iter().all(Option::is_none) {
        return refuse(
            "Say what to change: enabled, default_branch, build_pushes, build_pull_requests, \
             keep_failed_seconds, travis_deploys.",
        );
    }
    let changes = Changes {
        enabled: changed.enabled,
        default_branch: changed.default_branch,
        build_pushes: changed.build_pushes,
        build_pull_requests: changed.build_pull_requests,
        keep_failed_seconds: changed.keep_failed_seconds.and_then(|s| i32::try_from(s).ok()),
    };
    if let Some(on) = changed.travis_deploys {
        environments::travis_deploys(&server, &repo, on, &viewer.actor).await?;
    }
    Ok(Json(repos::change(&server, &repo, &changes, &viewer.actor).await?.into()))
}

pub(super) async fn remove(
    State(server): State<Arc<Server>>,
    viewer: Viewer,
    OfRepo(repo): OfRepo,
) -> Result<StatusCode, Problem> {
    repos::remove(&server, &repo, &viewer.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Those that the caller sees.
pub(super) async fn list(
    State(server): State<Arc<Server>>,
    viewer: Viewer,
) -> Result<Json<Vec<Shown>>, Problem> {
    let visible = people::visible(&server.db, &viewer.principal).await?;
    let repos = repos::list(&server.db).await?;
    let seen = repos.into_iter().filter(|repo| visible.has(repo.id));
    Ok(Json(seen.map(Shown::from).collect()))
}

pub(super) use link::visible;

pub(super) async fn show(OfRepo(repo): OfRepo) -> Json<Shown> {
    Json(repo.into())
}
