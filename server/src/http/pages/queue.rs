//! Workers with the queue, and a repo's deliveries.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::outcome::{Failure, Frame, page};
use crate::db::views::queue::{self, DeliveryRow, WaitingRow, WorkerRow};
use crate::db::views::runs;
use crate::http::auth::Viewer;
use crate::state::Server;

#[derive(Template)]
#[template(path = "workers.html")]
struct Workers {
    page: Frame,
    workers: Vec<WorkerRow>,
    waiting: Vec<WaitingRow>,
}

pub(super) async fn workers(
    _viewer: Viewer,
    State(server): State<Arc<Server>>,
) -> Result<Response, Failure> {
    let workers = queue::workers(&server.db).await?;
    let waiting = queue::waiting(&server.db).await?;
    page(&Workers { page: Frame::new("Workers and queue", None), workers, waiting })
}

#[derive(Template)]
#[template(path = "deliveries.html")]
struct Deliveries {
    page: Frame,
    repo: String,
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
    page(&Deliveries { page: Frame::new(title, Some(&repo)), repo, deliveries })
}
