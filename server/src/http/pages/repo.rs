//! Home and a repo's runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::outcome::{Failure, Frame, page};
use super::rows::trend;
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
    _viewer: Viewer,
    State(server): State<Arc<Server>>,
) -> Result<Response, Failure> {
    let repos = runs::repos(&server.db).await?;
    let mut latest: BTreeMap<String, Vec<RunRow>> = BTreeMap::new();
    for run in runs::latest(&server.db).await? {
        latest.entry(run.repo.clone()).or_default().push(run);
    }
    let entry = |repo: RepoRow| {
        let runs = latest.remove(&repo.name).unwrap_or_default();
        Entry { repo, runs }
    };
    let repos = repos.into_iter().map(entry).collect();
    page(&Home { page: Frame::new("Repos", None), repos })
}

/// What of the runs to show.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    branch: Option<String>,
    state: Option<String>,
    before: Option<String>,
}

#[derive(Template)]
#[template(path = "repo.html")]
struct Runs {
    page: Frame,
    repo: RepoRow,
    runs: Vec<RunRow>,
    branch: String,
    state: String,
    states: [&'static str; 8],
    older: Option<i32>,
}

pub(super) async fn repo(
    _viewer: Viewer,
    State(server): State<Arc<Server>>,
    Path((owner, name)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let name = format!("{owner}/{name}");
    let repo = runs::repo(&server.db, &name).await?.ok_or(Failure::NotFound)?;
    let filter = RunFilter {
        branch: asked.branch.filter(|text| !text.is_empty()),
        state: asked.state.filter(|text| !text.is_empty()),
        before: asked.before.and_then(|text| text.parse().ok()),
        limit: i64::try_from(PAGE + 1).unwrap_or(i64::MAX),
    };
    let mut listed = runs::list(&server.db, repo.id, &filter).await?;
    let more = listed.len() > PAGE;
    listed.truncate(PAGE);
    let older = listed.last().filter(|_| more).map(|run| run.number);
    let states =
        ["planning", "queued", "running", "passed", "failed", "errored", "canceled", "skipped"];
    page(&Runs {
        page: Frame::new(&name, Some(&name)),
        repo,
        runs: listed,
        branch: filter.branch.unwrap_or_default(),
        state: filter.state.unwrap_or_default(),
        states,
        older,
    })
}
