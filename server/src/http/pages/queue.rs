//! Workers with the queue.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::outcome::{Failure, Frame, page};
use super::rows::oldest;
use super::waits;
use crate::db::views::queue::{self, WaitingRow, WorkerRow};
use crate::http::auth::Viewer;
use crate::state::Server;

#[derive(Template)]
#[template(path = "workers.html")]
struct Workers {
    page: Frame,
    summary: String,
    workers: Vec<WorkerRow>,
    /// Each with what it waits for.
    waiting: Vec<(WaitingRow, String)>,
}

pub(super) async fn workers(
    viewer: Viewer,
    State(server): State<Arc<Server>>,
) -> Result<Response, Failure> {
    let workers = queue::workers(&server.db).await?;
    let waiting = queue::waiting(&server.db).await?;
    let frame = Frame::of(&viewer, "Workers and queue", None).tab("workers").refresh(5);
    let summary = summary(&workers, &waiting);
    let why = |job: WaitingRow| {
        let why = waits::listed(&job, &workers);
        (job, why)
    };
    let waiting = waiting.into_iter().map(why).collect();
    page(&Workers { page: frame, summary, workers, waiting })
}

fn summary(workers: &[WorkerRow], waiting: &[WaitingRow]) -> String {
    let there = || workers.iter().filter(|worker| !worker.silent);
    let slots: i64 = there().map(|worker| i64::from(worker.slots)).sum();
    let busy: i64 = there().map(|worker| worker.busy).sum();
    let count = waiting.len();
    let more = if count == queue::MOST_WAITING { " or more" } else { "" };
    let queue = match oldest(waiting) {
        Some(age) if count == 1 => format!("one job waits, since {age}"),
        Some(age) => format!("{count}{more} jobs wait, the oldest since {age}"),
        None => "nothing waits".to_owned(),
    };
    format!("{busy} of {slots} slots are busy; {queue}.")
}
