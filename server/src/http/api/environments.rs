//! Environments: what is live, and what came before.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use slipway_pipelines::wire::api::{Environment, WholeEnvironment};

use super::OfRepo;
use crate::db::deploy_reads;
use crate::http::problem::{Path, Problem};
use crate::state::Server;

#[derive(Deserialize)]
pub(super) struct Named {
    name: String,
}

pub(super) async fn list(
    State(server): State<Arc<Server>>,
    OfRepo(repo): OfRepo,
) -> Result<Json<Vec<Environment>>, Problem> {
    Ok(Json(deploy_reads::environments(&server.db, repo.id).await?))
}

/// With its newest hundred deployments.
pub(super) async fn show(
    State(server): State<Arc<Server>>,
    OfRepo(repo): OfRepo,
    Path(named): Path<Named>,
) -> Result<Json<WholeEnvironment>, Problem> {
    let all = deploy_reads::environments(&server.db, repo.id).await?;
    let found = all.into_iter().find(|environment| environment.name == named.name);
    let environment = found.ok_or_else(Problem::not_found)?;
    let deployments = deploy_reads::deployments_of_environment(&server.db, environment.id).await?;
    Ok(Json(WholeEnvironment { environment, deployments }))
}
