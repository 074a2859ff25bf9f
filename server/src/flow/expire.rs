//! What jobs left goes when its time is over: first the names, then the bytes that nobody names.
//! Each step can stop anywhere: the rows say what is left to do.

use std::time::Duration;

use super::FlowError;
use crate::db::{artifacts, blobs, caches, workspaces};
use crate::state::Server;

/// Bytes that nobody names stay so long: longer than any transfer, whose bytes are named at its
/// end only.
const IDLE: Duration = Duration::from_secs(3600);

/// Removes what has had its time, until nothing such is left.
///
/// # Errors
/// When Postgres or the store is away: the next time goes on.
pub async fn tick(server: &Server) -> Result<(), FlowError> {
    let limits = &server.config.blobs.limits;
    loop {
        let mut tx = server.db.begin().await?;
        let gone = caches::expire(&mut tx, limits.cache_keep).await?
            + workspaces::expire(&mut tx, limits.workspace_keep).await?
            + artifacts::expire(&mut tx).await?;
        tx.commit().await?;
        if gone == 0 {
            break;
        }
        tracing::info!(gone, "what jobs left has had its time");
    }
    loop {
        let mut tx = server.db.begin().await?;
        blobs::doom(&mut tx, IDLE).await?;
        tx.commit().await?;
        if remove_doomed(server).await? == 0 {
            break;
        }
    }
    server.blobs.sweep().await
}

/// The row is locked while its bytes are removed: who writes the same bytes again waits.
async fn remove_doomed(server: &Server) -> Result<usize, FlowError> {
    let mut removed = 0;
    for id in blobs::doomed(&server.db).await? {
        let mut tx = server.db.begin().await?;
        let Some(place) = blobs::lock_doomed(&mut tx, id).await? else { continue };
        server.blobs.remove(&place).await?;
        blobs::forget(&mut tx, id).await?;
        tx.commit().await?;
        removed += 1;
    }
    Ok(removed)
}
