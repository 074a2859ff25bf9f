//! Workspaces: what jobs of a run leave to its later jobs.

use std::time::Duration;

use slipway_pipelines::ids::{AttemptId, Id as _, RunId};

use super::Tx;
use super::blobs::{self, Stored};
use super::caches::Found;
use crate::error::FlowError;

/// The workspace of that name, and which job left it. What an attempt left whose job was begun
/// again since is not there.
pub(crate) async fn find(
    tx: &mut Tx,
    run: RunId,
    name: &str,
) -> Result<Option<(Found, i32)>, FlowError> {
    let row = sqlx::query!(
        "SELECT b.id, b.repo_id, b.trust, b.sha256, j.number
         FROM workspaces w JOIN blobs b ON b.id = w.blob_id AND b.state = 'stored'
         JOIN attempts t ON t.id = w.attempt_id
         JOIN jobs j ON j.id = t.job_id AND j.attempt = t.number
         WHERE w.run_id = $1 AND w.name = $2",
        run.as_uuid(),
        name
    )
    .fetch_optional(&mut **tx)
    .await?;
    row.map(|row| {
        let place = blobs::place(row.repo_id, &row.trust, &row.sha256)?;
        Ok((Found { blob: row.id, place }, row.number))
    })
    .transpose()
}

/// How many names of workspaces the run has beside this.
pub(crate) async fn others(tx: &mut Tx, run: RunId, name: &str) -> Result<i64, FlowError> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM workspaces WHERE run_id = $1 AND name <> $2"#,
        run.as_uuid(),
        name
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(count)
}

/// From now on the run's workspace of that name is this.
pub(crate) async fn keep(
    tx: &mut Tx,
    run: RunId,
    attempt: AttemptId,
    name: &str,
    blob: Stored,
) -> Result<(), FlowError> {
    sqlx::query!(
        "INSERT INTO workspaces (run_id, name, attempt_id, blob_id) VALUES ($1, $2, $3, $4)
         ON CONFLICT (run_id, name) DO UPDATE SET attempt_id = EXCLUDED.attempt_id,
             blob_id = EXCLUDED.blob_id, created_at = now()",
        run.as_uuid(),
        name,
        attempt.as_uuid(),
        blob.id
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Removes some that are older than this; answers how many.
pub(crate) async fn expire(tx: &mut Tx, age: Duration) -> Result<u64, FlowError> {
    let gone = sqlx::query!(
        "DELETE FROM workspaces WHERE (run_id, name) IN (
             SELECT run_id, name FROM workspaces
             WHERE created_at < now() - make_interval(secs => $1)
             LIMIT 1000 FOR UPDATE SKIP LOCKED)",
        age.as_secs_f64()
    )
    .execute(&mut **tx)
    .await?;
    Ok(gone.rows_affected())
}
