//! Environments and deployments: which commit is live comes first.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use slipway_pipelines::ids::DeploymentId;
use slipway_pipelines::names::RepoName;
use uuid::Uuid;

use super::deploy_log::{OwnLog, own_logs};
use super::outcome::{Failure, Frame, page};
use super::rules::RulesForm;
use crate::db::repos::{self, Repo};
use crate::db::views::deploys::{self, DeployFilter, DeployRow, Rules};
use crate::db::views::runs;
use crate::flow::deploys as flow;
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
    viewer: Viewer,
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
    let frame = Frame::of(&viewer, format!("Environments · {repo}"), Some(&repo));
    page(&Environments { page: frame.tab("environments").refresh(10), repo, environments })
}

#[derive(Template)]
#[template(path = "environment.html")]
struct Environment {
    page: Frame,
    repo: String,
    name: String,
    live: Option<DeployRow>,
    ways_back: Vec<WayBack>,
    /// What is under way or waits, in its order, each with what holds it.
    queue: Vec<Queued>,
    rules: Vec<String>,
    /// What the form shows, to those who may change it.
    form: Option<RulesForm>,
    history: Vec<DeployRow>,
}

/// A version that can be brought back: what its run brought.
struct WayBack {
    words: &'static str,
    commit: String,
    run: i32,
}

/// What is live once more, where a later deployment may have left the target half changed; and what
/// was verified before it.
fn ways_back(history: &[DeployRow], live: Option<&DeployRow>) -> Vec<WayBack> {
    let Some(live) = live else { return Vec::new() };
    let way =
        |words, row: &DeployRow| WayBack { words, commit: row.commit().to_owned(), run: row.run };
    let mut ways = Vec::new();
    let last = history.iter().find(|one| one.finished_at.is_some());
    if last.is_some_and(|last| matches!(last.state.as_str(), "failed" | "rolled_back")) {
        ways.push(way("Bring back", live));
    }
    let earlier = history.iter().find(|one| {
        one.state == "live"
            && one.created_at < live.created_at
            && one.whole_commit() != live.whole_commit()
    });
    ways.extend(earlier.map(|row| way("Roll back to", row)));
    ways
}

/// A deployment that is not over.
struct Queued {
    id: Uuid,
    badge: String,
    commit: String,
    run: i32,
    asked: bool,
    why: String,
}

/// The oldest first: it is its turn.
fn queue(history: &[DeployRow]) -> Vec<Queued> {
    let open = history.iter().rev().filter(|row| row.finished_at.is_none());
    let (started, waiting): (Vec<_>, Vec<_>) = open.partition(|row| row.state != "waiting");
    let mut before: Option<(i32, String)> = None;
    let mut queue = Vec::new();
    for row in started.into_iter().chain(waiting) {
        let why = match (&before, row.state == "waiting") {
            (_, true) if row.is_asked() => row.verdict().to_owned(),
            (Some((run, state)), true) => format!("It waits: the one of run {run} is {state}."),
            _ => row.verdict().to_owned(),
        };
        queue.push(Queued {
            id: row.id,
            badge: row.badge(),
            commit: row.commit().to_owned(),
            run: row.run,
            asked: row.is_asked(),
            why,
        });
        before = Some((row.run, row.state.replace('_', " ")));
    }
    queue
}

/// The rules that are set, one sentence each.
fn told(rules: &Rules) -> Vec<String> {
    let mut told = Vec::new();
    if rules.approval {
        told.push("Each deployment waits until somebody approves it.".to_owned());
    }
    if !rules.branches.is_empty() {
        told.push(format!("Only these branches are deployed: {}.", rules.branches.join(", ")));
    }
    if rules.newest_wins {
        told.push("A newer deployment takes the place of those that wait.".to_owned());
    }
    if rules.ambient {
        told.push("Deploys may use the worker's own identity.".to_owned());
    }
    if rules.writers_approve {
        told.push("Everybody who may write may approve.".to_owned());
    }
    told
}

pub(super) async fn environment(
    viewer: Viewer,
    State(server): State<Arc<Server>>,
    Path((owner, name, environment)): Path<(String, String, String)>,
) -> Result<Response, Failure> {
    let repo = format!("{owner}/{name}");
    let row = runs::repo(&server.db, &repo).await?.ok_or(Failure::NotFound)?;
    let rules = deploys::rules(&server.db, row.id, &environment).await?;
    let rules = rules.ok_or(Failure::NotFound)?;
    let of = |only_live| DeployFilter {
        environment: Some(environment.clone()),
        only_live,
        ..DeployFilter::default()
    };
    let live = deploys::list(&server.db, &repo, &of(true)).await?.into_iter().next();
    let history = deploys::list(&server.db, &repo, &of(false)).await?;
    let frame = Frame::of(&viewer, format!("{environment} · {repo}"), Some(&repo));
    page(&Environment {
        page: frame.tab("environments").refresh(5),
        repo,
        name: environment,
        ways_back: ways_back(&history, live.as_ref()),
        live,
        queue: queue(&history),
        rules: told(&rules),
        form: RulesForm::of(&viewer, rules),
        history,
    })
}

#[derive(Template)]
#[template(path = "deployment.html")]
struct Deployment {
    page: Frame,
    it: DeployRow,
    serving: Option<DeployRow>,
    /// What was done about it without its job, oldest first.
    logs: Vec<OwnLog>,
}

pub(super) async fn deployment(
    viewer: Viewer,
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
    let mut frame = Frame::of(&viewer, title.replace('_', " "), Some(&repo)).tab("environments");
    if it.finished_at.is_none() {
        frame = frame.live(format!("/{repo}/runs/{}/events", it.run)).refresh(10);
    }
    let logs = own_logs(&server, it.id).await?;
    page(&Deployment { page: frame, it, serving, logs })
}

async fn find(server: &Server, owner: &str, name: &str) -> Result<Repo, Failure> {
    let name: RepoName = format!("{owner}/{name}").parse().map_err(|_| Failure::NotFound)?;
    repos::by_name(&server.db, &name).await?.ok_or(Failure::NotFound)
}

fn to_deployment(repo: &Repo, id: DeploymentId) -> Response {
    Redirect::to(&format!("/{}/deployments/{id}", repo.name)).into_response()
}

fn by(viewer: &Viewer) -> flow::By<'_> {
    flow::By { actor: &viewer.actor, admin: viewer.is_admin() }
}

pub(super) async fn approve(
    viewer: Viewer,
    State(server): State<Arc<Server>>,
    Path((owner, name, id)): Path<(String, String, String)>,
) -> Result<Response, Failure> {
    let repo = find(&server, &owner, &name).await?;
    let id = id.parse::<Uuid>().map_err(|_| Failure::NotFound)?.into();
    flow::approve(&server, &repo, id, by(&viewer)).await?;
    Ok(to_deployment(&repo, id))
}

pub(super) async fn reject(
    viewer: Viewer,
    State(server): State<Arc<Server>>,
    Path((owner, name, id)): Path<(String, String, String)>,
) -> Result<Response, Failure> {
    let repo = find(&server, &owner, &name).await?;
    let id = id.parse::<Uuid>().map_err(|_| Failure::NotFound)?.into();
    flow::reject(&server, &repo, id, by(&viewer)).await?;
    Ok(to_deployment(&repo, id))
}

/// Which run's version comes back: the one that the button named.
#[derive(Debug, Deserialize)]
pub(super) struct Back {
    to_run: i32,
}

pub(super) async fn rollback(
    viewer: Viewer,
    State(server): State<Arc<Server>>,
    Path((owner, name, environment)): Path<(String, String, String)>,
    back: Result<Form<Back>, axum::extract::rejection::FormRejection>,
) -> Result<Response, Failure> {
    let repo = find(&server, &owner, &name).await?;
    let Form(back) = back.map_err(|_| Failure::NotFound)?;
    let (run, actor) = (Some(back.to_run), &viewer.actor);
    let id = flow::rollback(&server, &repo, &environment, run, actor).await?;
    Ok(to_deployment(&repo, id))
}
