//! Caches: listed, and cleared.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use slipway_pipelines::wire::api::{Cache, ClearedCaches};

use super::OfRepo;
use crate::db::caches::{self, Filter};
use crate::flow::clear_caches;
use crate::http::auth::Viewer;
use crate::http::problem::{Problem, Query};
use crate::state::Server;

#[derive(Deserialize)]
pub(super) struct Asked {
    branch: Option<String>,
    pull_request: Option<i64>,
    r#match: Option<String>,
}

impl From<Asked> for Filter {
    fn from(asked: Asked) -> Self {
        // Postgres takes no NUL in a text, and so no cache has one.
        let text = |text: Option<String>| text.map(|text| text.replace('\0', "\u{fffd}"));
        let (branch, pull_request) = (text(asked.branch), asked.pull_request);
        Self { id: None, branch, pull_request, text: text(asked.r#match) }
    }
}

pub(super) async fn list(
    State(server): State<Arc<Server>>,
    OfRepo(repo): OfRepo,
    Query(asked): Query<Asked>,
) -> Result<Json<Vec<Cache>>, Problem> {
    Ok(Json(caches::list(&server.db, repo.id, &asked.into()).await?))
}

pub(super) async fn clear(
    State(server): State<Arc<Server>>,
    viewer: Viewer,
    OfRepo(repo): OfRepo,
    Query(asked): Query<Asked>,
) -> Result<Json<ClearedCaches>, Problem> {
    let cleared = clear_caches::clear(&server, &repo, &asked.into(), &viewer.actor).await?;
    Ok(Json(cleared))
}
