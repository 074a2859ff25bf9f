//! What jobs leave and take.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use futures::StreamExt as _;
use serde::Deserialize;
use slipway_pipelines::wire::{
    BLOB_FROM_HEADER, BLOB_SHA256_HEADER, BlobKind, BlobOffer, BlobWanted, TestReport,
};

use super::Attempt;
use crate::flow::{fetch, keep};
use crate::http::problem::{Json, Path, Problem, Query};
use crate::state::Server;

pub(super) fn router() -> Router<Arc<Server>> {
    Router::new()
        .route("/blobs/{kind}/{name}", get(take).post(offer).put(send))
        .route("/tests", put(tests))
}

#[derive(Deserialize)]
struct Named {
    kind: BlobKind,
    name: String,
}

async fn take(
    State(server): State<Arc<Server>>,
    Attempt(attempt): Attempt,
    Path(Named { kind, name }): Path<Named>,
) -> Result<Response, Problem> {
    let found = fetch::fetch(&server, attempt, kind, &name).await?;
    let fetch::Fetched { sha256, from, reading } = found.ok_or_else(Problem::not_found)?;
    let text = |text: &str| {
        // A branch may have any name; a header has ASCII.
        let ascii = text.chars().map(|c| if matches!(c, ' '..='~') { c } else { '?' });
        HeaderValue::from_str(&ascii.collect::<String>()).unwrap_or(HeaderValue::from_static("?"))
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (header::CONTENT_LENGTH, HeaderValue::from(reading.size)),
        (HeaderName::from_static(BLOB_SHA256_HEADER), text(&sha256)),
        (HeaderName::from_static(BLOB_FROM_HEADER), text(&from)),
    ];
    Ok((headers, Body::from_stream(reading.body)).into_response())
}

async fn offer(
    State(server): State<Arc<Server>>,
    Attempt(attempt): Attempt,
    Path(Named { kind, name }): Path<Named>,
    Json(asked): Json<BlobOffer>,
) -> Result<axum::Json<BlobWanted>, Problem> {
    let wanted = keep::offer(&server, attempt, (kind, &name), &asked).await?;
    Ok(axum::Json(BlobWanted { wanted }))
}

#[derive(Deserialize)]
struct Sum {
    sha256: String,
}

async fn send(
    State(server): State<Arc<Server>>,
    Attempt(attempt): Attempt,
    Path(Named { kind, name }): Path<Named>,
    Query(sum): Query<Sum>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Problem> {
    let size =
        headers.get(header::CONTENT_LENGTH).and_then(|size| size.to_str().ok()?.parse().ok());
    let sentence = "Say in Content-Length how many bytes there are.";
    let size = size.ok_or_else(|| Problem::new(StatusCode::LENGTH_REQUIRED, sentence))?;
    let body = body.into_data_stream().boxed();
    keep::send(&server, attempt, (kind, &name), (&sum.sha256, size), body).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn tests(
    State(server): State<Arc<Server>>,
    Attempt(attempt): Attempt,
    Json(report): Json<TestReport>,
) -> Result<StatusCode, Problem> {
    keep::tests(&server, attempt, report).await?;
    Ok(StatusCode::NO_CONTENT)
}
