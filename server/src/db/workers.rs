//! Workers.

use slipway_pipelines::ids::{Id, WorkerId};
use slipway_pipelines::wire::RegisterRequest;

use super::Tx;
use crate::error::FlowError;

/// Stores the worker under a generation of its own, and answers that.
pub(crate) async fn register(tx: &mut Tx, request: &RegisterRequest) -> Result<i32, FlowError> {
    let slots = i32::try_from(request.slots.clamp(1, 1024)).unwrap_or(1);
    let generation = sqlx::query_scalar!(
        "INSERT INTO workers (id, name, version, engine, slots) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name, version = EXCLUDED.version,
             engine = EXCLUDED.engine, slots = EXCLUDED.slots,
             generation = workers.generation + 1, registered_at = now(), last_seen_at = now()
         RETURNING generation",
        request.worker.as_uuid(),
        request.name,
        request.version,
        request.engine,
        slots
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(generation)
}

/// Notes that the worker was here; false when another process registered as it since.
pub(crate) async fn seen(tx: &mut Tx, id: WorkerId, generation: i32) -> Result<bool, FlowError> {
    let rows = sqlx::query!(
        "UPDATE workers SET last_seen_at = now() WHERE id = $1 AND generation = $2",
        id.as_uuid(),
        generation
    )
    .execute(&mut **tx)
    .await?
    .rows_affected();
    Ok(rows == 1)
}

pub(crate) async fn name(tx: &mut Tx, id: WorkerId) -> Result<String, FlowError> {
    let name = sqlx::query_scalar!("SELECT name FROM workers WHERE id = $1", id.as_uuid())
        .fetch_one(&mut **tx)
        .await?;
    Ok(name)
}
