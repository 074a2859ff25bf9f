//! Workers with the queue, and a repo's deliveries.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::outcome::{Failure, Frame, page};
use super::rows::oldest;
use crate::db::views::queue::{self, DeliveryRow, WaitingRow, WorkerRow};
use crate::db::views::runs;
use crate::http::auth::Viewer;
use crate::state::Server;

#[derive(Template)]
#[template(path = "workers.html")]
struct Workers {
    page: Frame,
    summary: String,
    workers: Vec<WorkerRow>,
    waiting: Vec<WaitingRow>,
}

pub(super) async fn workers(
    _viewer: Viewer,
    State(server): State<Arc<Server>>,
) -> Result<Response, Failure> {
    let workers = queue::workers(&server.db).await?;
    let waiting = queue::waiting(&server.db).await?;
    let frame = Frame::new("Workers and queue", None).tab("workers").refresh(5);
    page(&Workers { page: frame, summary: summary(&workers, &waiting), workers, waiting })
}

fn summary(workers: &[WorkerRow], waiting: &[WaitingRow]) -> String {
    let there = workers.iter().filter(|worker| !worker.silent);
    let (busy, slots) = there.fold((0, 0), |(busy, slots), worker| {
        (busy + worker.busy, slots + i64::from(worker.slots))
    });
    let queue = match (waiting.len(), oldest(waiting)) {
        (1, Some(age)) => format!("one job waits, since {age}"),
        (count, Some(age)) => format!("{count} jobs wait, the oldest since {age}"),
        (_, None) => "nothing waits".to_owned(),
    };
    format!("{busy} of {slots} slots are busy; {queue}.")
}

#[derive(Template)]
#[template(path = "deliveries.html")]
struct Deliveries {
    page: Frame,
    repo: String,
    branch: String,
    deliveries: Vec<DeliveryRow>,
}

pub(super) async fn deliveries(
    _viewer: Viewer,
    State(server): State<Arc<Server>>,
    Path((owner, name)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let repo = format!("{owner}/{name}");
    let row = runs::repo(&server.db, &repo).await?.ok_or(Failure::NotFound)?;
    let deliveries = queue::deliveries(&server.db, row.id).await?;
    let title = format!("Deliveries · {repo}");
    let frame = Frame::new(title, Some(&repo)).tab("deliveries").refresh(5);
    page(&Deliveries { page: frame, repo, branch: row.default_branch, deliveries })
}
