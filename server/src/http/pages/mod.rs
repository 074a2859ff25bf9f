//! What people see. Every page reads, none writes, and each is whole without JavaScript.

mod ansi;
mod assets;
mod deploys;
mod events;
mod format;
mod job;
mod log;
mod outcome;
mod queue;
mod repo;
mod rows;
mod run;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::state::Server;

/// The pages and their assets.
pub(crate) fn router() -> Router<Arc<Server>> {
    Router::new()
        .route("/", get(repo::home))
        .route("/workers", get(queue::workers))
        .route("/assets/{*path}", get(assets::serve))
        .route("/{owner}/{repo}", get(repo::repo))
        .route("/{owner}/{repo}/deliveries", get(queue::deliveries))
        .route("/{owner}/{repo}/environments", get(deploys::environments))
        .route("/{owner}/{repo}/environments/{name}", get(deploys::environment))
        .route("/{owner}/{repo}/deployments/{id}", get(deploys::deployment))
        .route("/{owner}/{repo}/runs/{run}", get(run::run))
        .route("/{owner}/{repo}/runs/{run}/events", get(events::run))
        .route("/{owner}/{repo}/runs/{run}/jobs/{job}", get(job::job))
        .route("/{owner}/{repo}/runs/{run}/jobs/{job}/events", get(events::job))
        .route("/{owner}/{repo}/runs/{run}/jobs/{job}/log/raw", get(job::raw))
}
