//! Somebody wants a run again.

use serde_json::json;
use slipway_pipelines::ids::{RunId, RunNumber};

use super::{FlowError, schedule};
use crate::db::assignments::{self, Kind};
use crate::db::runs::{self, NewRun};
use crate::db::{audit, new_id, repos};
use crate::state::Server;

/// Starts a new run from the stored trigger of another: the same commit, planned anew from the
/// file that it has. Terminal is final, so the old one stays as it is.
///
/// # Errors
/// [`FlowError::Conflict`] while the old run goes on, or when its repo is disabled.
pub async fn restart(server: &Server, old: RunId, actor: &str) -> Result<RunNumber, FlowError> {
    let mut tx = server.db.begin().await?;
    // Locked, so that of two who ask at once each sees what the other did.
    let run = runs::lock(&mut tx, old).await?;
    let repo = repos::by_id(&mut tx, run.repo).await?;
    if !repo.enabled {
        return Err(FlowError::Conflict(format!("the repo {} is disabled", repo.name)));
    }
    if !run.state.is_terminal() {
        let sentence = format!("run {} is {}; cancel it first", run.number, run.state.word());
        return Err(FlowError::Conflict(sentence));
    }
    let id: RunId = new_id();
    let new = NewRun {
        id,
        repo: run.repo,
        delivery: None,
        rerun_of: Some(old),
        actor,
        trigger: &run.trigger,
    };
    let number = runs::create(&mut tx, &new).await?;
    assignments::create(&mut tx, id, Kind::Plan).await?;
    schedule::announce(server, &mut tx, id).await?;
    let detail = json!({ "run": number, "rerun_of": run.number });
    audit::write(&mut tx, actor, "run.restart", repo.name.as_str(), detail).await?;
    tx.commit().await?;
    tracing::info!(repo = %repo.name, run = %number, rerun_of = %run.number, "run created");
    Ok(number)
}
