//! Every error answer (RFC 9457): a sentence for the reader and a request id; the cause goes to
//! the log only.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use slipway_pipelines::wire;
use tower_http::request_id::RequestId;

use crate::error::FlowError;
use crate::github::GithubError;
use crate::state::Server;
use crate::text::without_nul;

/// An error answer.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: String,
    cause: Option<Arc<anyhow::Error>>,
    retry_after: bool,
}

impl Problem {
    /// An answer that is the caller's doing: `detail` is one sentence for the caller.
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), cause: None, retry_after: false }
    }

    /// The same for a thing that is not there and one that may not be seen.
    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "There is no such thing here.")
    }

    fn away(what: &str, cause: anyhow::Error) -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            detail: format!("{what} is away; try again after a moment."),
            cause: Some(Arc::new(cause)),
            retry_after: true,
        }
    }

    /// A failure of the server.
    pub(crate) fn internal(cause: anyhow::Error) -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            detail: "The server failed. Its log has the cause under the request id.".to_owned(),
            cause: Some(Arc::new(cause)),
            retry_after: false,
        }
    }

    fn render(&self, request_id: Option<String>) -> Response {
        let body = wire::Problem {
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            request_id,
        };
        let mut response = (self.status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        let kind = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, kind);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.render(None);
        response.extensions_mut().insert(self);
        response
    }
}

impl From<FlowError> for Problem {
    fn from(error: FlowError) -> Self {
        match error {
            FlowError::Fenced => {
                Self::new(StatusCode::CONFLICT, "The attempt is no longer current; stop it.")
            }
            FlowError::NotFound => Self::not_found(),
            FlowError::Gap { length } => Self::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                format!("Something is missing after {length}; send again from there."),
            ),
            FlowError::Conflict(sentence) => Self::new(StatusCode::CONFLICT, sentence),
            FlowError::Forbidden(sentence) => Self::new(StatusCode::FORBIDDEN, sentence),
            FlowError::TooLarge(sentence) => Self::new(StatusCode::PAYLOAD_TOO_LARGE, sentence),
            FlowError::Invalid(sentence) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, sentence),
            FlowError::StoreAway(cause) => {
                Self::away("The store of caches and artifacts", cause.into())
            }
            FlowError::Away(cause) => Self::away("The database", cause.into()),
            FlowError::Internal(cause) => Self::internal(cause),
        }
    }
}

impl From<GithubError> for Problem {
    /// Not what GitHub answered: a 401 here would speak of the caller's own token.
    fn from(error: GithubError) -> Self {
        let status = match &error {
            GithubError::Unlinked | GithubError::NotFound | GithubError::Invalid { .. } => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            GithubError::RateLimited { .. } => StatusCode::SERVICE_UNAVAILABLE,
            GithubError::Unauthorized
            | GithubError::Forbidden { .. }
            | GithubError::Away { .. } => StatusCode::BAD_GATEWAY,
        };
        Self::new(status, format!("{error}."))
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        FlowError::from(error).into()
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

impl From<BytesRejection> for Problem {
    fn from(rejection: BytesRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(_rejection: PathRejection) -> Self {
        // `/runs/abc` names nothing.
        Self::not_found()
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

/// Names in a path; what is no name is a thing that is not there.
#[derive(Debug, FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub(crate) struct Path<T>(pub(crate) T);

/// A query whose errors are problems.
#[derive(Debug, FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Problem))]
pub(crate) struct Query<T>(pub(crate) T);

/// A JSON body whose errors are problems, and whose texts can be stored.
#[derive(Debug)]
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<Server>> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, server: &Arc<Server>) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).cloned();
        let kind = kind.as_ref().and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind.starts_with("application/json") {
            let sentence = "The body must be JSON, and say so in Content-Type.";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, sentence));
        }
        let body = Bytes::from_request(request, server).await?;
        match axum::Json::from_bytes(&without_nul(&body)) {
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(rejection) => Err(rejection.into()),
        }
    }
}

/// A raw body whose errors are problems.
#[derive(Debug)]
pub(super) struct Octets(pub(super) Bytes);

impl FromRequest<Arc<Server>> for Octets {
    type Rejection = Problem;

    async fn from_request(request: Request, server: &Arc<Server>) -> Result<Self, Problem> {
        Ok(Self(Bytes::from_request(request, server).await?))
    }
}

/// Puts the request id into a problem's body and its cause into the log.
pub(super) async fn finish(request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().cloned();
    let id = id.and_then(|id| Some(id.header_value().to_str().ok()?.to_owned()));
    let response = next.run(request).await;
    let Some(problem) = response.extensions().get::<Problem>() else { return response };
    if let Some(cause) = &problem.cause {
        let (id, status) = (id.as_deref().unwrap_or("-"), problem.status.as_u16());
        tracing::error!(request_id = id, status, cause = format!("{cause:#}"), "request failed");
    }
    let mut rendered = problem.render(id);
    // Whoever looks at the answer further out learns what it would have learnt of the first one.
    *rendered.extensions_mut() = response.extensions().clone();
    rendered
}
