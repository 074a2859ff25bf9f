//! Artifacts: what jobs leave to people. Of a job that was tried again, those of its latest try.

use std::time::Duration;

use slipway_pipelines::ids::{AttemptId, Id as _, JobId, JobNumber, RepoId, RunId, RunNumber};
use slipway_pipelines::wire::BlobFile;
use slipway_pipelines::wire::api::Artifact;
use sqlx::types::Json;

use super::blobs::{self, Stored};
use super::{Db, Tx};
use crate::error::FlowError;
use crate::store::blobs::Place;

/// Who leaves an artifact.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Giver {
    pub(crate) run: RunId,
    pub(crate) job: JobId,
    pub(crate) attempt: AttemptId,
}

/// How many artifacts the attempt has left beside this name, and their bytes.
pub(crate) async fn others(
    tx: &mut Tx,
    attempt: AttemptId,
    name: &str,
) -> Result<(i64, i64), FlowError> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "count!", coalesce(sum(b.size), 0)::bigint AS "bytes!"
           FROM artifacts a JOIN blobs b ON b.id = a.blob_id
           WHERE a.attempt_id = $1 AND a.name <> $2"#,
        attempt.as_uuid(),
        name
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok((row.count, row.bytes))
}

/// So many of its files are named in lists; the zip has them all.
pub(crate) const NAMED_FILES: usize = 100;

/// Keeps an artifact; what older attempts of the job left goes.
pub(crate) async fn keep(
    tx: &mut Tx,
    giver: Giver,
    name: &str,
    (blob, files): (Stored, &[BlobFile]),
    time: Duration,
) -> Result<(), FlowError> {
    sqlx::query!(
        "DELETE FROM artifacts WHERE job_id = $1 AND attempt_id <> $2",
        giver.job.as_uuid(),
        giver.attempt.as_uuid()
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "INSERT INTO artifacts (id, run_id, job_id, attempt_id, name, blob_id, files, file_count,
                                expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now() + make_interval(secs => $9))
         ON CONFLICT (attempt_id, name) DO UPDATE SET blob_id = EXCLUDED.blob_id,
             files = EXCLUDED.files, file_count = EXCLUDED.file_count, created_at = now(), expires_at = EXCLUDED.expires_at",
        uuid::Uuid::now_v7(),
        giver.run.as_uuid(),
        giver.job.as_uuid(),
        giver.attempt.as_uuid(),
        name,
        blob.id,
        Json(files.get(..NAMED_FILES).unwrap_or(files)) as _,
        i32::try_from(files.len()).unwrap_or(i32::MAX),
        time.as_secs_f64()
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Removes some whose time is over; answers how many.
pub(crate) async fn expire(tx: &mut Tx) -> Result<u64, FlowError> {
    let gone = sqlx::query!(
        "DELETE FROM artifacts WHERE id IN (
             SELECT id FROM artifacts WHERE expires_at < now() LIMIT 1000 FOR UPDATE SKIP LOCKED)"
    )
    .execute(&mut **tx)
    .await?;
    Ok(gone.rows_affected())
}

/// The first `most` of a run, or of one job of it.
pub(crate) async fn list(
    db: &Db,
    run: RunId,
    job: Option<JobNumber>,
    most: i64,
) -> Result<Vec<Artifact>, FlowError> {
    let artifacts = sqlx::query!(
        r#"SELECT j.number AS job, j.name AS job_name, a.name, b.size, b.sha256,
                  a.file_count, a.files AS "files: Json<Vec<BlobFile>>", a.created_at,
                  a.expires_at
           FROM artifacts a JOIN blobs b ON b.id = a.blob_id JOIN jobs j ON j.id = a.job_id
           JOIN attempts t ON t.id = a.attempt_id AND t.number = j.attempt
           WHERE a.run_id = $1 AND ($2::int IS NULL OR j.number = $2) AND a.expires_at > now()
           ORDER BY j.number, a.name LIMIT $3"#,
        run.as_uuid(),
        job.map(|job| job.0),
        most
    )
    .map(|row| Artifact {
        job: row.job,
        job_name: row.job_name,
        name: row.name,
        size: row.size,
        sha256: row.sha256,
        file_count: row.file_count,
        files: row.files.0,
        created_at: row.created_at,
        expires_at: row.expires_at,
    })
    .fetch_all(db.pool())
    .await?;
    Ok(artifacts)
}

/// Where the bytes of one lie.
pub(crate) async fn find(
    db: &Db,
    repo: RepoId,
    (run, job, name): (RunNumber, JobNumber, &str),
) -> Result<Option<Place>, FlowError> {
    let row = sqlx::query!(
        "SELECT b.repo_id, b.trust, b.sha256
         FROM artifacts a JOIN blobs b ON b.id = a.blob_id JOIN jobs j ON j.id = a.job_id
         JOIN runs r ON r.id = a.run_id
         JOIN attempts t ON t.id = a.attempt_id AND t.number = j.attempt
         WHERE r.repo_id = $1 AND r.number = $2 AND j.number = $3 AND a.name = $4
           AND a.expires_at > now()",
        repo.as_uuid(),
        run.0,
        job.0,
        name
    )
    .fetch_optional(db.pool())
    .await?;
    row.map(|row| blobs::place(row.repo_id, &row.trust, &row.sha256)).transpose()
}
