//! REST for the command line and programs. A file a noun; nothing here without a viewer.

mod artifacts;
mod audit;
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
mod tokens;
mod users;
mod workers;

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::guard::Routes;
use super::problem::Problem;
use crate::access::Needs::{Person, Repo as InRepo, Server as Installation};
use crate::access::Role::{Admin, Read, Write};
use crate::db::repos::Repo;
use crate::state::Server;

pub(super) fn routes(server: &Arc<Server>) -> Routes {
    Routes::new(server, "/api/v1")
        .get("/{owner}/{repo}", InRepo(Read), repos::show)
        .patch("/{owner}/{repo}", InRepo(Admin), repos::change)
        .delete("/{owner}/{repo}", InRepo(Admin), repos::remove)
        .get("/{owner}/{repo}/secrets", InRepo(Write), secrets::list)
        .put("/{owner}/{repo}/secrets/{name}", InRepo(Admin), secrets::set)
        .delete("/{owner}/{repo}/secrets/{name}", InRepo(Admin), secrets::remove)
        .get("/{owner}/{repo}/commits/{sha}/secrets", InRepo(Write), secrets::seen)
        .get("/{owner}/{repo}/runs", InRepo(Read), runs::list)
        .post("/{owner}/{repo}/runs", InRepo(Write), runs::start)
        .get("/{owner}/{repo}/runs/{run}", InRepo(Read), runs::show)
        .post("/{owner}/{repo}/runs/{run}/cancel", InRepo(Write), runs::cancel)
        .post("/{owner}/{repo}/runs/{run}/restart", InRepo(Write), runs::restart)
        .get("/{owner}/{repo}/runs/{run}/jobs/{job}", InRepo(Read), jobs::show)
        .post("/{owner}/{repo}/runs/{run}/jobs/{job}/cancel", InRepo(Write), jobs::cancel)
        .get("/{owner}/{repo}/runs/{run}/jobs/{job}/log", InRepo(Read), jobs::log)
        .get("/{owner}/{repo}/runs/{run}/artifacts", InRepo(Read), artifacts::list)
        .get(
            "/{owner}/{repo}/runs/{run}/jobs/{job}/artifacts/{name}",
            InRepo(Read),
            artifacts::show,
        )
        .get("/{owner}/{repo}/runs/{run}/tests", InRepo(Read), artifacts::tests)
        .get("/{owner}/{repo}/caches", InRepo(Read), caches::list)
        .delete("/{owner}/{repo}/caches", InRepo(Write), caches::clear)
        .get("/{owner}/{repo}/runs/{run}/jobs/{job}/shell", InRepo(Write), shells::open)
        .get("/{owner}/{repo}/deliveries", InRepo(Write), deliveries::list)
        .get("/{owner}/{repo}/deployments/{id}", InRepo(Read), deployments::show)
        .get("/{owner}/{repo}/deployments/{id}/log", InRepo(Read), deployments::log)
        .get("/{owner}/{repo}/environments", InRepo(Read), environments::list)
        .post("/{owner}/{repo}/deployments/{id}/approve", InRepo(Write), deployments::approve)
        .post("/{owner}/{repo}/deployments/{id}/reject", InRepo(Write), deployments::reject)
        .get("/{owner}/{repo}/environments/{name}", InRepo(Read), environments::show)
        .patch("/{owner}/{repo}/environments/{name}", InRepo(Admin), environments::change)
        .post("/{owner}/{repo}/environments/{name}/rollback", InRepo(Write), environments::rollback)
        .get("/{owner}/{repo}/members", InRepo(Admin), users::members)
        .put("/{owner}/{repo}/members/{login}", InRepo(Admin), users::grant)
        .delete("/{owner}/{repo}/members/{login}", InRepo(Admin), users::take_back)
        .get("/{owner}/{repo}/audit", InRepo(Admin), audit::of_repo)
        .get("/repos", Person, repos::list)
        .post("/repos", Person, repos::create)
        .get("/github-repos", Person, repos::visible)
        .get("/user", Person, users::me)
        .get("/users", Installation, users::list)
        .patch("/users/{login}", Installation, users::change)
        .get("/tokens", Person, tokens::list)
        .post("/tokens", Person, tokens::create)
        .delete("/tokens/{token}", Person, tokens::revoke)
        .get("/audit", Installation, audit::all)
        .get("/workers", Installation, workers::list)
        .post("/login-links", Installation, login_links::make)
}

/// The repo in the path, which the guard of the route found and let the caller see.
struct OfRepo(Repo);

impl FromRequestParts<Arc<Server>> for OfRepo {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _server: &Arc<Server>) -> Result<Self, Problem> {
        // Only a route without a guard of its repo comes here without one: a mistake of ours.
        let repo = parts.extensions.get::<Repo>().cloned();
        repo.map(Self).ok_or_else(|| {
            Problem::internal(anyhow::anyhow!("a route asks for its repo, and has no guard of it"))
        })
    }
}
