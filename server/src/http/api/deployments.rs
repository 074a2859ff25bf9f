//! One deployment, with every hop and all evidence; and what somebody decides of it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use slipway_pipelines::ids::{AttemptId, DeploymentId, Id as _};
use slipway_pipelines::wire::api::Deployment;

use super::OfRepo;
use super::jobs::{Part, log_answer};
use crate::db::{deploy_reads, views};
use crate::flow::deploys::{self, By};
use crate::http::auth::Viewer;
use crate::http::problem::{Path, Problem, Query};
use crate::state::Server;
use crate::store::logs;

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

/// The bytes of what was done about it without its job: after an approval, to bring it back, to look
/// at it. That of a deploy inside a job is in the job's log.
pub(super) async fn log(
    State(server): State<Arc<Server>>,
    OfRepo(repo): OfRepo,
    Path(named): Path<Named>,
    Query(part): Query<Part>,
) -> Result<Response, Problem> {
    let found = deploy_reads::deployment(&server.db, repo.id, named.id).await?;
    let over = found.ok_or_else(Problem::not_found)?.finished_at.is_some();
    let attempts = views::jobs::of_deployment(&server.db, named.id.as_uuid()).await?;
    let attempts: Vec<AttemptId> = attempts.iter().map(|attempt| attempt.id.into()).collect();
    let limit = part.limit.unwrap_or(u64::MAX);
    let (bytes, length, complete) = logs::read_all(&server, &attempts, part.offset, limit).await?;
    Ok(log_answer(bytes, length, complete && over))
}

pub(super) async fn approve(
    State(server): State<Arc<Server>>,
    viewer: Viewer,
    OfRepo(repo): OfRepo,
    Path(named): Path<Named>,
) -> Result<StatusCode, Problem> {
    let by = By { actor: &viewer.actor, admin: viewer.is_admin() };
    deploys::approve(&server, &repo, named.id, by).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn reject(
    State(server): State<Arc<Server>>,
    viewer: Viewer,
    OfRepo(repo): OfRepo,
    Path(named): Path<Named>,
) -> Result<StatusCode, Problem> {
    let by = By { actor: &viewer.actor, admin: viewer.is_admin() };
    deploys::reject(&server, &repo, named.id, by).await?;
    Ok(StatusCode::NO_CONTENT)
}
