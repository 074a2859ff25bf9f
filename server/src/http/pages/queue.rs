//! Workers with the queue.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::outcome::{Failure, Frame, page};
use super::rows::oldest;
use super::waits;
use crate::db::views::queue::{self, Capacity, WaitingRow, WorkerRow};
use crate::http::auth::Viewer;
use crate::state::Server;

#[derive(Template)]
#[template(path = "workers.html")]
struct Workers {
    page: Frame,
    summary: String,
    /// What each queued job waits for: the same for all.
    queued: String,
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
    let there = workers.iter().filter(|worker| !worker.silent);
    let none = Capacity { workers: 0, slots: 0, busy: 0 };
    let capacity = there.fold(none, |sum, worker| Capacity {
        workers: sum.workers + 1,
        slots: sum.slots + i64::from(worker.slots),
        busy: sum.busy + worker.busy,
    });
    let (summary, queued) = (summary(&capacity, &waiting), waits::queued(&capacity));
    page(&Workers { page: frame, summary, queued, workers, waiting })
}

fn summary(Capacity { slots, busy, .. }: &Capacity, waiting: &[WaitingRow]) -> String {
    let count = waiting.len();
    let more = if count == queue::MOST_WAITING { " or more" } else { "" };
    let queue = match oldest(waiting) {
        Some(age) if count == 1 => format!("one job waits, since {age}"),
        Some(age) => format!("{count}{more} jobs wait, the oldest since {age}"),
        None => "nothing waits".to_owned(),
    };
    format!("{busy} of {slots} slots are busy; {queue}.")
}
