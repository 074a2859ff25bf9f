//! Home and a repo's runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::bars::trend;
use super::outcome::{Failure, Frame, page};

use crate::db::people;
use crate::db::views::deploys::{self, DeployFilter, DeployRow};
use crate::db::views::runs::{self, RepoRow, RunFilter, RunRow};
use crate::http::auth::Viewer;
use crate::state::Server;

const PAGE: usize = 30;

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    page: Frame,
    repos: Vec<Entry>,
}

struct Entry {
    repo: RepoRow,
    runs: Vec<RunRow>,
}

impl Entry {
    fn trend(&self) -> String {
        trend(&self.runs)
    }
}

pub(super) async fn home(
    viewer: Viewer,
    State(server): State<Arc<Server>>,
) -> Result<Response, Failure> {
    let visible = people::visible(&server.db, &viewer.principal).await?;
    let mut repos = runs::repos(&server.db).await?;
    repos.retain(|repo| visible.has(repo.id));
    let mut latest: BTreeMap<String, Vec<RunRow>> = BTreeMap::new();
    for run in runs::latest(&server.db).await? {
        latest.entry(run.repo.clone()).or_default().push(run);
    }
    let entry = |repo: RepoRow| {
        let runs = latest.remove(&repo.name).unwrap_or_default();
        Entry { repo, runs }
    };
    let repos = repos.into_iter().map(entry).collect();
    page(&Home { page: Frame::of(&viewer, "Repos", None).refresh(5), repos })
}

/// What of the runs to show.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    branch: Option<String>,
    state: Option<String>,
    event: Option<String>,
    actor: Option<String>,
    before: Option<String>,
    after: Option<String>,
}

const STATES: [&str; 8] =
    ["planning", "queued", "running", "passed", "failed", "errored", "canceled", "skipped"];

/// The events that start runs, each with the word that people read.
const EVENTS: [(&str, &str); 4] =
    [("push", "push"), ("tag", "tag"), ("pull_request", "pull request"), ("api", "asked for")];

#[derive(Template)]
#[template(path = "repo.html")]
struct Runs {
    page: Frame,
    repo: RepoRow,
    live: Vec<DeployRow>,
    runs: Vec<RunRow>,
    branch: String,
    state: String,
    event: String,
    actor: String,
    filtered: bool,
    states: [&'static str; 8],
    events: [(&'static str, &'static str); 4],
    newer: Option<i32>,
    older: Option<i32>,
}

pub(super) async fn repo(
    viewer: Viewer,
    State(server): State<Arc<Server>>,
    Path((owner, name)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let name = format!("{owner}/{name}");
    let repo = runs::repo(&server.db, &name).await?.ok_or(Failure::NotFound)?;
    let number = |text: Option<String>| text.and_then(|text| text.parse().ok());
    let given = |text: Option<String>| {
        // Postgres takes no NUL in a text, and so no run has one.
        text.map(|text| text.trim().replace('\0', "")).filter(|text| !text.is_empty())
    };
    let filter = RunFilter {
        branch: given(asked.branch),
        state: given(asked.state),
        event: given(asked.event),
        actor: given(asked.actor),
        before: number(asked.before),
        after: number(asked.after),
        limit: i64::try_from(PAGE + 1).unwrap_or(i64::MAX),
    };
    let mut listed = runs::list(&server.db, repo.id, &filter).await?;
    let more = listed.len() > PAGE;
    if filter.after.is_some() {
        // Asked from the old end on: the surplus is at the new one.
        listed.drain(..listed.len().saturating_sub(PAGE));
    }
    listed.truncate(PAGE);
    let (first, last) = (listed.first().map(|run| run.number), listed.last().map(|run| run.number));
    let (newer, older) = match (filter.before, filter.after) {
        (_, Some(_)) => (first.filter(|_| more), last),
        (Some(before), None) => (first.or(Some(before - 1)), last.filter(|_| more)),
        (None, None) => (None, last.filter(|_| more)),
    };
    let live = DeployFilter { only_live: true, ..DeployFilter::default() };
    let live = deploys::list(&server.db, &name, &live).await?;
    let mut frame = Frame::of(&viewer, &name, Some(&name)).tab("runs");
    if newer.is_none() {
        frame = frame.refresh(5);
    }
    page(&Runs {
        page: frame,
        repo,
        live,
        runs: listed,
        filtered: [&filter.branch, &filter.state, &filter.event, &filter.actor]
            .iter()
            .any(|filter| filter.is_some()),
        branch: filter.branch.unwrap_or_default(),
        state: filter.state.unwrap_or_default(),
        event: filter.event.unwrap_or_default(),
        actor: filter.actor.unwrap_or_default(),
        states: STATES,
        events: EVENTS,
        newer,
        older,
    })
}
