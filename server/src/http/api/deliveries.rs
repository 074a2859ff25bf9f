//! Deliveries, as received and decided.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use slipway_pipelines::wire::api::Delivery;

use super::OfRepo;
use crate::db::api_reads;
use crate::http::problem::Problem;
use crate::state::Server;

/// The newest hundred.
pub(super) async fn list(
    State(server): State<Arc<Server>>,
    OfRepo(repo): OfRepo,
) -> Result<Json<Vec<Delivery>>, Problem> {
    Ok(Json(api_reads::deliveries(&server.db, repo.id).await?))
}
