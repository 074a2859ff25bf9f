//! The workers' side of shells.

use std::sync::Arc;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use slipway_pipelines::ids::ShellId;
use slipway_pipelines::wire::ShellClaim;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::problem::{Json, Path, Problem};
use super::shell_carry::{self, Ends};
use super::worker_api::{LONG_POLL, LOOK_AGAIN, Registered, same_protocol, unauthorized};
use crate::db::shells::Side;
use crate::error::FlowError;
use crate::flow::shells;
use crate::state::{Server, Signal};

pub(super) fn router() -> Router<Arc<Server>> {
    Router::new().route("/shells/claim", post(claim)).route("/shells/{shell}", get(open))
}

async fn claim(
    State(server): State<Arc<Server>>,
    Extension(stop): Extension<CancellationToken>,
    Registered(worker): Registered,
    Json(claim): Json<ShellClaim>,
) -> Result<Response, Problem> {
    same_protocol(claim.protocol)?;
    let (id, generation) = (worker.worker, worker.generation);
    let nothing = || Ok(StatusCode::NO_CONTENT.into_response());
    let until = Instant::now() + LONG_POLL;
    shells::keeps(&server, id, generation, &claim.kept).await.map_err(again)?;
    while Instant::now() < until {
        // Subscribe first: what is asked for between the look and the wait is not missed.
        let mut signals = server.wake.subscribe();
        if let Some(order) = shells::offer(&server, id, generation).await.map_err(again)? {
            return Ok(axum::Json(order).into_response());
        }
        let look = async { while !matches!(signals.recv().await, Ok(Signal::Shell) | Err(_)) {} };
        tokio::select! {
            () = look => {}
            () = tokio::time::sleep(LOOK_AGAIN) => {}
            () = tokio::time::sleep_until(until) => {}
            () = stop.cancelled() => return nothing(),
        }
    }
    nothing()
}

/// To a worker 409 means another protocol.
fn again(error: FlowError) -> Problem {
    match error {
        FlowError::Fenced => {
            unauthorized("Register again: another process has registered as this worker.")
        }
        other => other.into(),
    }
}

#[derive(Deserialize)]
struct Named {
    shell: ShellId,
}

async fn open(
    State(server): State<Arc<Server>>,
    Extension(stop): Extension<CancellationToken>,
    Registered(worker): Registered,
    Path(Named { shell }): Path<Named>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = shell_carry::upgrade(upgrade)?;
    let opened = shells::open(&server, shell, worker.worker, worker.generation).await;
    let repo = opened.map_err(again)?;
    let (inbox, outbox) = server.shells.attach(shell, repo, Side::Worker);
    let ends = Ends { id: shell, inbox, outbox, stop };
    Ok(upgrade.on_upgrade(move |socket| shell_carry::worker(server, socket, ends)))
}
