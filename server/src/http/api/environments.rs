//! Environments: what is live, what came before, and the rules.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use slipway_pipelines::names::EnvironmentName;
use slipway_pipelines::wire::api::{
    ChangeRules, Environment, RollBack, RollingBack, WholeEnvironment,
};

use super::OfRepo;
use crate::db::deploy_reads;
use crate::flow::{deploys, environments};
use crate::http::auth::Viewer;
use crate::http::problem::{self, Path, Problem};
use crate::state::Server;

#[derive(Deserialize)]
pub(super) struct Named {
    name: String,
}

pub(super) async fn list(
    State(server): State<Arc<Server>>,
    OfRepo(repo): OfRepo,
) -> Result<Json<Vec<Environment>>, Problem> {
    Ok(Json(deploy_reads::environments(&server.db, repo.id).await?))
}

/// With its newest hundred deployments.
pub(super) async fn show(
    State(server): State<Arc<Server>>,
    OfRepo(repo): OfRepo,
    Path(named): Path<Named>,
) -> Result<Json<WholeEnvironment>, Problem> {
    let all = deploy_reads::environments(&server.db, repo.id).await?;
    let found = all.into_iter().find(|environment| environment.name == named.name);
    let environment = found.ok_or_else(Problem::not_found)?;
    let deployments = deploy_reads::deployments_of_environment(&server.db, environment.id).await?;
    Ok(Json(WholeEnvironment { environment, deployments }))
}

pub(super) async fn change(
    State(server): State<Arc<Server>>,
    viewer: Viewer,
    OfRepo(repo): OfRepo,
    Path(named): Path<Named>,
    problem::Json(rules): problem::Json<ChangeRules>,
) -> Result<StatusCode, Problem> {
    let name: EnvironmentName = named.name.parse().map_err(|_| {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "That is no environment's name.")
    })?;
    if rules.ambient.is_some() && !viewer.principal.is_server_admin() {
        return Err(Problem::new(StatusCode::FORBIDDEN, environments::AMBIENT));
    }
    environments::change(&server, &repo, &name, &rules, &viewer.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn rollback(
    State(server): State<Arc<Server>>,
    viewer: Viewer,
    OfRepo(repo): OfRepo,
    Path(named): Path<Named>,
    problem::Json(asked): problem::Json<RollBack>,
) -> Result<(StatusCode, Json<RollingBack>), Problem> {
    let deployment =
        deploys::rollback(&server, &repo, &named.name, asked.to_run, &viewer.actor).await?;
    Ok((StatusCode::ACCEPTED, Json(RollingBack { deployment })))
}
