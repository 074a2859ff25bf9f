//! Login links, made by the operator for a browser.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use url::Url;

use crate::db::sessions;
use crate::http::auth::Viewer;
use crate::http::problem::Problem;
use crate::state::Server;

#[derive(Serialize)]
pub(super) struct Made {
    url: Url,
}

pub(super) async fn make(
    State(server): State<Arc<Server>>,
    viewer: Viewer,
) -> Result<(StatusCode, Json<Made>), Problem> {
    let token = sessions::make_link(&server.db, &viewer.actor).await?;
    let url = server.config.public_url.join(&format!("/login/{token}"));
    let url = url.map_err(|error| Problem::internal(error.into()))?;
    Ok((StatusCode::CREATED, Json(Made { url })))
}
