//! What people see. Pages read; their buttons call the flow. Each is whole without JavaScript.

mod account;
mod ansi;
mod assets;
mod audit;
mod bars;
mod branches;
mod caches;
mod deploy_log;
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
mod rules;
mod run;
mod settings;
mod steps;
mod told;
mod waits;

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};

use super::auth::reads_pages;
use super::guard::Routes;
use crate::access::Needs::{Nobody, Person, Repo, Server as Installation};
use crate::access::Role::{Admin, Read, Write};
use crate::http::problem::Problem;
use crate::state::Server;

/// The pages and their assets.
pub(super) fn routes(server: &Arc<Server>) -> Routes {
    Routes::new(server, "")
        .get("/", Person, repo::home)
        .get("/account", Person, account::account)
        .post("/account/tokens", Person, account::create)
        .post("/account/tokens/{token}/revoke", Person, account::revoke)
        .get("/audit", Installation, audit::all)
        .get("/{owner}/{repo}/audit", Repo(Admin), audit::of_repo)
        .get("/workers", Installation, queue::workers)
        .get("/assets/{*path}", Nobody, assets::serve)
        .get("/{owner}/{repo}", Repo(Read), repo::repo)
        .get("/{owner}/{repo}/branches", Repo(Read), branches::branches)
        .get("/{owner}/{repo}/pulls", Repo(Read), branches::pulls)
        .get("/{owner}/{repo}/requests", Repo(Write), requests::requests)
        .get("/{owner}/{repo}/environments", Repo(Read), deploys::environments)
        .get("/{owner}/{repo}/environments/{name}", Repo(Read), deploys::environment)
        .post("/{owner}/{repo}/environments/{name}/rules", Repo(Admin), rules::change)
        .post("/{owner}/{repo}/environments/{name}/rollback", Repo(Write), deploys::rollback)
        .get("/{owner}/{repo}/deployments/{id}", Repo(Read), deploys::deployment)
        .get("/{owner}/{repo}/deployments/{id}/log", Repo(Read), deploy_log::raw)
        .post("/{owner}/{repo}/deployments/{id}/approve", Repo(Write), deploys::approve)
        .post("/{owner}/{repo}/deployments/{id}/reject", Repo(Write), deploys::reject)
        .get("/{owner}/{repo}/caches", Repo(Read), caches::show)
        .post("/{owner}/{repo}/caches/clear", Repo(Write), caches::clear)
        .get("/{owner}/{repo}/runs/{run}", Repo(Read), run::run)
        .get("/{owner}/{repo}/settings", Repo(Write), settings::settings)
        .post("/{owner}/{repo}/runs/{run}/cancel", Repo(Write), run::cancel)
        .post("/{owner}/{repo}/runs/{run}/restart", Repo(Write), run::restart)
        .get("/{owner}/{repo}/runs/{run}/events", Repo(Read), events::run)
        .get("/{owner}/{repo}/runs/{run}/jobs/{job}", Repo(Read), job::job)
        .get("/{owner}/{repo}/runs/{run}/jobs/{job}/artifacts/{name}", Repo(Read), left::artifact)
        .get("/{owner}/{repo}/runs/{run}/jobs/{job}/events", Repo(Read), events::job)
        .get("/{owner}/{repo}/runs/{run}/jobs/{job}/log", Repo(Read), job::lines)
        .get("/{owner}/{repo}/runs/{run}/jobs/{job}/log/raw", Repo(Read), job::raw)
}

/// For an address that nothing answers: a page for a browser, else a problem.
pub(crate) async fn not_found(headers: HeaderMap) -> Response {
    not_found_to(&headers)
}

/// The same to whoever sent these headers.
pub(super) fn not_found_to(headers: &HeaderMap) -> Response {
    if reads_pages(headers) {
        outcome::Failure::NotFound.into_response()
    } else {
        Problem::not_found().into_response()
    }
}

/// The address of the style sheet.
pub(super) fn style() -> &'static str {
    assets::style()
}

/// Tells somebody that they may not.
pub(super) fn refused(sentence: &str) -> Response {
    outcome::Failure::Forbidden(sentence.to_owned()).into_response()
}
