//! Deliveries come in: stored first, decided later.

pub use crate::db::deliveries::{NewDelivery, Source};
use slipway_pipelines::ids::{DeliveryId, RunId};
use slipway_pipelines::plan::Trigger;

use super::FlowError;
use crate::db::assignments::{self, Kind};
use crate::db::deliveries::{self, Undecided};
use crate::db::repos::{self, Repo};
use crate::db::{Tx, new_id, notify, runs};
use crate::github::events::{self, Event};
use crate::state::Server;

/// Stores a delivery; once this answers, it is never lost. Answers whether it is new.
///
/// # Errors
/// When Postgres does not take it.
pub async fn store_delivery(
    server: &Server,
    new: NewDelivery,
) -> Result<(DeliveryId, bool), FlowError> {
    let mut tx = server.db.begin().await?;
    let stored = deliveries::store(&mut tx, new_id(), &new).await?;
    if stored.1 {
        notify(&mut tx, "slipway_deliveries", "").await?;
    }
    tx.commit().await?;
    Ok(stored)
}

/// Decides every delivery that waits.
pub(crate) async fn tick(server: &Server) -> Result<(), FlowError> {
    loop {
        let mut tx = server.db.begin().await?;
        let Some(delivery) = deliveries::next(&mut tx).await? else {
            return Ok(());
        };
        decide(server, &mut tx, &delivery).await?;
        tx.commit().await?;
    }
}

async fn decide(server: &Server, tx: &mut Tx, delivery: &Undecided) -> Result<(), FlowError> {
    let event = match delivery.source {
        Source::Git => events::of_hook(&delivery.event, &delivery.payload),
        Source::Github => events::of_forge(&delivery.event, &delivery.payload),
    };
    let (name, trigger) = match event {
        Event::Ignored { reason } => return deliveries::ignored(tx, delivery.id, &reason).await,
        Event::Trigger { repo, trigger } => (repo, trigger),
    };
    let repo = match (delivery.repo, name) {
        (Some(id), _) => Some(repos::by_id(tx, id).await?),
        (None, Some(name)) => repos::of_forge(tx, &name).await?,
        (None, None) => None,
    };
    match repo {
        None => deliveries::ignored(tx, delivery.id, "its repository is not a repo here").await,
        Some(repo) if !repo.enabled => {
            deliveries::ignored(tx, delivery.id, "the repo is disabled").await
        }
        Some(repo) => start(server, tx, delivery.id, &repo, &trigger).await,
    }
}

async fn start(
    server: &Server,
    tx: &mut Tx,
    delivery: DeliveryId,
    repo: &Repo,
    trigger: &Trigger,
) -> Result<(), FlowError> {
    let id: RunId = new_id();
    let number = runs::create(tx, id, repo.id, delivery, trigger).await?;
    assignments::create(tx, id, Kind::Plan).await?;
    deliveries::triggered(tx, delivery, id).await?;
    super::schedule::announce(server, tx, id).await?;
    tracing::info!(repo = %repo.name, run = %number, commit = %trigger.commit, "run created");
    Ok(())
}
