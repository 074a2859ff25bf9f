//! Which blobs the store has. A blob is written, then stored, and doomed once nothing names it;
//! each of these is a row before it is true of the store, so that a crash in between leaves work
//! for a sweep and never a byte that nobody knows of.

use std::time::Duration;

use slipway_pipelines::ids::Id as _;
use slipway_pipelines::wire::Trust;
use uuid::Uuid;

use super::{Db, Tx};
use crate::error::FlowError;
use crate::store::blobs::{Digest, NoDigest, Place};

/// A blob that the store has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stored {
    pub(crate) id: Uuid,
    pub(crate) size: i64,
}

/// The blob at that place, if the store has it. It is not doomed before this transaction ends.
pub(crate) async fn claim(tx: &mut Tx, place: &Place) -> Result<Option<Stored>, FlowError> {
    let stored = sqlx::query_as!(
        Stored,
        "UPDATE blobs SET last_used_at = now()
         WHERE repo_id = $1 AND trust = $2 AND sha256 = $3 AND state = 'stored'
         RETURNING id, size",
        place.repo.as_uuid(),
        place.trust.word(),
        place.digest.as_str()
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(stored)
}

/// Somebody begins to write it. One that is stored stays so: the same bytes are written over it.
pub(crate) async fn begin(tx: &mut Tx, place: &Place, size: i64) -> Result<(), FlowError> {
    sqlx::query!(
        "INSERT INTO blobs (id, repo_id, trust, sha256, size, state)
         VALUES ($1, $2, $3, $4, $5, 'writing')
         ON CONFLICT (repo_id, trust, sha256) DO UPDATE SET last_used_at = now(),
             state = CASE WHEN blobs.state = 'stored' THEN 'stored' ELSE 'writing' END",
        Uuid::now_v7(),
        place.repo.as_uuid(),
        place.trust.word(),
        place.digest.as_str(),
        size
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The store has it, whole and compared.
pub(crate) async fn stored(tx: &mut Tx, place: &Place, size: i64) -> Result<(), FlowError> {
    sqlx::query!(
        "INSERT INTO blobs (id, repo_id, trust, sha256, size, state)
         VALUES ($1, $2, $3, $4, $5, 'stored')
         ON CONFLICT (repo_id, trust, sha256)
         DO UPDATE SET state = 'stored', size = EXCLUDED.size, last_used_at = now()",
        Uuid::now_v7(),
        place.repo.as_uuid(),
        place.trust.word(),
        place.digest.as_str(),
        size
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Nothing came of writing it. What is named all the same (the store had lost it) stays a row.
pub(crate) async fn spoilt(tx: &mut Tx, place: &Place) -> Result<(), FlowError> {
    sqlx::query!(
        "DELETE FROM blobs b
         WHERE b.repo_id = $1 AND b.trust = $2 AND b.sha256 = $3 AND b.state = 'writing'
           AND NOT EXISTS (SELECT FROM caches WHERE blob_id = b.id)
           AND NOT EXISTS (SELECT FROM workspaces WHERE blob_id = b.id)
           AND NOT EXISTS (SELECT FROM artifacts WHERE blob_id = b.id)",
        place.repo.as_uuid(),
        place.trust.word(),
        place.digest.as_str()
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The store has lost it: whoever offers it next sends it again.
pub(crate) async fn lost(tx: &mut Tx, id: Uuid) -> Result<(), FlowError> {
    sqlx::query!("UPDATE blobs SET state = 'writing' WHERE id = $1 AND state = 'stored'", id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Dooms what nothing names and nobody touched for that long; answers how many.
pub(crate) async fn doom(tx: &mut Tx, idle: Duration) -> Result<u64, FlowError> {
    let doomed = sqlx::query!(
        "UPDATE blobs SET state = 'doomed'
         WHERE state <> 'doomed' AND last_used_at < now() - make_interval(secs => $1)
           AND id IN (
             SELECT b.id FROM blobs b
             WHERE b.state <> 'doomed' AND b.last_used_at < now() - make_interval(secs => $1)
               AND NOT EXISTS (SELECT FROM caches WHERE blob_id = b.id)
               AND NOT EXISTS (SELECT FROM workspaces WHERE blob_id = b.id)
               AND NOT EXISTS (SELECT FROM artifacts WHERE blob_id = b.id)
             LIMIT 1000 FOR UPDATE SKIP LOCKED)",
        idle.as_secs_f64()
    )
    .execute(&mut **tx)
    .await?;
    Ok(doomed.rows_affected())
}

/// Some that are doomed.
pub(crate) async fn doomed(db: &Db) -> Result<Vec<Uuid>, FlowError> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM blobs WHERE state = 'doomed' ORDER BY last_used_at LIMIT 1000"
    )
    .fetch_all(db.pool())
    .await?;
    Ok(ids)
}

/// Locks a doomed one: nobody begins to write it again before this transaction ends.
pub(crate) async fn lock_doomed(tx: &mut Tx, id: Uuid) -> Result<Option<Place>, FlowError> {
    let row = sqlx::query!(
        "SELECT repo_id, trust, sha256 FROM blobs WHERE id = $1 AND state = 'doomed'
         FOR UPDATE SKIP LOCKED",
        id
    )
    .fetch_optional(&mut **tx)
    .await?;
    row.map(|row| place(row.repo_id, &row.trust, &row.sha256)).transpose()
}

/// The store has it no more.
pub(crate) async fn forget(tx: &mut Tx, id: Uuid) -> Result<(), FlowError> {
    sqlx::query!("DELETE FROM blobs WHERE id = $1 AND state = 'doomed'", id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The place that three columns name.
pub(super) fn place(repo: Uuid, trust: &str, sha256: &str) -> Result<Place, FlowError> {
    let trust = match trust {
        "trusted" => Trust::Trusted,
        "fork" => Trust::Fork,
        other => return Err(anyhow::anyhow!("a run can not be {other:?}").into()),
    };
    let digest: Digest =
        sha256.parse().map_err(|error: NoDigest| FlowError::Internal(error.into()))?;
    Ok(Place { repo: repo.into(), trust, digest })
}
