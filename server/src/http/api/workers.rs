//! Workers.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use crate::db::api_reads::{self, Worker};
use crate::http::problem::Problem;
use crate::state::Server;

pub(super) async fn list(State(server): State<Arc<Server>>) -> Result<Json<Vec<Worker>>, Problem> {
    Ok(Json(api_reads::workers(&server.db).await?))
}
