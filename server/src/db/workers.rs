//! Workers.

use slipway_pipelines::ids::{Id, WorkerId};
use slipway_pipelines::wire::RegisterRequest;

use super::{Db, Tx};
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

/// How long ago a worker was seen is known as exactly as this, and not written more often.
const SEEN_EVERY: f64 = 5.0;

/// Is this still the process that registered last? It stays so until the transaction ends.
/// Answers also whether it is time to note that the worker was seen.
pub(crate) async fn hold(
    tx: &mut Tx,
    id: WorkerId,
    generation: i32,
) -> Result<Option<bool>, FlowError> {
    let due = sqlx::query_scalar!(
        r#"SELECT last_seen_at < now() - make_interval(secs => $3) AS "due!"
           FROM workers WHERE id = $1 AND generation = $2 FOR SHARE"#,
        id.as_uuid(),
        generation,
        SEEN_EVERY
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(due)
}

/// Notes that the worker was here, unless that was noted a moment ago. Not inside the
/// transactions of its attempts, which would wait for one another here.
pub(crate) async fn seen(db: &Db, id: WorkerId) -> Result<(), FlowError> {
    sqlx::query!(
        "UPDATE workers SET last_seen_at = now()
         WHERE id = $1 AND last_seen_at < now() - make_interval(secs => $2)",
        id.as_uuid(),
        SEEN_EVERY
    )
    .execute(db.pool())
    .await?;
    Ok(())
}

pub(crate) async fn name(tx: &mut Tx, id: WorkerId) -> Result<String, FlowError> {
    let name = sqlx::query_scalar!("SELECT name FROM workers WHERE id = $1", id.as_uuid())
        .fetch_one(&mut **tx)
        .await?;
    Ok(name)
}
