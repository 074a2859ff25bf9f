//! What the world must be told.

use std::time::Duration;

use serde_json::Value;
use slipway_pipelines::ids::{Id, RunId};
use uuid::Uuid;

use super::Tx;
use crate::error::FlowError;

pub(crate) struct Due {
    pub(crate) id: Uuid,
    pub(crate) payload: Value,
    pub(crate) tries: i32,
}

pub(crate) async fn add(tx: &mut Tx, run: RunId, payload: Value) -> Result<(), FlowError> {
    sqlx::query!(
        "INSERT INTO outbox (id, kind, run_id, payload) VALUES ($1, 'run', $2, $3)",
        Uuid::now_v7(),
        run.as_uuid(),
        payload
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Rows that are due, put out of others' reach for `busy`. Of one run the oldest only: its states
/// are heard in the order in which they were.
pub(crate) async fn take_due(tx: &mut Tx, busy: Duration) -> Result<Vec<Due>, FlowError> {
    let rows = sqlx::query_as!(
        Due,
        "UPDATE outbox SET available_at = now() + make_interval(secs => $1)
         WHERE id IN (SELECT id FROM outbox o WHERE done_at IS NULL AND available_at <= now()
                      AND NOT EXISTS (SELECT 1 FROM outbox b WHERE b.run_id = o.run_id
                                      AND b.done_at IS NULL AND b.id < o.id)
                      ORDER BY available_at, id LIMIT 20 FOR NO KEY UPDATE SKIP LOCKED)
         RETURNING id, payload, tries",
        busy.as_secs_f64()
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows)
}

pub(crate) async fn done(tx: &mut Tx, id: Uuid) -> Result<(), FlowError> {
    sqlx::query!("UPDATE outbox SET done_at = now(), tries = tries + 1 WHERE id = $1", id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(crate) async fn failed(
    tx: &mut Tx,
    id: Uuid,
    error: &str,
    delay: Duration,
) -> Result<(), FlowError> {
    sqlx::query!(
        "UPDATE outbox SET tries = tries + 1, last_error = $2,
             available_at = now() + make_interval(secs => $3) WHERE id = $1",
        id,
        error,
        delay.as_secs_f64()
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// With nobody to tell, everything is told.
pub(crate) async fn nobody_listens(tx: &mut Tx) -> Result<(), FlowError> {
    sqlx::query!("UPDATE outbox SET done_at = now() WHERE done_at IS NULL")
        .execute(&mut **tx)
        .await?;
    Ok(())
}
