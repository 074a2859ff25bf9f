//! Shells in jobs.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use slipway_pipelines::ids::ShellId;
use slipway_pipelines::wire::ShellQuery;
use tokio_util::sync::CancellationToken;

use super::OfRepo;
use super::jobs::{self, Named};
use crate::db::new_id;
use crate::db::shells::{Side, saw_secrets};
use crate::flow::shells;
use crate::http::auth::Viewer;
use crate::http::problem::{Path, Problem, Query};
use crate::http::shell_carry::{self, Ends};
use crate::state::Server;

const BY_TOKEN: &str = "A shell is opened with a token (slipway job shell), not by a browser.";
const SAW_SECRETS: &str =
    "This job was given secrets, and a shell in it shows them: that needs the role admin.";

/// Whoever is root in a container can read all that its job could, secrets too: where it was given
/// any, it takes the right to set them. By a bearer alone, which no other site's page can make a
/// browser send.
pub(super) async fn open(
    State(server): State<Arc<Server>>,
    viewer: Viewer,
    OfRepo(repo): OfRepo,
    Path(named): Path<Named>,
    Query(asked): Query<ShellQuery>,
    (Extension(stop), headers): (Extension<CancellationToken>, HeaderMap),
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    if !headers.contains_key(AUTHORIZATION) {
        return Err(Problem::new(StatusCode::UNAUTHORIZED, BY_TOKEN));
    }
    let job = jobs::find(&server, repo.id, &named).await?;
    if !viewer.is_admin() && saw_secrets(&server.db, job.id).await? {
        return Err(Problem::new(StatusCode::FORBIDDEN, SAW_SECRETS));
    }
    let upgrade = shell_carry::upgrade(upgrade)?;
    let id: ShellId = new_id();
    // Before anybody hears of it: nothing that is said to it is missed.
    let (inbox, outbox) = server.shells.attach(id, repo.id, Side::Person);
    shells::request(&server, id, (&repo, job.id), &viewer.actor, &asked).await?;
    let ends = Ends { id, inbox, outbox, stop };
    Ok(upgrade.on_upgrade(move |socket| shell_carry::person(server, socket, ends)))
}
