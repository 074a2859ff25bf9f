//! Tokens for people's programs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use slipway_pipelines::ids::ApiTokenId;
use slipway_pipelines::names::RepoName;
use slipway_pipelines::wire::SecretText;

use crate::access::Role;
use crate::db::api_tokens::{self, NewToken, USUAL_DAYS};
use crate::db::people;
use crate::db::repos::by_name;
use crate::http::auth::Viewer;
use crate::http::problem::{self, Path, Problem};
use crate::state::Server;

/// What somebody asks for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// What for, in their words.
    name: String,
    /// The most that it lets a program do.
    #[serde(default = "read")]
    role: Role,
    /// In one repo only.
    repo: Option<RepoName>,
    days: Option<i32>,
}

fn read() -> Role {
    Role::Read
}

/// The token itself is told this once.
#[derive(Serialize)]
pub(super) struct Made {
    id: ApiTokenId,
    token: SecretText,
}

/// A token, without itself.
#[derive(Serialize)]
pub(super) struct Shown {
    id: ApiTokenId,
    name: String,
    role: String,
    repo: Option<String>,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    last_used_at: Option<DateTime<Utc>>,
}

pub(super) async fn list(
    State(server): State<Arc<Server>>,
    viewer: Viewer,
) -> Result<Json<Vec<Shown>>, Problem> {
    let rows = api_tokens::list(&server.db, &viewer.principal).await?;
    let shown = rows.into_iter().map(|row| Shown {
        id: row.id.into(),
        name: row.name,
        role: row.most,
        repo: row.repo,
        created_at: row.created_at,
        expires_at: row.expires_at,
        last_used_at: row.last_used_at,
    });
    Ok(Json(shown.collect()))
}

/// A token may be for no more than the one that asks for it: a program can not raise itself.
pub(super) async fn create(
    State(server): State<Arc<Server>>,
    viewer: Viewer,
    problem::Json(asked): problem::Json<Asked>,
) -> Result<(StatusCode, Json<Made>), Problem> {
    let new = read_asked(&server, &viewer, asked).await?;
    let (id, token) = api_tokens::create(&server.db, &viewer.principal, &new).await?;
    Ok((StatusCode::CREATED, Json(Made { id, token: SecretText::new(token) })))
}

async fn read_asked(server: &Server, viewer: &Viewer, asked: Asked) -> Result<NewToken, Problem> {
    let principal = &viewer.principal;
    let repo = match asked.repo {
        None => principal.only,
        Some(name) => {
            let repo = by_name(&server.db, &name).await?.ok_or_else(Problem::not_found)?;
            let role = people::role(&server.db, principal, &repo).await?;
            role.map(|_| Some(repo.id)).ok_or_else(Problem::not_found)?
        }
    };
    let days = asked.days.unwrap_or(USUAL_DAYS);
    Ok(NewToken { name: asked.name, most: asked.role, repo, days })
}

#[derive(Deserialize)]
pub(super) struct Named {
    token: ApiTokenId,
}

pub(super) async fn revoke(
    State(server): State<Arc<Server>>,
    viewer: Viewer,
    Path(named): Path<Named>,
) -> Result<StatusCode, Problem> {
    if api_tokens::revoke(&server.db, &viewer.principal, named.token).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::not_found())
}
