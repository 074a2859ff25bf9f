//! Runs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use slipway_pipelines::ids::{RepoId, RunId, RunNumber};

use super::OfRepo;
use crate::db::api_reads::{self, Job, Run};
use crate::db::deploy_reads::{self, Deployment};
use crate::flow::{cancel, restart, schedule};
use crate::http::auth::Viewer;
use crate::http::problem::{Path, Problem, Query};
use crate::state::Server;

#[derive(Deserialize)]
pub(super) struct Filter {
    branch: Option<String>,
    #[serde(default = "page")]
    limit: i64,
    before: Option<i32>,
}

fn page() -> i64 {
    30
}

#[derive(Deserialize)]
pub(super) struct Named {
    run: RunNumber,
}

#[derive(Serialize)]
pub(super) struct Shown {
    #[serde(flatten)]
    run: Run,
    jobs: Vec<Job>,
    deployments: Vec<Deployment>,
}

pub(super) async fn list(
    State(server): State<Arc<Server>>,
    OfRepo(repo): OfRepo,
    Query(filter): Query<Filter>,
) -> Result<Json<Vec<Run>>, Problem> {
    let limit = filter.limit.clamp(1, 100);
    let branch = filter.branch.as_deref();
    Ok(Json(api_reads::runs(&server.db, repo.id, branch, filter.before, limit).await?))
}

pub(super) async fn show(
    State(server): State<Arc<Server>>,
    OfRepo(repo): OfRepo,
    Path(named): Path<Named>,
) -> Result<Json<Shown>, Problem> {
    let found = api_reads::run(&server.db, repo.id, named.run).await?;
    let run = found.ok_or_else(Problem::not_found)?;
    let jobs = api_reads::jobs(&server.db, run.id.into()).await?;
    let deployments = deploy_reads::deployments_of_run(&server.db, run.id.into()).await?;
    Ok(Json(Shown { run, jobs, deployments }))
}

pub(super) async fn cancel(
    State(server): State<Arc<Server>>,
    viewer: Viewer,
    OfRepo(repo): OfRepo,
    Path(named): Path<Named>,
) -> Result<StatusCode, Problem> {
    let run = id(&server, repo.id, named.run).await?;
    cancel::cancel(&server, run, &viewer.actor).await?;
    Ok(StatusCode::ACCEPTED)
}

#[derive(Serialize)]
pub(super) struct Restarted {
    run: RunNumber,
    url: String,
}

pub(super) async fn restart(
    State(server): State<Arc<Server>>,
    viewer: Viewer,
    OfRepo(repo): OfRepo,
    Path(named): Path<Named>,
) -> Result<(StatusCode, Json<Restarted>), Problem> {
    let old = id(&server, repo.id, named.run).await?;
    let run = restart::restart(&server, old, &viewer.actor).await?;
    let url = schedule::run_url(&server, repo.name.as_str(), run);
    Ok((StatusCode::CREATED, Json(Restarted { run, url })))
}

async fn id(server: &Server, repo: RepoId, number: RunNumber) -> Result<RunId, Problem> {
    let run = api_reads::run(&server.db, repo, number).await?;
    run.map(|run| RunId::from(run.id)).ok_or_else(Problem::not_found)
}
