//! What workers call: thin, and every call about an attempt carries that attempt's own token.

mod blobs;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Extension, FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::{post, put};
use axum::{RequestPartsExt, Router};
use serde::Deserialize;
use slipway_pipelines::ids::{AttemptId, DeploymentId};
use slipway_pipelines::wire::{
    Assignment, ClaimRequest, DeployGrant, DeployRequest, EventBatch, FinishRequest,
    HeartbeatResponse, IdentityRequest, IdentityToken, ImportRequest, ImportSource, Lane,
    LogAppended, PROTOCOL_VERSION, PlanReport, RegisterRequest, RegisterResponse,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::auth::{bearer, same_token};
use super::problem::{Json, Octets, Path, Problem, Query};
use super::tokens::{self, WorkerClaims};
use super::worker_shells;
use crate::error::FlowError;
use crate::flow::dispatch::Turn;
use crate::flow::{attempts, deploys, dispatch, enlist, identity, imports};
use crate::state::{Server, Signal};
use crate::store::logs;

pub(super) const LONG_POLL: Duration = Duration::from_secs(20);
/// Of a worker whose jobs take up some of its memory.
const SHORT_POLL: Duration = Duration::from_secs(2);
/// Notifications only make it sooner: work that becomes available by the clock is found by looking.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// Of one request; a worker sends a long log in many.
const LARGEST: usize = 32 * 1024 * 1024;

pub(super) fn router() -> Router<Arc<Server>> {
    let attempt = Router::new()
        .route("/heartbeat", post(heartbeat))
        .route("/give-back", post(give_back))
        .route("/events", post(events))
        .route("/log", put(log))
        .route("/plan", post(plan))
        .route("/import-source", post(import_source))
        .route("/deploys/{index}", post(deploy))
        .route("/deployments/{deployment}/token", post(identity_token))
        .route("/finish", post(finish))
        .merge(blobs::router());
    Router::new()
        .route("/register", post(register))
        .route("/claim", post(claim))
        .merge(worker_shells::router())
        .route("/drain", post(drain))
        .nest("/attempts/{attempt}", attempt)
        .layer(DefaultBodyLimit::max(LARGEST))
}

/// The bearer may register workers.
struct Registration;

impl FromRequestParts<Arc<Server>> for Registration {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, server: &Arc<Server>) -> Result<Self, Problem> {
        match bearer(parts) {
            Some(given) if same_token(given, &server.config.worker_token) => Ok(Self),
            _ => Err(unauthorized("This needs the registration token of the installation.")),
        }
    }
}

/// The bearer is a registered worker.
pub(super) struct Registered(pub(super) WorkerClaims);

impl FromRequestParts<Arc<Server>> for Registered {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, server: &Arc<Server>) -> Result<Self, Problem> {
        let token = bearer(parts).unwrap_or_default();
        let claims = tokens::worker(&server.config.master_key, token);
        claims.map(Self).map_err(|_| unauthorized("Register again: this token holds no longer."))
    }
}

/// The bearer is the attempt in the path, and nothing else.
struct Attempt(AttemptId);

impl FromRequestParts<Arc<Server>> for Attempt {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, server: &Arc<Server>) -> Result<Self, Problem> {
        let token = bearer(parts).unwrap_or_default();
        let claims = tokens::attempt(&server.config.master_key, token)
            .map_err(|_| unauthorized("This needs the attempt's own token."))?;
        let named = parts.extract::<Path<HashMap<String, String>>>().await;
        let named = named.ok().and_then(|Path(names)| names.get("attempt")?.parse().ok());
        if named == Some(claims.attempt) {
            return Ok(Self(claims.attempt));
        }
        Err(Problem::new(StatusCode::FORBIDDEN, "The token is that of another attempt."))
    }
}

pub(super) fn unauthorized(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, detail)
}

pub(super) fn same_protocol(theirs: u32) -> Result<(), Problem> {
    if theirs == PROTOCOL_VERSION {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::CONFLICT,
        format!(
            "The worker speaks protocol {theirs} and the server {PROTOCOL_VERSION}; \
             install the same version of Slipway on both."
        ),
    ))
}

async fn register(
    State(server): State<Arc<Server>>,
    _may: Registration,
    Json(request): Json<RegisterRequest>,
) -> Result<axum::Json<RegisterResponse>, Problem> {
    same_protocol(request.protocol)?;
    let worker = request.worker;
    let generation = enlist::register(&server, &request).await?;
    let token = tokens::for_worker(&server.config.master_key, worker, generation)
        .map_err(Problem::internal)?;
    Ok(axum::Json(RegisterResponse { token, expires_in: tokens::WORKER_SECONDS }))
}

async fn claim(
    State(server): State<Arc<Server>>,
    Extension(stop): Extension<CancellationToken>,
    Registered(worker): Registered,
    Json(request): Json<ClaimRequest>,
) -> Result<Response, Problem> {
    same_protocol(request.protocol)?;
    // How much room a worker has changes with each of its jobs that ends: it asks anew soon.
    let poll = if request.room_bytes.is_some_and(|_| request.lane == Lane::Job) {
        SHORT_POLL
    } else {
        LONG_POLL
    };
    let until = Instant::now() + poll;
    loop {
        // Subscribe first: what is queued between the look and the wait is not missed.
        let mut signals = server.wake.subscribe();
        match claim_once(&server, &worker, &request).await? {
            Asked::Work(assignment) => return Ok(axum::Json(assignment).into_response()),
            Asked::Draining => return Ok(StatusCode::NO_CONTENT.into_response()),
            Asked::Nothing => {}
        }
        let look = async {
            loop {
                match signals.recv().await {
                    Ok(Signal::Work) | Err(_) => return,
                    Ok(Signal::Deliveries | Signal::Log(_) | Signal::Run(_) | Signal::Shell) => {}
                }
            }
        };
        tokio::select! {
            () = look => {}
            () = tokio::time::sleep(LOOK_AGAIN) => {}
            () = tokio::time::sleep_until(until) => return Ok(StatusCode::NO_CONTENT.into_response()),
            () = stop.cancelled() => return Ok(StatusCode::NO_CONTENT.into_response()),
        }
        if Instant::now() >= until {
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
    }
}

/// What one look at the queue comes to.
enum Asked {
    Work(Box<Assignment>),
    Nothing,
    Draining,
}

async fn claim_once(
    server: &Server,
    worker: &WorkerClaims,
    request: &ClaimRequest,
) -> Result<Asked, Problem> {
    let (lane, room) = (request.lane, request.room_bytes);
    let turn = dispatch::claim(server, worker.worker, worker.generation, lane, room).await;
    let claimed = match turn {
        Ok(Turn::Work(claimed)) => claimed,
        Ok(Turn::Nothing) => return Ok(Asked::Nothing),
        Ok(Turn::Draining) => return Ok(Asked::Draining),
        Err(FlowError::Fenced) => {
            return Err(fenced_worker());
        }
        // Somebody else was first, a canceler for one: look again. Not an answer for the worker,
        // to whom 409 means another protocol.
        Err(FlowError::Conflict(reason)) => {
            tracing::warn!(reason, "a claim came too late");
            return Ok(Asked::Nothing);
        }
        Err(
            error @ (FlowError::NotFound
            | FlowError::Forbidden(_)
            | FlowError::Gap { .. }
            | FlowError::TooLarge(_)
            | FlowError::Invalid(_)
            | FlowError::StoreAway(_)),
        ) => {
            return Err(Problem::internal(error.into()));
        }
        Err(error @ (FlowError::Away(_) | FlowError::Internal(_))) => return Err(error.into()),
    };
    let token = tokens::for_attempt(&server.config.master_key, claimed.attempt)
        .map_err(Problem::internal)?;
    Ok(Asked::Work(Box::new(claimed.with_token(token, server.config.lease))))
}

async fn drain(
    State(server): State<Arc<Server>>,
    Registered(worker): Registered,
) -> Result<StatusCode, Problem> {
    match enlist::drain(&server, worker.worker, worker.generation).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(FlowError::Fenced) => Err(fenced_worker()),
        Err(error) => Err(error.into()),
    }
}

fn fenced_worker() -> Problem {
    unauthorized("Register again: another process has registered as this worker.")
}

async fn heartbeat(
    State(server): State<Arc<Server>>,
    Attempt(attempt): Attempt,
) -> Result<axum::Json<HeartbeatResponse>, Problem> {
    Ok(axum::Json(attempts::heartbeat(&server, attempt).await?))
}

async fn give_back(
    State(server): State<Arc<Server>>,
    Attempt(attempt): Attempt,
) -> Result<StatusCode, Problem> {
    attempts::give_back(&server, attempt).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn events(
    State(server): State<Arc<Server>>,
    Attempt(attempt): Attempt,
    Json(batch): Json<EventBatch>,
) -> Result<Response, Problem> {
    let stored = attempts::events(&server, attempt, batch).await;
    stored.map_or_else(gap, |()| Ok(StatusCode::NO_CONTENT.into_response()))
}

#[derive(Deserialize)]
struct Place {
    offset: u64,
}

async fn log(
    State(server): State<Arc<Server>>,
    Attempt(attempt): Attempt,
    Query(place): Query<Place>,
    Octets(octets): Octets,
) -> Result<Response, Problem> {
    let appended = logs::append(&server, attempt, place.offset, octets).await;
    appended.map_or_else(gap, |length| Ok(axum::Json(LogAppended { length }).into_response()))
}

/// A gap is answered with how far what is stored reaches (bytes of a log, events), so that the
/// worker sends from there.
fn gap(error: FlowError) -> Result<Response, Problem> {
    match error {
        FlowError::Gap { length } => {
            let body = axum::Json(LogAppended { length });
            Ok((StatusCode::RANGE_NOT_SATISFIABLE, body).into_response())
        }
        other => Err(other.into()),
    }
}

async fn plan(
    State(server): State<Arc<Server>>,
    Attempt(attempt): Attempt,
    Json(report): Json<PlanReport>,
) -> Result<StatusCode, Problem> {
    attempts::plan_report(&server, attempt, report).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct Index {
    index: u32,
}

async fn deploy(
    State(server): State<Arc<Server>>,
    Attempt(attempt): Attempt,
    Path(Index { index }): Path<Index>,
    Json(request): Json<DeployRequest>,
) -> Result<axum::Json<DeployGrant>, Problem> {
    Ok(axum::Json(deploys::grant(&server, attempt, index, request).await?))
}

#[derive(Deserialize)]
struct OfDeployment {
    deployment: DeploymentId,
}

async fn identity_token(
    State(server): State<Arc<Server>>,
    Attempt(attempt): Attempt,
    Path(OfDeployment { deployment }): Path<OfDeployment>,
    Json(request): Json<IdentityRequest>,
) -> Result<axum::Json<IdentityToken>, Problem> {
    Ok(axum::Json(identity::token(&server, attempt, deployment, &request).await?))
}

async fn import_source(
    State(server): State<Arc<Server>>,
    Attempt(attempt): Attempt,
    Json(request): Json<ImportRequest>,
) -> Result<axum::Json<ImportSource>, Problem> {
    Ok(axum::Json(imports::source(&server, attempt, &request).await?))
}

async fn finish(
    State(server): State<Arc<Server>>,
    Attempt(attempt): Attempt,
    Json(request): Json<FinishRequest>,
) -> Result<Response, Problem> {
    let finished = attempts::finish(&server, attempt, request).await;
    finished.map_or_else(gap, |()| Ok(StatusCode::NO_CONTENT.into_response()))
}
