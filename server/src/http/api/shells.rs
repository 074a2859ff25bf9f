//! Shells in jobs.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::response::Response;
use slipway_pipelines::ids::ShellId;
use slipway_pipelines::wire::ShellQuery;
use tokio_util::sync::CancellationToken;

use super::OfRepo;
use super::jobs::{self, Named};
use crate::db::new_id;
use crate::db::shells::Side;
use crate::flow::shells;
use crate::http::auth::{Admin, OPERATOR};
use crate::http::problem::{Path, Problem, Query};
use crate::http::shell_carry::{self, Ends};
use crate::state::Server;

/// Whoever is root in a container can read all that its job could, secrets too: so it takes the
/// right to set them. By the bearer alone, which no other site's page can make a browser send.
pub(super) async fn open(
    State(server): State<Arc<Server>>,
    _may: Admin,
    OfRepo(repo): OfRepo,
    Path(named): Path<Named>,
    Query(asked): Query<ShellQuery>,
    Extension(stop): Extension<CancellationToken>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let job = jobs::find(&server, repo.id, &named).await?;
    let upgrade = shell_carry::upgrade(upgrade)?;
    let id: ShellId = new_id();
    // Before anybody hears of it: nothing that is said to it is missed.
    let (inbox, outbox) = server.shells.attach(id, repo.id, Side::Person);
    shells::request(&server, id, (&repo, job.id), OPERATOR, &asked).await?;
    let ends = Ends { id, inbox, outbox, stop };
    Ok(upgrade.on_upgrade(move |socket| shell_carry::person(server, socket, ends)))
}
