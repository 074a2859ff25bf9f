//! Log chunks.

use slipway_pipelines::ids::{AttemptId, Id};

use super::{Db, Tx};
use crate::error::FlowError;

/// No chunk is longer, so a read knows how far back to look.
pub(crate) const CHUNK: usize = 256 * 1024;

pub(crate) struct NewChunk {
    pub(crate) start: i64,
    pub(crate) length: i32,
    pub(crate) first_line: i64,
    pub(crate) data: Vec<u8>,
}

pub(crate) async fn insert(tx: &mut Tx, id: AttemptId, chunk: &NewChunk) -> Result<(), FlowError> {
    sqlx::query!(
        "INSERT INTO log_chunks (attempt_id, start, length, first_line, data)
         VALUES ($1, $2, $3, $4, $5)",
        id.as_uuid(),
        chunk.start,
        chunk.length,
        chunk.first_line,
        chunk.data
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(crate) async fn grown(
    tx: &mut Tx,
    id: AttemptId,
    length: i64,
    lines: i64,
) -> Result<(), FlowError> {
    sqlx::query!(
        "UPDATE attempts SET log_length = $2, log_lines = $3 WHERE id = $1",
        id.as_uuid(),
        length,
        lines
    )
    .execute(&mut **tx)
    .await?;
    super::notify(tx, "slipway_log", &id.to_string()).await?;
    Ok(())
}

/// Length of the log, and whether it can still grow.
pub(crate) async fn extent(db: &Db, id: AttemptId) -> Result<(i64, bool), FlowError> {
    let row = sqlx::query!("SELECT log_length, state FROM attempts WHERE id = $1", id.as_uuid())
        .fetch_optional(db.pool())
        .await?
        .ok_or(FlowError::NotFound)?;
    Ok((row.log_length, row.state != "running"))
}

/// The chunks that touch `from..to`, each with its first offset, still compressed.
pub(crate) async fn chunks(
    db: &Db,
    id: AttemptId,
    from: i64,
    to: i64,
) -> Result<Vec<(i64, Vec<u8>)>, FlowError> {
    let reach = i64::try_from(CHUNK).unwrap_or(i64::MAX);
    let rows = sqlx::query!(
        "SELECT start, data FROM log_chunks
         WHERE attempt_id = $1 AND start > $2 AND start < $3 AND start + length > $4
         ORDER BY start",
        id.as_uuid(),
        from - reach,
        to,
        from
    )
    .fetch_all(db.pool())
    .await?;
    Ok(rows.into_iter().map(|row| (row.start, row.data)).collect())
}

/// The chunk that begins at `start`, still compressed.
pub(crate) async fn chunk_at(
    tx: &mut Tx,
    id: AttemptId,
    start: i64,
) -> Result<Option<(i64, Vec<u8>)>, FlowError> {
    let data = sqlx::query_scalar!(
        "SELECT data FROM log_chunks WHERE attempt_id = $1 AND start = $2",
        id.as_uuid(),
        start
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(data.map(|data| (start, data)))
}
