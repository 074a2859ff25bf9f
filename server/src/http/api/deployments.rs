//! One deployment, with every hop and all evidence; and what somebody decides of it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use slipway_pipelines::ids::DeploymentId;
use slipway_pipelines::wire::api::Deployment;

use super::OfRepo;
use crate::db::deploy_reads;
use crate::flow::deploys;
use crate::http::auth::Viewer;
use crate::http::problem::{Path, Problem};
use crate::state::Server;

#[derive(Deserialize)]
pub(super) struct Named {
    id: DeploymentId,
}

pub(super) async fn show(
    State(server): State<Arc<Server>>,
    OfRepo(repo): OfRepo,
    Path(named): Path<Named>,
) -> Result<Json<Deployment>, Problem> {
    let found = deploy_reads::deployment(&server.db, repo.id, named.id).await?;
    found.map(Json).ok_or_else(Problem::not_found)
}

pub(super) async fn approve(
    State(server): State<Arc<Server>>,
    viewer: Viewer,
    OfRepo(repo): OfRepo,
    Path(named): Path<Named>,
) -> Result<StatusCode, Problem> {
    deploys::approve(&server, &repo, named.id, &viewer.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn reject(
    State(server): State<Arc<Server>>,
    viewer: Viewer,
    OfRepo(repo): OfRepo,
    Path(named): Path<Named>,
) -> Result<StatusCode, Problem> {
    deploys::reject(&server, &repo, named.id, &viewer.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}
