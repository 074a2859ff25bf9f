//! REST for the command line and programs. A file a noun; nothing here without a viewer.

mod artifacts;
mod caches;
mod deliveries;
mod deployments;
mod environments;
mod jobs;
mod login_links;
mod repos;
mod runs;
mod secrets;
mod shells;
mod workers;

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::middleware::from_extractor_with_state;
use axum::routing::{get, post, put};
use axum::{RequestPartsExt, Router};
use slipway_pipelines::names::RepoName;

use super::auth::Viewer;
use super::problem::{Path, Problem};
use crate::db::repos::{Repo, by_name};
use crate::state::Server;

pub(super) fn router(server: &Arc<Server>) -> Router<Arc<Server>> {
    let of_repo = Router::new()
        .route("/", get(repos::show).patch(repos::change).delete(repos::remove))
        .route("/secrets", get(secrets::list))
        .route("/secrets/{name}", put(secrets::set).delete(secrets::remove))
        .route("/runs", get(runs::list).post(runs::start))
        .route("/runs/{run}", get(runs::show))
        .route("/runs/{run}/cancel", post(runs::cancel))
        .route("/runs/{run}/restart", post(runs::restart))
        .route("/runs/{run}/jobs/{job}", get(jobs::show))
        .route("/runs/{run}/jobs/{job}/cancel", post(jobs::cancel))
        .route("/runs/{run}/jobs/{job}/log", get(jobs::log))
        .route("/runs/{run}/artifacts", get(artifacts::list))
        .route("/runs/{run}/jobs/{job}/artifacts/{name}", get(artifacts::show))
        .route("/runs/{run}/tests", get(artifacts::tests))
        .route("/caches", get(caches::list).delete(caches::clear))
        .route("/runs/{run}/jobs/{job}/shell", get(shells::open))
        .route("/deliveries", get(deliveries::list))
        .route("/deployments/{id}", get(deployments::show))
        .route("/environments", get(environments::list))
        .route("/deployments/{id}/approve", post(deployments::approve))
        .route("/deployments/{id}/reject", post(deployments::reject))
        .route("/environments/{name}", get(environments::show).patch(environments::change))
        .route("/environments/{name}/rollback", post(environments::rollback));
    Router::new()
        .route("/repos", get(repos::list).post(repos::create))
        .route("/github-repos", get(repos::visible))
        .route("/workers", get(workers::list))
        .route("/login-links", post(login_links::make))
        .nest("/{owner}/{repo}", of_repo)
        .route_layer(from_extractor_with_state::<Viewer, _>(Arc::clone(server)))
}

/// The repo in the path; the same 404 whether it is not there or may not be seen.
struct OfRepo(Repo);

impl FromRequestParts<Arc<Server>> for OfRepo {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, server: &Arc<Server>) -> Result<Self, Problem> {
        let Path(names) = parts.extract::<Path<HashMap<String, String>>>().await?;
        let name = names.get("owner").zip(names.get("repo"));
        let name =
            name.and_then(|(owner, repo)| format!("{owner}/{repo}").parse::<RepoName>().ok());
        let name = name.ok_or_else(Problem::not_found)?;
        by_name(&server.db, &name).await?.map(Self).ok_or_else(Problem::not_found)
    }
}
