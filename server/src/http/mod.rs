//! Everything that is asked over HTTP. Thin: extract, call one function, render.

mod api;
pub(crate) mod auth;
mod download;
mod guard;
mod login;
mod oidc;
mod pages;
pub(crate) mod problem;
mod rate;
#[cfg(test)]
mod routes;
mod shell_carry;
mod tokens;
mod webhook;
mod worker_api;
mod worker_shells;

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use anyhow::Context as _;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate as _};
use tower_http::csrf::CsrfLayer;
use tower_http::request_id::{
    MakeRequestUuid, PropagateRequestIdLayer, RequestId, SetRequestIdLayer,
};
use tower_http::sensitive_headers::SetSensitiveHeadersLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::TraceLayer;

use self::problem::Problem;
use crate::state::Server;

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
    connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'";

/// To the answer's head; a stream's body (events, logs) may last. A claim waits less than this.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The same where the answer comes after the last byte of a large body: a little more than such a
/// transfer is given, so that what it did is told.
const TRANSFER: Duration = Duration::from_secs(31 * 60);

/// How long open requests may go on after `shutdown`.
const DRAIN: Duration = Duration::from_secs(10);

/// Answers requests until `shutdown`, then lets the open ones end.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    server: Arc<Server>,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let app = router(server, shutdown.clone());
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let served = axum::serve(listener, app).with_graceful_shutdown({
        let shutdown = shutdown.clone();
        async move { shutdown.cancelled().await }
    });
    let bounded = async {
        shutdown.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    // A browser keeps its event stream open for ever: it will connect again.
    tokio::select! {
        result = served => result.context("the HTTP listener failed"),
        () = bounded => Ok(()),
    }
}

/// The whole of what is served. `shutdown` ends the waits of long polls.
pub(crate) fn router(server: Arc<Server>, shutdown: CancellationToken) -> Router {
    let (guarded, _known) = guarded(&server);
    let routes = Router::new()
        .route("/healthz", get(health))
        // For whoever restarts what does not live: that Postgres is away is no reason.
        .route("/livez", get(async || "ok\n"))
        // The language, for editors.
        .route("/schema.json", get(language_schema))
        .merge(webhook::router())
        .nest("/api/worker/v1", worker_api::router())
        .merge(rate::of_logins(login::router(), &server.config.trusted_proxies))
        .merge(oidc::router())
        .merge(guarded)
        .fallback(pages::not_found)
        .method_not_allowed_fallback(async || {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "This address knows other methods only.")
        })
        .with_state(server);
    within(routes, shutdown)
}

/// What people and programs ask for, with what each route needs.
fn guarded(server: &Arc<Server>) -> (Router<Arc<Server>>, Vec<guard::Known>) {
    let (api, mut known) = api::routes(server).finish();
    let (pages, of_pages) = pages::routes(server).finish();
    known.extend(of_pages);
    (api.merge(pages), known)
}

/// The JSON Schema of `.ci.yml`. It is the same for everybody, and says nothing of this server.
async fn language_schema() -> impl IntoResponse {
    static SCHEMA: LazyLock<String> =
        LazyLock::new(|| slipway_pipelines::reference::json_schema().to_string());
    let kind = (header::CONTENT_TYPE, "application/schema+json");
    ([kind, (header::CACHE_CONTROL, "public, max-age=3600")], SCHEMA.as_str())
}

fn within(routes: Router, shutdown: CancellationToken) -> Router {
    let secret = [header::AUTHORIZATION, header::COOKIE, header::SET_COOKIE];
    let compressed = DefaultPredicate::new()
        .and(NotForContentType::new("application/octet-stream"))
        .and(NotForContentType::new("application/zip"))
        .and(NotForContentType::new("text/event-stream"));
    // The first is the outermost.
    let layers = ServiceBuilder::new()
        .layer(SetSensitiveHeadersLayer::new(secret))
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(TraceLayer::new_for_http().make_span_with(span))
        .layer(fixed(header::CONTENT_SECURITY_POLICY, POLICY))
        .layer(fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(fixed(header::REFERRER_POLICY, "no-referrer"))
        .layer(CompressionLayer::new().compress_when(compressed))
        .layer(from_fn(problem::finish))
        .layer(from_fn(in_time))
        .layer(CatchPanicLayer::custom(panicked))
        // Bearer calls carry neither Origin nor Sec-Fetch-Site and pass; a browser's always does.
        .layer(CsrfLayer::new())
        .layer(Extension(shutdown));
    routes.layer(layers)
}

async fn in_time(request: Request, next: Next) -> Response {
    let limit = time_for(&request);
    tokio::time::timeout(limit, next.run(request)).await.unwrap_or_else(|_late| {
        let sentence = "The answer took too long; try again after a moment.";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, sentence).into_response()
    })
}

fn time_for(request: &Request) -> Duration {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let transfer = request.method() == Method::PUT && route.ends_with("/blobs/{kind}/{name}");
    if transfer { TRANSFER } else { TIMEOUT }
}

fn fixed(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
}

/// The route's pattern, never the address: a login link's token is in it.
fn span(request: &Request) -> tracing::Span {
    let route = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str);
    let id = request.extensions().get::<RequestId>();
    let id = id.and_then(|id| id.header_value().to_str().ok()).unwrap_or("-");
    tracing::info_span!("request", method = %request.method(), route, request_id = id)
}

fn panicked(panic: Box<dyn std::any::Any + Send + 'static>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    Problem::internal(anyhow::anyhow!("a handler panicked: {text}")).into_response()
}

async fn health(State(server): State<Arc<Server>>) -> Result<&'static str, Problem> {
    tokio::time::timeout(Duration::from_secs(2), server.db.ping())
        .await
        .map_err(|_| Problem::from(sqlx::Error::PoolTimedOut))??;
    Ok("ok\n")
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::routing::any;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn only_an_upload_has_longer_than_the_others() {
        let told = async |request: Request, _next: Next| {
            time_for(&request).as_secs().to_string().into_response()
        };
        let attempt = Router::new()
            .route("/blobs/{kind}/{name}", any(async || ""))
            .route("/log", any(async || ""));
        let worker = Router::new().nest("/attempts/{attempt}", attempt);
        let app = Router::new().nest("/api/worker/v1", worker).layer(from_fn(told));
        let cases = [
            (Method::PUT, "blobs/cache/linux", TRANSFER),
            (Method::GET, "blobs/cache/linux", TIMEOUT),
            (Method::PUT, "log", TIMEOUT),
        ];
        for (method, path, limit) in cases {
            let request = Request::builder().method(&method);
            let request = request.uri(format!("/api/worker/v1/attempts/1/{path}"));
            let request = request.body(Body::empty()).expect("a request");
            let answer = app.clone().oneshot(request).await.expect("infallible");
            let body = axum::body::to_bytes(answer.into_body(), 99).await.expect("a body");
            assert_eq!(body, limit.as_secs().to_string(), "{method} {path}");
        }
    }
}
