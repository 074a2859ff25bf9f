//! Secrets: set and removed, never read back.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use slipway_pipelines::names::{CommitSha, SecretName};
use slipway_pipelines::wire::SecretText;
use slipway_pipelines::wire::api::SeenSecrets;

use super::OfRepo;
use crate::db::secrets;
use crate::http::auth::Viewer;
use crate::http::problem::{Octets, Path, Problem};
use crate::state::Server;

/// An environment variable is not longer than this on Linux.
const LARGEST: usize = 128 * 1024;

/// Of a commit that was run again and again: what it saw last says what to replace.
const MOST_SEEN: usize = 1000;

pub(super) async fn list(
    State(server): State<Arc<Server>>,
    OfRepo(repo): OfRepo,
) -> Result<Json<Vec<SecretName>>, Problem> {
    Ok(Json(secrets::list(&server.db, repo.id).await?))
}

#[derive(Deserialize)]
pub(super) struct Commit {
    sha: String,
}

/// "Which secrets did commit X see?" (S9)
pub(super) async fn seen(
    State(server): State<Arc<Server>>,
    OfRepo(repo): OfRepo,
    Path(Commit { sha }): Path<Commit>,
) -> Result<Json<SeenSecrets>, Problem> {
    let commit = sha
        .parse::<CommitSha>()
        .map_err(|error| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, format!("{error}.")))?;
    // One more than is told: it says that there are more.
    let most = i64::try_from(MOST_SEEN + 1).unwrap_or(i64::MAX);
    let mut seen = secrets::seen_by(&server.db, repo.id, &commit, most).await?;
    let more = seen.len() > MOST_SEEN;
    seen.truncate(MOST_SEEN);
    Ok(Json(SeenSecrets { seen, more }))
}

pub(super) async fn set(
    State(server): State<Arc<Server>>,
    viewer: Viewer,
    OfRepo(repo): OfRepo,
    Path(names): Path<HashMap<String, String>>,
    Octets(value): Octets,
) -> Result<StatusCode, Problem> {
    let refuse = |sentence: &str| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, sentence);
    let name = name(&names)?;
    if value.is_empty() || value.len() > LARGEST {
        return Err(refuse("A secret has between 1 byte and 128 KiB."));
    }
    let value = String::from_utf8(value.to_vec())
        .map_err(|_| refuse("A secret is UTF-8 text: it arrives in an environment variable."))?;
    if value.contains('\0') {
        return Err(refuse("A secret has no NUL byte: it arrives in an environment variable."));
    }
    secrets::put(&server, &repo, &name, &SecretText::new(value), &viewer.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn remove(
    State(server): State<Arc<Server>>,
    viewer: Viewer,
    OfRepo(repo): OfRepo,
    Path(names): Path<HashMap<String, String>>,
) -> Result<StatusCode, Problem> {
    secrets::remove(&server, &repo, &name(&names)?, &viewer.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn name(names: &HashMap<String, String>) -> Result<SecretName, Problem> {
    let text = names.get("name").map(String::as_str).unwrap_or_default();
    text.parse::<SecretName>()
        .map_err(|error| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, format!("{error}.")))
}
