//! A repo's branches and its pull requests.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::bars::trend;
use super::outcome::{Failure, Frame, page};
use super::told::Ended;
use crate::db::views::branches::{self, MOST_BRANCHES};
use crate::db::views::runs::{self, RunRow};
use crate::http::auth::Viewer;
use crate::state::Server;

/// Pull requests on a page.
const PAGE: usize = 30;

#[derive(Template)]
#[template(path = "branches.html")]
struct Branches {
    page: Frame,
    repo: String,
    default: String,
    /// The default branch first, deleted ones last.
    branches: Vec<Branch>,
    /// There may be more than these.
    full: bool,
}

struct Branch {
    /// Newest first, never empty.
    runs: Vec<RunRow>,
    deleted: bool,
}

impl Branch {
    fn trend(&self) -> String {
        trend(&self.runs)
    }
}

pub(super) async fn branches(
    viewer: Viewer,
    State(server): State<Arc<Server>>,
    Path((owner, name)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let name = format!("{owner}/{name}");
    let repo = runs::repo(&server.db, &name).await?.ok_or(Failure::NotFound)?;
    let ended = Ended::read(&branches::ignored(&server.db, repo.id, "push").await?);
    let mut listed: Vec<Branch> = Vec::new();
    for run in branches::branches(&server.db, repo.id, &repo.default_branch).await? {
        match listed.last_mut().filter(|branch| branch.runs[0].branch == run.branch) {
            Some(branch) => branch.runs.push(run),
            None => {
                let deleted = ended.branch(&run.branch, run.created_at);
                listed.push(Branch { runs: vec![run], deleted });
            }
        }
    }
    let full = listed.len() == MOST_BRANCHES;
    listed.sort_by_key(|branch| branch.deleted);
    let frame =
        Frame::of(&viewer, format!("Branches · {name}"), Some(&name)).tab("branches").refresh(5);
    let default = repo.default_branch;
    page(&Branches { page: frame, repo: name, default, branches: listed, full })
}

#[derive(Template)]
#[template(path = "pulls.html")]
struct Pulls {
    page: Frame,
    repo: String,
    github: bool,
    building: bool,
    /// Closed ones last.
    pulls: Vec<Pull>,
    first: bool,
    older: Option<u64>,
}

struct Pull {
    run: RunRow,
    closed: bool,
}

/// Which pull requests to show.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    before: Option<String>,
}

pub(super) async fn pulls(
    viewer: Viewer,
    State(server): State<Arc<Server>>,
    Path((owner, name)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let name = format!("{owner}/{name}");
    let repo = runs::repo(&server.db, &name).await?.ok_or(Failure::NotFound)?;
    let before = asked.before.and_then(|text| text.parse().ok());
    let limit = i32::try_from(PAGE + 1).unwrap_or(i32::MAX);
    let mut found = branches::pulls(&server.db, repo.id, before, limit).await?;
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    let number = |run: &RunRow| run.pull.as_ref().map(|pull| pull.number);
    let older = found.last().and_then(number).filter(|_| more);
    let ended = Ended::read(&branches::ignored(&server.db, repo.id, "pull_request").await?);
    let closed = |run: &RunRow| {
        let number = number(run).and_then(|number| i64::try_from(number).ok());
        number.is_some_and(|number| ended.pull(number, run.created_at))
    };
    let mut pulls: Vec<Pull> =
        found.into_iter().map(|run| Pull { closed: closed(&run), run }).collect();
    pulls.sort_by_key(|pull| pull.closed);
    let frame = Frame::of(&viewer, format!("Pull requests · {name}"), Some(&name)).tab("pulls");
    page(&Pulls {
        page: if before.is_none() { frame.refresh(5) } else { frame },
        github: repo.kind == "github",
        building: repo.enabled && repo.build_pull_requests,
        repo: name,
        pulls,
        first: before.is_none(),
        older,
    })
}
