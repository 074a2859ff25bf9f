//! Workers come and go.

use slipway_pipelines::ids::WorkerId;
use slipway_pipelines::wire::RegisterRequest;

use super::{FlowError, reap};
use crate::db::{assignments, workers};
use crate::state::Server;

/// A worker's process introduces itself; answers its generation. What an older process of the
/// same worker held is lost.
///
/// # Errors
/// When Postgres does not take it.
pub async fn register(server: &Server, request: &RegisterRequest) -> Result<i32, FlowError> {
    let mut tx = server.db.begin().await?;
    let generation = workers::register(&mut tx, request).await?;
    tx.commit().await?;
    // From here the older process claims nothing more. Each piece in a transaction of its own,
    // since its locks are taken job by job; what is not reached, the reaper finds.
    for id in assignments::held_by(&server.db, request.worker).await? {
        let mut tx = server.db.begin().await?;
        if let Some(held) = assignments::lock_leased(&mut tx, id).await?
            && held.worker == Some(request.worker)
        {
            reap::lose(server, &mut tx, held, "its worker started anew").await?;
        }
        tx.commit().await?;
    }
    tracing::info!(worker = %request.worker, name = request.name, generation, "worker registered");
    Ok(generation)
}

/// The worker takes no more work: its claims that wait are answered, and people see it.
///
/// # Errors
/// [`FlowError::Fenced`] when another process registered as this worker.
pub async fn drain(server: &Server, worker: WorkerId, generation: i32) -> Result<(), FlowError> {
    let mut tx = server.db.begin().await?;
    workers::drain(&mut tx, worker, generation).await?;
    tx.commit().await?;
    tracing::info!(%worker, "worker drains");
    Ok(())
}
