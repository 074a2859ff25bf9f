//! The rules of an environment, as a form.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use slipway_pipelines::names::{EnvironmentName, RepoName};
use slipway_pipelines::wire::api::ChangeRules;

use super::outcome::Failure;
use crate::db::repos;
use crate::db::views::deploys::Rules;
use crate::flow::environments;
use crate::http::auth::Viewer;
use crate::state::Server;

/// What the form shows.
pub(super) struct RulesForm {
    pub(super) rules: Rules,
    pub(super) branches: String,
    /// May they let deploys use the worker's own identity?
    pub(super) installation: bool,
}

impl RulesForm {
    /// For those who may change it.
    pub(super) fn of(viewer: &Viewer, rules: Rules) -> Option<Self> {
        let (branches, installation) =
            (rules.branches.join(", "), viewer.principal.is_server_admin());
        viewer.is_admin().then_some(Self { rules, branches, installation })
    }
}

/// What a browser sends of it: a box that is not ticked is not sent.
#[derive(Debug, Deserialize)]
pub(super) struct Filled {
    approval: Option<String>,
    writers_approve: Option<String>,
    newest_wins: Option<String>,
    ambient: Option<String>,
    #[serde(default)]
    branches: String,
}

pub(super) async fn change(
    viewer: Viewer,
    State(server): State<Arc<Server>>,
    Path((owner, name, environment)): Path<(String, String, String)>,
    filled: Result<Form<Filled>, axum::extract::rejection::FormRejection>,
) -> Result<Response, Failure> {
    let name: RepoName = format!("{owner}/{name}").parse().map_err(|_| Failure::NotFound)?;
    let repo = repos::by_name(&server.db, &name).await?.ok_or(Failure::NotFound)?;
    let environment: EnvironmentName = environment.parse().map_err(|_| Failure::NotFound)?;
    let Form(filled) = filled.map_err(|_| Failure::NotFound)?;
    let branches = filled.branches.split(',').map(str::trim).filter(|one| !one.is_empty());
    let rules = ChangeRules {
        approval: Some(filled.approval.is_some()),
        branches: Some(branches.map(str::to_owned).collect()),
        newest_wins: Some(filled.newest_wins.is_some()),
        // What a form does not show, it does not change.
        ambient: viewer.principal.is_server_admin().then_some(filled.ambient.is_some()),
        writers_approve: Some(filled.writers_approve.is_some()),
    };
    environments::change(&server, &repo, &environment, &rules, &viewer.actor).await?;
    Ok(Redirect::to(&format!("/{name}/environments/{environment}")).into_response())
}
