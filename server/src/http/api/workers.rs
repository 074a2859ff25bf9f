//! Workers.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use slipway_pipelines::wire::api::Worker;

use crate::db::api_reads;
use crate::http::problem::Problem;
use crate::state::Server;

pub(super) async fn list(State(server): State<Arc<Server>>) -> Result<Json<Vec<Worker>>, Problem> {
    Ok(Json(api_reads::workers(&server.db).await?))
}
