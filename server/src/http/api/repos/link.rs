//! What adding a repo of GitHub's does on GitHub, and what it leaves to the person, in words.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use url::Url;

use super::{Asked, NewRepo, Problem, Repo, RepoKind};
use crate::access::Role;
use crate::db::forge_repos::linked;
use crate::db::forge_rights;
use crate::db::repos::list;
use crate::github::{GithubError, Webhook};
use crate::http::auth::Viewer;
use crate::state::Server;

const UNREADABLE: &str = "GitHub's name for the repository is no name that Slipway can use.";

/// What GitHub says of the repo, and the repo if it is here already.
pub(super) async fn ask(
    server: &Server,
    asked: &Asked,
) -> Result<(NewRepo, Option<Repo>), Problem> {
    let found = server.github()?.repo(&asked.name).await?;
    // GitHub takes a name in any case, and the old one of a repo that was renamed.
    let name = found.full_name.parse();
    let name = name.map_err(|_| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, UNREADABLE))?;
    let known = linked(server, &found).await?;
    let new = NewRepo {
        clone_url: asked
            .clone_url
            .clone()
            .or(found.clone_url)
            .unwrap_or_else(|| format!("https://github.com/{name}.git")),
        default_branch: asked
            .default_branch
            .clone()
            .or(found.default_branch)
            .unwrap_or_else(|| "main".to_owned()),
        name,
        kind: RepoKind::Github,
        forge_id: Some(found.id),
        // A credential too many is sent to GitHub only.
        private: found.private.unwrap_or(true),
    };
    Ok((new, known))
}

/// Makes GitHub tell us of the repo's pushes, as far as that can be done from here.
pub(super) async fn webhook(server: &Server, repo: &Repo, again: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if again {
        notes.push("it was added before; what GitHub says of it was taken over anew".to_owned());
    }
    match address(&server.config.public_url) {
        Some(url) => notes.extend(at(server, repo, &url).await),
        None => notes.push("public_url can not be extended by /webhooks/github".to_owned()),
    }
    notes
}

fn address(public_url: &Url) -> Option<Url> {
    format!("{}/webhooks/github", public_url.as_str().trim_end_matches('/')).parse().ok()
}

async fn at(server: &Server, repo: &Repo, url: &Url) -> Vec<String> {
    let Some(secret) = &server.config.github_webhook_secret else {
        return vec![
            "no webhook was made: set github_webhook_secret (a long random text), start the server \
             again and add the repo once more"
                .to_owned(),
        ];
    };
    let github = match server.github() {
        Ok(github) => github,
        Err(error) => return vec![error.to_string(), by_hand(repo, url)],
    };
    if !github.reaches(url) {
        let public = &server.config.public_url;
        return vec![format!(
            "no webhook was made: GitHub can not reach {public}; set public_url to an address that \
             it can, start the server again and add the repo once more"
        )];
    }
    if github.is_app() {
        return vec![format!(
            "pushes arrive through the GitHub App's own webhook: in the App's settings its URL must \
             be {url}, its secret the one in github_webhook_secret, its events push and pull request"
        )];
    }
    match github.set_webhook(&repo.name, url, secret).await {
        Ok(Webhook::Created) => vec![format!("a webhook to {url} was made on GitHub")],
        Ok(Webhook::Updated) => vec![format!("the webhook to {url} was there, and was renewed")],
        // Whoever may not manage webhooks is not shown that there are any.
        Err(GithubError::Forbidden { .. } | GithubError::NotFound) => {
            vec!["the token may not manage webhooks".to_owned(), by_hand(repo, url)]
        }
        Err(error) => vec![format!("no webhook was made: {error}"), by_hand(repo, url)],
    }
}

fn by_hand(repo: &Repo, url: &Url) -> String {
    format!(
        "add it yourself on GitHub, in {}: Settings, Webhooks: URL {url}, content type \
         application/json, the secret in github_webhook_secret, events pushes and pull requests",
        repo.name
    )
}

/// A repo that the credential can see.
#[derive(Serialize)]
pub(in crate::http::api) struct Visible {
    name: String,
    private: bool,
    archived: bool,
    default_branch: Option<String>,
    /// Does Slipway build it? None: it was not added.
    enabled: Option<bool>,
}

/// All of them.
#[derive(Serialize)]
pub(in crate::http::api) struct AllVisible {
    repos: Vec<Visible>,
    /// There are more than are shown.
    cut: bool,
}

pub(in crate::http::api) async fn visible(
    State(server): State<Arc<Server>>,
    viewer: Viewer,
) -> Result<Json<AllVisible>, Problem> {
    let known = list(&server.db).await?;
    if !viewer.principal.is_server_admin() {
        return Ok(Json(of_person(&server, &viewer, &known).await?));
    }
    let seen = server.github()?.visible().await?;
    let repos = seen.repos.into_iter().map(|repo| {
        let here = known.iter().find(|known| match known.forge_id {
            Some(id) => id == repo.id,
            None => {
                known.kind == RepoKind::Github
                    && known.name.as_str().eq_ignore_ascii_case(&repo.full_name)
            }
        });
        Visible {
            enabled: here.map(|repo| repo.enabled),
            name: repo.full_name,
            private: repo.private.unwrap_or(true),
            archived: repo.archived,
            default_branch: repo.default_branch,
        }
    });
    Ok(Json(AllVisible { repos: repos.collect(), cut: seen.cut }))
}

/// Those that the person may switch on, as GitHub said when they last logged in.
async fn of_person(
    server: &Server,
    viewer: &Viewer,
    known: &[Repo],
) -> Result<AllVisible, Problem> {
    let Some(user) = viewer.principal.user() else {
        return Ok(AllVisible { repos: Vec::new(), cut: false });
    };
    let mut rights = forge_rights::rights(&server.db, user).await?;
    rights.retain(|right| right.role == Role::Admin && viewer.principal.only.is_none());
    let repos = rights.into_iter().map(|right| {
        let here = known.iter().find(|known| known.forge_id == Some(right.repo));
        Visible {
            enabled: here.map(|repo| repo.enabled),
            name: right.full_name,
            private: right.private,
            archived: false,
            default_branch: here.map(|repo| repo.default_branch.clone()),
        }
    });
    Ok(AllVisible { repos: repos.collect(), cut: false })
}
