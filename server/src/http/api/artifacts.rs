//! Artifacts and test results of a run.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use slipway_pipelines::ids::{JobNumber, RepoId, RunId, RunNumber};
use slipway_pipelines::wire::api::{Artifact, Tests};

use super::OfRepo;
use crate::db::{api_reads, artifacts, test_reports};
use crate::http::download;
use crate::http::problem::{Path, Problem};
use crate::state::Server;

/// More than the jobs of a run may leave.
const MOST: i64 = 20_000;
/// So many tests that failed are told with their words.
const MOST_RED: i64 = 1000;

#[derive(Deserialize)]
pub(super) struct Named {
    run: RunNumber,
}

async fn id(server: &Server, repo: RepoId, named: &Named) -> Result<RunId, Problem> {
    let run = api_reads::run(&server.db, repo, named.run).await?;
    run.map(|run| run.id).ok_or_else(Problem::not_found)
}

pub(super) async fn list(
    State(server): State<Arc<Server>>,
    OfRepo(repo): OfRepo,
    Path(named): Path<Named>,
) -> Result<Json<Vec<Artifact>>, Problem> {
    let run = id(&server, repo.id, &named).await?;
    Ok(Json(artifacts::list(&server.db, run, None, MOST).await?))
}

#[derive(Deserialize)]
pub(super) struct One {
    run: RunNumber,
    job: JobNumber,
    name: String,
}

pub(super) async fn show(
    State(server): State<Arc<Server>>,
    OfRepo(repo): OfRepo,
    Path(one): Path<One>,
) -> Result<Response, Problem> {
    let named = (one.run, one.job, one.name.as_str());
    let found = download::artifact(&server, repo.id, named).await?;
    found.ok_or_else(Problem::not_found)
}

pub(super) async fn tests(
    State(server): State<Arc<Server>>,
    OfRepo(repo): OfRepo,
    Path(named): Path<Named>,
) -> Result<Json<Tests>, Problem> {
    let run = id(&server, repo.id, &named).await?;
    let jobs = test_reports::counts(&server.db, run, None).await?;
    let red = test_reports::red(&server.db, run, None, MOST_RED).await?;
    Ok(Json(Tests { jobs, red }))
}
