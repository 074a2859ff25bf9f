//! Workers.

use slipway_pipelines::ids::{Id, WorkerId};
use slipway_pipelines::wire::RegisterRequest;

use super::{Db, Tx};
use crate::error::FlowError;

/// Stores the worker under a generation of its own, and answers that.
pub(crate) async fn register(tx: &mut Tx, request: &RegisterRequest) -> Result<i32, FlowError> {
    let memory = request.memory_bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
    let slots = i32::try_from(request.slots.clamp(1, 1024)).unwrap_or(1);
    let generation = sqlx::query_scalar!(
        "INSERT INTO workers (id, name, version, engine, slots, labels, memory_bytes)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name, version = EXCLUDED.version,
             engine = EXCLUDED.engine, slots = EXCLUDED.slots, labels = EXCLUDED.labels,
             memory_bytes = EXCLUDED.memory_bytes, draining_since = NULL,
             generation = workers.generation + 1, registered_at = now(), last_seen_at = now()
         RETURNING generation",
        request.worker.as_uuid(),
        request.name,
        request.version,
        request.engine,
        slots,
        &labels(request),
        memory
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(generation)
}

/// A claim looks into a queue for each.
const MOST_LABELS: usize = 32;

/// What is true of the worker. One that is older than labels takes what all of them took then.
fn labels(request: &RegisterRequest) -> Vec<String> {
    if request.labels.is_empty() {
        return ["os=linux", "arch=amd64"].map(str::to_owned).into();
    }
    request.labels.iter().take(MOST_LABELS).map(ToString::to_string).collect()
}

/// What the queue must know of a worker that asks for work.
pub(crate) struct Held {
    /// It is time to note that it was seen.
    pub(crate) due: bool,
    /// It takes no more work.
    pub(crate) draining: bool,
    pub(crate) labels: Vec<String>,
    pub(crate) memory_bytes: Option<i64>,
    pub(crate) slots: i32,
}

/// How long ago a worker was seen is known as exactly as this, and not written more often.
const SEEN_EVERY: f64 = 5.0;

/// Is this still the process that registered last? It stays so until the transaction ends.
pub(crate) async fn hold(
    tx: &mut Tx,
    id: WorkerId,
    generation: i32,
) -> Result<Option<Held>, FlowError> {
    let held = sqlx::query_as!(
        Held,
        r#"SELECT last_seen_at < now() - make_interval(secs => $3) AS "due!",
                  draining_since IS NOT NULL AS "draining!", labels, memory_bytes, slots
           FROM workers WHERE id = $1 AND generation = $2 FOR SHARE"#,
        id.as_uuid(),
        generation,
        SEEN_EVERY
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(held)
}

/// It takes no more work from now on, until its next process registers.
pub(crate) async fn drain(tx: &mut Tx, id: WorkerId, generation: i32) -> Result<(), FlowError> {
    let rows = sqlx::query!(
        "UPDATE workers SET draining_since = coalesce(draining_since, now())
         WHERE id = $1 AND generation = $2",
        id.as_uuid(),
        generation
    )
    .execute(&mut **tx)
    .await?
    .rows_affected();
    if rows == 0 {
        return Err(FlowError::Fenced);
    }
    // Its claims that wait are answered.
    super::notify(tx, "slipway_work", "").await?;
    Ok(())
}

/// What is true of the workers that were here within a day, each label once.
pub(crate) async fn known_labels(tx: &mut Tx) -> Result<Vec<String>, FlowError> {
    let labels = sqlx::query_scalar!(
        r#"SELECT DISTINCT unnest(labels) AS "label!" FROM workers
           WHERE last_seen_at > now() - interval '1 day'"#
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(labels)
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
