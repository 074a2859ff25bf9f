//! Runs: listed, shown, started, stopped and started again.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use slipway_pipelines::ids::{RepoId, RunId, RunNumber};
use slipway_pipelines::wire::api::{Run, StartRun, Started, WholeRun};

use super::OfRepo;
use crate::db::api_reads::{self, RunFilter};
use crate::db::deploy_reads;
use crate::flow::trigger::{self, Refused};
use crate::flow::{cancel, restart, schedule};
use crate::http::auth::Viewer;
use crate::http::problem::{self, Path, Problem, Query};
use crate::state::Server;

#[derive(Deserialize)]
pub(super) struct Filter {
    branch: Option<String>,
    state: Option<String>,
    event: Option<String>,
    actor: Option<String>,
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

pub(super) async fn list(
    State(server): State<Arc<Server>>,
    OfRepo(repo): OfRepo,
    Query(asked): Query<Filter>,
) -> Result<Json<Vec<Run>>, Problem> {
    let filter = RunFilter {
        branch: asked.branch,
        state: asked.state,
        event: asked.event,
        actor: asked.actor,
        before: asked.before.unwrap_or(i32::MAX),
        limit: asked.limit.clamp(1, 100),
        ..RunFilter::default()
    };
    Ok(Json(api_reads::runs(&server.db, repo.id, &filter).await?))
}

pub(super) async fn show(
    State(server): State<Arc<Server>>,
    OfRepo(repo): OfRepo,
    Path(named): Path<Named>,
) -> Result<Json<WholeRun>, Problem> {
    let db = &server.db;
    let found = api_reads::run(db, repo.id, named.run).await?;
    let run = found.ok_or_else(Problem::not_found)?;
    Ok(Json(WholeRun {
        jobs: api_reads::jobs(db, run.id).await?,
        deployments: deploy_reads::deployments_of_run(db, run.id).await?,
        dropped: api_reads::dropped(db, run.id).await?,
        github: api_reads::report(db, run.id).await?,
        run,
    }))
}

/// Runs a branch's head: 201 for a new run, 200 for the one that this key started before.
pub(super) async fn start(
    State(server): State<Arc<Server>>,
    viewer: Viewer,
    OfRepo(repo): OfRepo,
    problem::Json(asked): problem::Json<StartRun>,
) -> Result<(StatusCode, Json<Started>), Problem> {
    let (number, new) = trigger::trigger(&server, &repo, &asked, &viewer.actor).await?;
    let url = schedule::run_url(&server, repo.name.as_str(), number);
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(Started { run: number.0, url })))
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let status = match refused {
            Refused::Flow(error) => return error.into(),
            Refused::Malformed(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Refused::NoBranch { .. } => StatusCode::NOT_FOUND,
            Refused::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Refused::NotAsked { .. } => StatusCode::CONFLICT,
        };
        Self::new(status, refused.to_string())
    }
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

pub(super) async fn restart(
    State(server): State<Arc<Server>>,
    viewer: Viewer,
    OfRepo(repo): OfRepo,
    Path(named): Path<Named>,
) -> Result<(StatusCode, Json<Started>), Problem> {
    let old = id(&server, repo.id, named.run).await?;
    let run = restart::restart(&server, old, &viewer.actor).await?;
    let url = schedule::run_url(&server, repo.name.as_str(), run);
    Ok((StatusCode::CREATED, Json(Started { run: run.0, url })))
}

async fn id(server: &Server, repo: RepoId, number: RunNumber) -> Result<RunId, Problem> {
    let run = api_reads::run(&server.db, repo, number).await?;
    run.map(|run| run.id).ok_or_else(Problem::not_found)
}
