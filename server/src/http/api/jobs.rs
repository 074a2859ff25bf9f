//! Jobs and their logs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use slipway_pipelines::ids::{JobNumber, RepoId, RunNumber};
use slipway_pipelines::wire::api::{Job, WholeAttempt, WholeJob};

use super::OfRepo;
use crate::db::{api_reads, shells};
use crate::flow::cancel;
use crate::http::auth::Viewer;
use crate::http::problem::{Path, Problem, Query};
use crate::state::Server;
use crate::store::logs;

#[derive(Deserialize)]
pub(super) struct Named {
    run: RunNumber,
    job: JobNumber,
}

pub(super) async fn find(server: &Server, repo: RepoId, named: &Named) -> Result<Job, Problem> {
    let job = api_reads::job(&server.db, repo, named.run, named.job).await?;
    job.ok_or_else(Problem::not_found)
}

pub(super) async fn show(
    State(server): State<Arc<Server>>,
    OfRepo(repo): OfRepo,
    Path(named): Path<Named>,
) -> Result<Json<WholeJob>, Problem> {
    let job = find(&server, repo.id, &named).await?;
    let mut attempts = Vec::new();
    for attempt in api_reads::attempts(&server.db, job.id).await? {
        let steps = api_reads::steps(&server.db, attempt.id).await?;
        attempts.push(WholeAttempt { attempt, steps });
    }
    let kept_until = shells::kept_until(&server.db, job.id).await?;
    Ok(Json(WholeJob { job, attempts, kept_until }))
}

pub(super) async fn cancel(
    State(server): State<Arc<Server>>,
    viewer: Viewer,
    OfRepo(repo): OfRepo,
    Path(named): Path<Named>,
) -> Result<StatusCode, Problem> {
    let job = find(&server, repo.id, &named).await?;
    cancel::cancel_job(&server, job.id, &viewer.actor).await?;
    Ok(StatusCode::ACCEPTED)
}

#[derive(Deserialize)]
pub(super) struct Part {
    #[serde(default)]
    pub(super) offset: u64,
    pub(super) limit: Option<u64>,
    attempt: Option<i32>,
}

/// The bytes of one attempt's log, of the latest if none is named.
pub(super) async fn log(
    State(server): State<Arc<Server>>,
    OfRepo(repo): OfRepo,
    Path(named): Path<Named>,
    Query(part): Query<Part>,
) -> Result<Response, Problem> {
    let job = find(&server, repo.id, &named).await?;
    let attempts = api_reads::attempts(&server.db, job.id).await?;
    let chosen = match part.attempt {
        Some(number) => attempts.iter().find(|attempt| attempt.number == number),
        None => attempts.last(),
    };
    let (bytes, length, complete) = match chosen {
        Some(attempt) => {
            let limit = part.limit.unwrap_or(u64::MAX);
            logs::read(&server, attempt.id, part.offset, limit).await?
        }
        None if part.attempt.is_some() => return Err(Problem::not_found()),
        // Not begun; if it is over, it never will.
        None => (Bytes::new(), 0, job.finished_at.is_some()),
    };
    // A lost attempt is followed by another: the job's log goes on in that one.
    let complete = complete && (part.attempt.is_some() || job.finished_at.is_some());
    Ok(log_answer(bytes, length, complete))
}

/// A part of a log, with how long the whole is and whether that is final.
pub(super) fn log_answer(bytes: Bytes, length: u64, complete: bool) -> Response {
    let complete = HeaderValue::from_static(if complete { "true" } else { "false" });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (HeaderName::from_static("slipway-log-length"), HeaderValue::from(length)),
        (HeaderName::from_static("slipway-log-complete"), complete),
    ];
    (headers, bytes).into_response()
}
