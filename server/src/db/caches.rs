//! Caches: which bytes are kept for whom under which name.

use std::fmt;
use std::time::Duration;

use slipway_pipelines::ids::{Id as _, RepoId};
use slipway_pipelines::wire::Trust;
use slipway_pipelines::wire::api::{Cache, ClearedCaches};
use uuid::Uuid;

use super::blobs::{self, Stored};
use super::{Db, Tx};
use crate::error::FlowError;
use crate::store::blobs::Place;

/// Whose a cache is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A branch's, or a tag's.
    Branch(String),
    /// A pull request's, by its number.
    PullRequest(u64),
}

/// Whose, and who may have written it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) trust: Trust,
    pub(crate) owner: Owner,
}

impl Owner {
    fn word(&self) -> &'static str {
        match self {
            Self::Branch(_) => "branch",
            Self::PullRequest(_) => "pull_request",
        }
    }

    fn of_ref(&self) -> String {
        match self {
            Self::Branch(branch) => branch.clone(),
            Self::PullRequest(number) => number.to_string(),
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Branch(branch) => write!(f, "branch {branch}"),
            Self::PullRequest(number) => write!(f, "pull request {number}"),
        }
    }
}

/// A blob that was found, and where it lies.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) blob: Uuid,
    pub(crate) place: Place,
}

/// The cache of that name in that scope; it counts as used. Its blob is locked before it, as by
/// those who keep one.
pub(crate) async fn find(
    tx: &mut Tx,
    repo: RepoId,
    scope: &Scope,
    name: &str,
) -> Result<Option<Found>, FlowError> {
    let row = sqlx::query!(
        "UPDATE blobs b SET last_used_at = now() FROM caches c
         WHERE b.id = c.blob_id AND b.state = 'stored' AND c.repo_id = $1 AND c.trust = $2
           AND c.scope = $3 AND c.of_ref = $4 AND c.name = $5
         RETURNING c.id AS cache, b.id, b.repo_id, b.trust, b.sha256",
        repo.as_uuid(),
        scope.trust.word(),
        scope.owner.word(),
        scope.owner.of_ref(),
        name
    )
    .fetch_optional(&mut **tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    sqlx::query!("UPDATE caches SET used_at = now() WHERE id = $1", row.cache)
        .execute(&mut **tx)
        .await?;
    let place = blobs::place(row.repo_id, &row.trust, &row.sha256)?;
    Ok(Some(Found { blob: row.id, place }))
}

/// From now on the scope's cache of that name is this.
pub(crate) async fn keep(
    tx: &mut Tx,
    repo: RepoId,
    scope: &Scope,
    name: &str,
    blob: Stored,
) -> Result<(), FlowError> {
    sqlx::query!(
        "INSERT INTO caches (id, repo_id, trust, scope, of_ref, name, blob_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (repo_id, trust, scope, of_ref, name)
         DO UPDATE SET blob_id = EXCLUDED.blob_id, stored_at = now(), used_at = now()",
        Uuid::now_v7(),
        repo.as_uuid(),
        scope.trust.word(),
        scope.owner.word(),
        scope.owner.of_ref(),
        name,
        blob.id
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Two who remove several caches of a repo would wait for each other.
async fn one_at_a_time(tx: &mut Tx, repo: RepoId) -> Result<(), FlowError> {
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(hashtextextended('caches ' || $1, 0))",
        repo.to_string()
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The least recently used of the repo's caches at that trust make room, until no more than
/// `count` of them and `bytes` in all are left. A fork pushes out no cache of a branch.
pub(crate) async fn make_room(
    tx: &mut Tx,
    repo: RepoId,
    trust: Trust,
    (count, bytes): (i64, i64),
) -> Result<u64, FlowError> {
    one_at_a_time(tx, repo).await?;
    let gone = sqlx::query!(
        "DELETE FROM caches WHERE id IN (
             SELECT id FROM (
                 SELECT c.id, row_number() OVER newest AS place, sum(b.size) OVER newest AS total
                 FROM caches c JOIN blobs b ON b.id = c.blob_id
                 WHERE c.repo_id = $1 AND c.trust = $2
                 WINDOW newest AS (ORDER BY c.used_at DESC, c.id DESC)
             ) ranked WHERE place > $3 OR total > $4::bigint)",
        repo.as_uuid(),
        trust.word(),
        count,
        bytes
    )
    .execute(&mut **tx)
    .await?;
    Ok(gone.rows_affected())
}

/// Removes some of those unused for that long; answers how many.
pub(crate) async fn expire(tx: &mut Tx, unused: Duration) -> Result<u64, FlowError> {
    let gone = sqlx::query!(
        "DELETE FROM caches WHERE id IN (
             SELECT id FROM caches WHERE used_at < now() - make_interval(secs => $1)
             LIMIT 1000 FOR UPDATE SKIP LOCKED)",
        unused.as_secs_f64()
    )
    .execute(&mut **tx)
    .await?;
    Ok(gone.rows_affected())
}

/// Which caches of a repo are meant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) id: Option<Uuid>,
    pub(crate) branch: Option<String>,
    pub(crate) pull_request: Option<i64>,
    /// A text in the name.
    pub(crate) text: Option<String>,
}

/// So many are listed.
pub(crate) const MOST: usize = 500;

/// Those that were used last, at most [`MOST`].
pub(crate) async fn list(db: &Db, repo: RepoId, filter: &Filter) -> Result<Vec<Cache>, FlowError> {
    let caches = sqlx::query_as!(
        Cache,
        r#"SELECT c.id, CASE WHEN c.scope = 'branch' THEN c.of_ref END AS branch,
                  CASE WHEN c.scope = 'pull_request' THEN c.of_ref::bigint END AS pull_request,
                  c.trust = 'fork' AS "fork!", c.name, b.size, c.stored_at, c.used_at
           FROM caches c JOIN blobs b ON b.id = c.blob_id
           WHERE c.repo_id = $1 AND ($2::uuid IS NULL OR c.id = $2)
             AND ($3::text IS NULL OR c.scope = 'branch' AND c.of_ref = $3)
             AND ($4::bigint IS NULL OR c.scope = 'pull_request' AND c.of_ref = $4::text)
             AND ($5::text IS NULL OR strpos(c.name, $5) > 0)
           ORDER BY c.used_at DESC, c.id DESC LIMIT 500"#,
        repo.as_uuid(),
        filter.id,
        filter.branch,
        filter.pull_request,
        filter.text
    )
    .fetch_all(db.pool())
    .await?;
    Ok(caches)
}

/// Removes those that are meant; the bytes follow once nothing else names them.
pub(crate) async fn clear(
    tx: &mut Tx,
    repo: RepoId,
    filter: &Filter,
) -> Result<ClearedCaches, FlowError> {
    one_at_a_time(tx, repo).await?;
    let cleared = sqlx::query_as!(
        ClearedCaches,
        r#"WITH gone AS (
               DELETE FROM caches c
               WHERE c.repo_id = $1 AND ($2::uuid IS NULL OR c.id = $2)
                 AND ($3::text IS NULL OR c.scope = 'branch' AND c.of_ref = $3)
                 AND ($4::bigint IS NULL OR c.scope = 'pull_request' AND c.of_ref = $4::text)
                 AND ($5::text IS NULL OR strpos(c.name, $5) > 0)
               RETURNING c.blob_id
           )
           SELECT count(*) AS "caches!", coalesce(sum(b.size), 0)::bigint AS "bytes!"
           FROM gone JOIN blobs b ON b.id = gone.blob_id"#,
        repo.as_uuid(),
        filter.id,
        filter.branch,
        filter.pull_request,
        filter.text
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(cleared)
}
