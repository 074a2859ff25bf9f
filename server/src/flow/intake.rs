//! Deliveries come in: stored first, decided later.

pub use crate::db::deliveries::{Decision, NewDelivery, Source};
use std::time::Duration;

use slipway_pipelines::ids::{DeliveryId, RunId};
use slipway_pipelines::plan::{Trigger, TriggerEvent};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::FlowError;
use crate::db::assignments::{self, Kind};
use crate::db::deliveries::{self, Undecided};
use crate::db::repos::{self, Repo};
use crate::db::runs::{self, NewRun};
use crate::db::{Tx, forge_repos, forge_rights, new_id, ref_heads};
use crate::github::events::{self, Event, RefUpdate};
use crate::github::payloads::{self, Posted};
use crate::state::{Server, Signal};

/// Between two looks at a delivery that somebody waits for.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// A forge does not post again what it was refused, so a broken connection is not the last word.
const TRIES: u32 = 3;

/// Deliveries that reconciliation makes have an id that begins so; no sender's may.
pub(crate) const FOUND: &str = "reconcile-";

/// Stores a delivery; once this answers, it is never lost. Answers whether it is new.
///
/// # Errors
/// When Postgres does not take it.
pub async fn store_delivery(
    server: &Server,
    new: NewDelivery,
) -> Result<(DeliveryId, bool), FlowError> {
    let id: DeliveryId = new_id();
    let mut tries = TRIES;
    let is_new = loop {
        tries -= 1;
        match deliveries::store(server.db.pool(), id, &new).await.map_err(FlowError::from) {
            // The connection may be older than a restart of Postgres; another one is not. Had
            // the row been stored all the same, it is found by its sender's id.
            Err(FlowError::Away(error))
                if tries > 0 && !matches!(error, sqlx::Error::PoolTimedOut) => {}
            other => break other?,
        }
    };
    if !is_new {
        return Ok((deliveries::known(&server.db, &new).await?, false));
    }
    // Only the loop of this process is woken: a notification would make commits queue up behind
    // one another. Should this process end now, another one finds the row by looking.
    server.wake.send(Signal::Deliveries);
    Ok((id, true))
}

/// What became of a delivery, waiting for that until `deadline`.
///
/// # Errors
/// When Postgres does not answer, or the repo was removed meanwhile.
pub async fn await_decision(
    server: &Server,
    id: DeliveryId,
    deadline: Instant,
) -> Result<Decision, FlowError> {
    loop {
        let decision = deliveries::decision(&server.db, id).await?;
        if decision.state != "received" || Instant::now() >= deadline {
            return Ok(decision);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Decides every delivery that waits.
pub(crate) async fn tick(server: &Server, stop: &CancellationToken) -> Result<(), FlowError> {
    // A long backlog must not hold up a server that is asked to stop.
    while !stop.is_cancelled() {
        let mut tx = server.db.begin().await?;
        let Some(delivery) = deliveries::next(&mut tx).await? else {
            return Ok(());
        };
        match decide(server, &mut tx, &delivery).await {
            Ok(()) => tx.commit().await?,
            Err(error @ (FlowError::Away(_) | FlowError::Fenced)) => return Err(error),
            // One that can not be decided must not stand in the way of those behind it.
            Err(error) => {
                drop(tx);
                tracing::error!(delivery = %delivery.id, %error, "a delivery can not be decided");
                let mut tx = server.db.begin().await?;
                let reason = "the server failed to decide it; its log has the cause";
                deliveries::ignored(&mut tx, delivery.id, reason).await?;
                tx.commit().await?;
            }
        }
    }
    Ok(())
}

async fn decide(server: &Server, tx: &mut Tx, delivery: &Undecided) -> Result<(), FlowError> {
    match delivery.source {
        Source::Git => decide_hook(server, tx, delivery).await,
        Source::Github => decide_forge(server, tx, delivery).await,
    }
}

/// Of a bare repository: the address named the repo.
async fn decide_hook(server: &Server, tx: &mut Tx, delivery: &Undecided) -> Result<(), FlowError> {
    let (event, update) = events::of_hook(&delivery.event, &delivery.payload);
    let Some(repo) = delivery.repo else {
        return deliveries::ignored(tx, delivery.id, UNKNOWN).await;
    };
    if let Some(update) = update
        && !count(tx, delivery, repo, &update).await?
    {
        let reason = "it came late: reconciliation had found what it tells";
        return deliveries::ignored(tx, delivery.id, reason).await;
    }
    let repo = repos::by_id(tx, repo).await?;
    conclude(server, tx, delivery, &repo, event).await
}

/// Of the forge: the payload names the repo, and says what became of it.
async fn decide_forge(server: &Server, tx: &mut Tx, delivery: &Undecided) -> Result<(), FlowError> {
    let Posted { repo, event, rights } = payloads::of_forge(&delivery.event, &delivery.payload);
    if let Some(of) = &rights {
        forge_rights::rights_changed(tx, of).await?;
    }
    let known = match &repo {
        Some(forge) => forge_repos::of_forge(tx, forge.id, &forge.full_name).await?,
        None => None,
    };
    if let (Some(known), Some(forge)) = (known, repo) {
        let known = forge_repos::follow(tx, known, &forge).await?;
        deliveries::belongs_to(tx, delivery.id, known.id).await?;
        return conclude(server, tx, delivery, &known, event).await;
    }
    match event {
        Event::Ignored { reason } => deliveries::ignored(tx, delivery.id, &reason).await,
        Event::Trigger { .. } => deliveries::ignored(tx, delivery.id, UNKNOWN).await,
    }
}

const UNKNOWN: &str = "its repository is not a repo here";

async fn conclude(
    server: &Server,
    tx: &mut Tx,
    delivery: &Undecided,
    repo: &Repo,
    event: Event,
) -> Result<(), FlowError> {
    let trigger = match event {
        Event::Ignored { reason } => return deliveries::ignored(tx, delivery.id, &reason).await,
        Event::Trigger { trigger } => trigger,
    };
    if let Some(reason) = switched_off(repo, &trigger.event) {
        return deliveries::ignored(tx, delivery.id, reason).await;
    }
    start(server, tx, delivery.id, repo, &trigger).await
}

fn switched_off(repo: &Repo, event: &TriggerEvent) -> Option<&'static str> {
    if !repo.enabled {
        return Some("the repo is disabled");
    }
    match event {
        TriggerEvent::Push { .. } | TriggerEvent::Tag { .. } if !repo.build_pushes => {
            Some("the repo does not build pushes (its switch build_pushes is off)")
        }
        TriggerEvent::PullRequest(_) if !repo.build_pull_requests => {
            Some("the repo does not build pull requests (its switch build_pull_requests is off)")
        }
        TriggerEvent::Push { .. }
        | TriggerEvent::Tag { .. }
        | TriggerEvent::PullRequest(_)
        | TriggerEvent::Api { .. }
        | TriggerEvent::Cron { .. } => None,
    }
}

/// Sums up what a hook tells of its ref; false when reconciliation had told it already.
async fn count(
    tx: &mut Tx,
    delivery: &Undecided,
    repo: slipway_pipelines::ids::RepoId,
    update: &RefUpdate,
) -> Result<bool, FlowError> {
    let found = delivery.guid.starts_with(FOUND);
    if !found && ref_heads::filled_already(tx, repo, update).await? {
        return Ok(false);
    }
    ref_heads::take(tx, repo, update).await?;
    Ok(true)
}

async fn start(
    server: &Server,
    tx: &mut Tx,
    delivery: DeliveryId,
    repo: &Repo,
    trigger: &Trigger,
) -> Result<(), FlowError> {
    let id: RunId = new_id();
    let new = NewRun {
        id,
        repo: repo.id,
        delivery: Some(delivery),
        rerun_of: None,
        actor: trigger.actor.name(),
        trigger,
    };
    let number = runs::create(tx, &new).await?;
    assignments::create(tx, id, Kind::Plan).await?;
    deliveries::triggered(tx, delivery, id).await?;
    super::schedule::announce(server, tx, id).await?;
    tracing::info!(repo = %repo.name, run = %number, commit = %trigger.commit, "run created");
    Ok(())
}
