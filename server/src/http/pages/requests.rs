//! What asked a repo for runs, and what became of it.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::format::{badge, now, when};
use super::outcome::{Failure, Frame, page};
use super::told::Told;
use crate::db::views::requests::{self, AskedRow, DeliveryRow};
use crate::db::views::runs;
use crate::http::auth::Viewer;
use crate::state::Server;

const PAGE: usize = 50;

#[derive(Template)]
#[template(path = "requests.html")]
struct Requests {
    page: Frame,
    repo: String,
    branch: String,
    github: bool,
    requests: Vec<Request>,
    first: bool,
    older: Option<i64>,
}

/// One of them, whoever asked.
struct Request {
    at: DateTime<Utc>,
    state: String,
    event: String,
    /// The branch, tag or pull request, as far as it is known.
    about: Option<String>,
    run: Option<i32>,
    /// Completes "ignored, because …".
    reason: Option<String>,
    /// To quote: the sender's own id.
    id: String,
}

impl Request {
    fn badge(&self) -> String {
        badge(&self.state)
    }
    fn when(&self) -> String {
        when(self.at)
    }
}

impl From<DeliveryRow> for Request {
    fn from(row: DeliveryRow) -> Self {
        let about = match (row.pull, row.branch) {
            (Some(number), branch) => {
                Some(format!("#{number} into {}", branch.unwrap_or_default()))
            }
            (None, Some(branch)) => Some(branch),
            (None, None) => row.payload.and_then(|payload| Told::read(&payload).about()),
        };
        Self {
            at: row.received_at,
            state: row.state,
            event: row.event.replace('_', " "),
            about,
            run: row.run,
            reason: row.reason,
            id: format!("{} {}", row.source, row.guid),
        }
    }
}

impl From<AskedRow> for Request {
    fn from(row: AskedRow) -> Self {
        Self {
            at: row.created_at,
            state: "triggered".to_owned(),
            event: format!("asked for by {}", row.actor),
            about: Some(row.branch),
            run: Some(row.run),
            reason: None,
            id: String::new(),
        }
    }
}

/// Which of them to show.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    /// In microseconds since 1970, so that no two pages show one of them.
    before: Option<String>,
}

pub(super) async fn requests(
    viewer: Viewer,
    State(server): State<Arc<Server>>,
    Path((owner, name)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let name = format!("{owner}/{name}");
    let repo = runs::repo(&server.db, &name).await?.ok_or(Failure::NotFound)?;
    let before = asked.before.and_then(|text| text.parse().ok());
    let before = before.and_then(DateTime::from_timestamp_micros);
    let first = before.is_none();
    // Clocks differ: what another server stored in a moment to come is there too.
    let before = before.unwrap_or_else(|| now() + chrono::TimeDelta::days(1));
    let limit = i64::try_from(PAGE + 1).unwrap_or(i64::MAX);
    let delivered = requests::deliveries(&server.db, repo.id, before, limit).await?;
    let asked_for = requests::asked(&server.db, repo.id, before, limit).await?;
    let mut all: Vec<Request> = delivered.into_iter().map(Request::from).collect();
    all.extend(asked_for.into_iter().map(Request::from));
    all.sort_by_key(|request| std::cmp::Reverse(request.at));
    let more = all.len() > PAGE;
    all.truncate(PAGE);
    let older = all.last().map(|request| request.at.timestamp_micros()).filter(|_| more);
    let frame = Frame::of(&viewer, format!("Requests · {name}"), Some(&name)).tab("requests");
    page(&Requests {
        page: if first { frame.refresh(5) } else { frame },
        github: repo.kind == "github",
        branch: repo.default_branch,
        repo: name,
        requests: all,
        first,
        older,
    })
}
