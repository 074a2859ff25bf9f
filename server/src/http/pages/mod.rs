//! What people see. Pages read; the buttons of runs, deployments and caches call the
//! flow. Each is whole
//! without JavaScript.

mod ansi;
mod assets;
mod bars;
mod branches;
mod caches;
mod deploy_rows;
mod deploys;
mod events;
mod excerpt;
mod find;
mod findings;
mod format;
mod job;
mod left;
mod log;
mod outcome;
mod queue;
mod repo;
mod requests;
mod rows;
mod run;
mod settings;
mod steps;
mod told;
mod waits;

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::http::problem::Problem;
use crate::state::Server;

/// The pages and their assets.
pub(crate) fn router() -> Router<Arc<Server>> {
    Router::new()
        .route("/", get(repo::home))
        .route("/workers", get(queue::workers))
        .route("/assets/{*path}", get(assets::serve))
        .route("/{owner}/{repo}", get(repo::repo))
        .route("/{owner}/{repo}/branches", get(branches::branches))
        .route("/{owner}/{repo}/pulls", get(branches::pulls))
        .route("/{owner}/{repo}/requests", get(requests::requests))
        .route("/{owner}/{repo}/environments", get(deploys::environments))
        .route("/{owner}/{repo}/environments/{name}", get(deploys::environment))
        .route("/{owner}/{repo}/environments/{name}/rollback", post(deploys::rollback))
        .route("/{owner}/{repo}/deployments/{id}", get(deploys::deployment))
        .route("/{owner}/{repo}/deployments/{id}/approve", post(deploys::approve))
        .route("/{owner}/{repo}/deployments/{id}/reject", post(deploys::reject))
        .route("/{owner}/{repo}/caches", get(caches::show))
        .route("/{owner}/{repo}/caches/clear", post(caches::clear))
        .route("/{owner}/{repo}/runs/{run}", get(run::run))
        .route("/{owner}/{repo}/settings", get(settings::settings))
        .route("/{owner}/{repo}/runs/{run}/cancel", post(run::cancel))
        .route("/{owner}/{repo}/runs/{run}/restart", post(run::restart))
        .route("/{owner}/{repo}/runs/{run}/events", get(events::run))
        .route("/{owner}/{repo}/runs/{run}/jobs/{job}", get(job::job))
        .route("/{owner}/{repo}/runs/{run}/jobs/{job}/artifacts/{name}", get(left::artifact))
        .route("/{owner}/{repo}/runs/{run}/jobs/{job}/events", get(events::job))
        .route("/{owner}/{repo}/runs/{run}/jobs/{job}/log", get(job::lines))
        .route("/{owner}/{repo}/runs/{run}/jobs/{job}/log/raw", get(job::raw))
}

/// For an address that nothing answers: a page for a browser, else a problem.
pub(crate) async fn not_found(headers: HeaderMap) -> Response {
    let accepts = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    if accepts.is_some_and(|accept| accept.contains("text/html")) {
        outcome::Failure::NotFound.into_response()
    } else {
        Problem::not_found().into_response()
    }
}
