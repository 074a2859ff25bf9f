//! Secrets: set and removed, never read back.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use slipway_pipelines::names::SecretName;
use slipway_pipelines::wire::SecretText;

use super::OfRepo;
use crate::db::secrets;
use crate::http::auth::Viewer;
use crate::http::problem::{Octets, Path, Problem};
use crate::state::Server;

/// An environment variable is not longer than this on Linux.
const LARGEST: usize = 128 * 1024;

pub(super) async fn list(
    State(server): State<Arc<Server>>,
    OfRepo(repo): OfRepo,
) -> Result<Json<Vec<SecretName>>, Problem> {
    Ok(Json(secrets::list(&server.db, repo.id).await?))
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
