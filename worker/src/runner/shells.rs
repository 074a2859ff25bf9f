//! The lane of shells: people who want into a container of this worker's, whatever its slots.

use std::collections::HashSet;
use std::sync::Arc;

use slipway_pipelines::ids::ShellId;
use slipway_pipelines::wire::{PROTOCOL_VERSION, ShellClaim};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Worker;
use super::lanes::Calls;
use crate::client::{CallError, Retry};
use crate::job::serve;

/// Serves shells until `stop`, and tells the server which failed jobs are kept. Then what is kept
/// goes, and shells in jobs that still run end with them.
pub(super) async fn lane(worker: &Arc<Worker>, calls: Calls<'_>, stop: &CancellationToken) {
    if worker.engine.is_none() {
        return;
    }
    let mut open = Open::default();
    tokio::select! {
        () = claims(worker, calls, &mut open) => {}
        () = stop.cancelled() => {}
    }
    // An asker that was refused does not end the other lanes: jobs are worth more than shells.
    stop.cancelled().await;
    worker.rooms.shut();
    while open.sessions.join_next().await.is_some() {}
}

#[derive(Default)]
struct Open {
    sessions: JoinSet<ShellId>,
    ids: HashSet<ShellId>,
}

async fn claims(worker: &Arc<Worker>, calls: Calls<'_>, open: &mut Open) {
    let mut retry = Retry::default();
    loop {
        let (kept, mut changed) = worker.rooms.kept();
        let claim = ShellClaim { protocol: PROTOCOL_VERSION, kept };
        let claimed = tokio::select! {
            claimed = calls.client.claim_shell(calls.token, &claim) => claimed,
            // It is said at once: people look for it as soon as their job has failed.
            _ = changed.changed() => continue,
        };
        while let Some(ended) = open.sessions.try_join_next() {
            match ended {
                Ok(shell) => drop(open.ids.remove(&shell)),
                Err(error) => tracing::error!(%error, "a shell broke down"),
            }
        }
        match claimed {
            Ok(Some(order)) => {
                retry = Retry::default();
                // It is offered again until it is taken: an answer may get lost.
                if open.ids.insert(order.shell) {
                    let (worker, client) = (Arc::clone(worker), calls.client.clone());
                    let token = calls.token.clone();
                    open.sessions.spawn(async move {
                        let shell = order.shell;
                        Box::pin(serve(&worker, (&client, &token), order)).await;
                        shell
                    });
                }
            }
            Ok(None) => retry = Retry::default(),
            Err(CallError::Away { why }) => {
                tracing::debug!(why, "shells wait");
                retry.pause().await;
            }
            // The other lanes hear the same and end for it.
            Err(CallError::Unauthorized) => return,
            Err(error) => {
                tracing::warn!(%error, "the server gives no shells");
                return;
            }
        }
    }
}
