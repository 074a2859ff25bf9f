//! Environments and deployments: which commit is live comes first.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::outcome::{Failure, Frame, page};
use crate::db::views::deploys::{self, DeployFilter, DeployRow};
use crate::db::views::runs;
use crate::http::auth::Viewer;
use crate::state::Server;

#[derive(Template)]
#[template(path = "environments.html")]
struct Environments {
    page: Frame,
    repo: String,
    environments: Vec<(String, Option<DeployRow>)>,
}

pub(super) async fn environments(
    _viewer: Viewer,
    State(server): State<Arc<Server>>,
    Path((owner, name)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let repo = format!("{owner}/{name}");
    let row = runs::repo(&server.db, &repo).await?.ok_or(Failure::NotFound)?;
    let filter = DeployFilter { only_live: true, ..DeployFilter::default() };
    let mut live = deploys::list(&server.db, &repo, &filter).await?;
    let mut environments = Vec::new();
    for name in deploys::environments(&server.db, row.id).await? {
        let at = live.iter().position(|deploy| deploy.environment == name);
        environments.push((name, at.map(|at| live.swap_remove(at))));
    }
    let frame = Frame::new(format!("Environments · {repo}"), Some(&repo));
    page(&Environments { page: frame.tab("environments").refresh(10), repo, environments })
}

#[derive(Template)]
#[template(path = "environment.html")]
struct Environment {
    page: Frame,
    name: String,
    live: Option<DeployRow>,
    history: Vec<DeployRow>,
}

pub(super) async fn environment(
    _viewer: Viewer,
    State(server): State<Arc<Server>>,
    Path((owner, name, environment)): Path<(String, String, String)>,
) -> Result<Response, Failure> {
    let repo = format!("{owner}/{name}");
    let row = runs::repo(&server.db, &repo).await?.ok_or(Failure::NotFound)?;
    if !deploys::environments(&server.db, row.id).await?.contains(&environment) {
        return Err(Failure::NotFound);
    }
    let of = |only_live| DeployFilter {
        environment: Some(environment.clone()),
        only_live,
        ..DeployFilter::default()
    };
    let live = deploys::list(&server.db, &repo, &of(true)).await?.into_iter().next();
    let history = deploys::list(&server.db, &repo, &of(false)).await?;
    let frame = Frame::new(format!("{environment} · {repo}"), Some(&repo));
    let frame = frame.tab("environments").refresh(5);
    page(&Environment { page: frame, name: environment, live, history })
}

#[derive(Template)]
#[template(path = "deployment.html")]
struct Deployment {
    page: Frame,
    it: DeployRow,
    serving: Option<DeployRow>,
}

pub(super) async fn deployment(
    _viewer: Viewer,
    State(server): State<Arc<Server>>,
    Path((owner, name, id)): Path<(String, String, String)>,
) -> Result<Response, Failure> {
    let repo = format!("{owner}/{name}");
    let id = id.parse().map_err(|_| Failure::NotFound)?;
    let filter = DeployFilter { id: Some(id), ..DeployFilter::default() };
    let found = deploys::list(&server.db, &repo, &filter).await?;
    let it = found.into_iter().next().ok_or(Failure::NotFound)?;
    let filter = DeployFilter {
        environment: Some(it.environment.clone()),
        only_live: true,
        ..DeployFilter::default()
    };
    let serving = deploys::list(&server.db, &repo, &filter).await?.into_iter().next();
    let title = format!("{} to {}: {} · {repo}", it.commit(), it.environment, it.state);
    let mut frame = Frame::new(title.replace('_', " "), Some(&repo)).tab("environments");
    if it.finished_at.is_none() {
        frame = frame.live(format!("/{repo}/runs/{}/events", it.run)).refresh(10);
    }
    page(&Deployment { page: frame, it, serving })
}
