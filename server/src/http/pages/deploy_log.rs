//! What was done about a deployment without its job: after an approval, to bring it back, to look at it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use slipway_pipelines::ids::AttemptId;
use uuid::Uuid;

use super::format::{count, when};
use super::log::{self, Start};
use super::outcome::Failure;
use crate::db::views::deploys::{self, DeployFilter};
use crate::db::views::jobs;
use crate::state::Server;
use crate::store::logs;

/// The end of what one attempt wrote.
pub(super) struct OwnLog {
    pub(super) worker: String,
    pub(super) when: String,
    pub(super) total: String,
    pub(super) cut: bool,
    pub(super) html: String,
}

/// Of each log so many lines are on the page.
const LINES: usize = 250;

/// What was done about it without its job, oldest first.
pub(super) async fn own_logs(server: &Server, id: Uuid) -> Result<Vec<OwnLog>, Failure> {
    let mut logs = Vec::new();
    for attempt in jobs::of_deployment(&server.db, id).await? {
        let start = Start::Before(attempt.log_length, 0);
        let window = log::window(server, &attempt, start, LINES).await?;
        logs.push(OwnLog {
            worker: attempt.worker.clone(),
            when: when(attempt.started_at),
            total: count(attempt.log_lines),
            cut: window.lines.first().is_some_and(|line| line.number > 1),
            // Line numbers are no addresses here: several logs would share them.
            html: log::html_without_addresses(&window.lines),
        });
    }
    Ok(logs)
}

/// The whole of it, as text.
pub(super) async fn raw(
    State(server): State<Arc<Server>>,
    Path((owner, name, id)): Path<(String, String, String)>,
) -> Result<Response, Failure> {
    let repo = format!("{owner}/{name}");
    let id = id.parse().map_err(|_| Failure::NotFound)?;
    let filter = DeployFilter { id: Some(id), ..DeployFilter::default() };
    deploys::list(&server.db, &repo, &filter).await?.pop().ok_or(Failure::NotFound)?;
    let attempts = jobs::of_deployment(&server.db, id).await?;
    let attempts: Vec<AttemptId> = attempts.iter().map(|attempt| attempt.id.into()).collect();
    // Piece by piece: a log may be larger than what we want in memory.
    let pieces = futures::stream::try_unfold(0_u64, move |at| {
        let (server, attempts) = (Arc::clone(&server), attempts.clone());
        async move {
            let (piece, _, _) = logs::read_all(&server, &attempts, at, u64::MAX).await?;
            let next = at + piece.len() as u64;
            Ok::<_, crate::error::FlowError>((!piece.is_empty()).then_some((piece, next)))
        }
    });
    let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    Ok((kind, Body::from_stream(pieces)).into_response())
}
