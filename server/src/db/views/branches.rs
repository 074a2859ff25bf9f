//! The branches and pull requests of a repo, each by its runs.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::runs::{RunRow, rows};
use crate::db::Db;

/// So many branches are shown, those with the newest runs.
pub(crate) const MOST_BRANCHES: usize = 100;

/// The last ten runs of each branch, newest first; the default branch first, then the one that
/// ran last. Which branches there are is read off the index, one step a branch and 2,000 of
/// them at most: history is not counted through.
pub(crate) async fn branches(
    db: &Db,
    repo: Uuid,
    default: &str,
) -> Result<Vec<RunRow>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        r#"WITH RECURSIVE names (branch, place) AS (
               (SELECT branch, 1 FROM runs WHERE repo_id = $1 AND event IN ('push', 'api')
                ORDER BY branch LIMIT 1)
               UNION ALL
               SELECT (SELECT r.branch FROM runs r WHERE r.repo_id = $1
                         AND r.event IN ('push', 'api') AND r.branch > n.branch
                       ORDER BY r.branch LIMIT 1), n.place + 1
               FROM names n WHERE n.branch IS NOT NULL AND n.place < 2000
           ), latest AS (
               SELECT n.branch, (SELECT max(r.number) FROM runs r WHERE r.repo_id = $1
                                 AND r.branch = n.branch AND r.event IN ('push', 'api')) AS number
               FROM names n WHERE n.branch IS NOT NULL
               ORDER BY n.branch = $2 DESC, number DESC LIMIT 100
           )
           SELECT x.id AS "id!"
           FROM latest l CROSS JOIN LATERAL (SELECT r.id, r.number FROM runs r
               WHERE r.repo_id = $1 AND r.branch = l.branch AND r.event IN ('push', 'api')
               ORDER BY r.number DESC LIMIT 10) x
           ORDER BY l.branch = $2 DESC, l.number DESC, x.number DESC"#,
        repo,
        default
    )
    .fetch_all(db.pool())
    .await?;
    rows(db, &ids).await
}

/// The last run of each pull request with a number below `before`, the highest number first.
pub(crate) async fn pulls(
    db: &Db,
    repo: Uuid,
    before: Option<i64>,
    limit: i32,
) -> Result<Vec<RunRow>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        r#"WITH RECURSIVE pulls (number, place) AS (
               (SELECT pull_request, 1 FROM runs WHERE repo_id = $1 AND pull_request IS NOT NULL
                  AND ($2::bigint IS NULL OR pull_request < $2)
                ORDER BY pull_request DESC LIMIT 1)
               UNION ALL
               SELECT (SELECT r.pull_request FROM runs r WHERE r.repo_id = $1
                         AND r.pull_request IS NOT NULL AND r.pull_request < p.number
                       ORDER BY r.pull_request DESC LIMIT 1), p.place + 1
               FROM pulls p WHERE p.number IS NOT NULL AND p.place < $3
           )
           SELECT (SELECT r.id FROM runs r WHERE r.repo_id = $1 AND r.pull_request = p.number
                   ORDER BY r.number DESC LIMIT 1) AS "id!"
           FROM pulls p WHERE p.number IS NOT NULL ORDER BY p.number DESC"#,
        repo,
        before,
        limit
    )
    .fetch_all(db.pool())
    .await?;
    rows(db, &ids).await
}

/// A delivery that started nothing.
#[derive(Debug)]
pub(crate) struct IgnoredRow {
    pub(crate) payload: Vec<u8>,
    pub(crate) received_at: DateTime<Utc>,
}

/// The last 60 of one event: they tell which branches and pull requests are gone. What is very
/// long is no such news, and is left where it is.
pub(crate) async fn ignored(
    db: &Db,
    repo: Uuid,
    event: &str,
) -> Result<Vec<IgnoredRow>, sqlx::Error> {
    sqlx::query_as!(
        IgnoredRow,
        "SELECT payload, received_at FROM deliveries
         WHERE repo_id = $1 AND event = $2 AND state = 'ignored' AND octet_length(payload) < 131072
         ORDER BY received_at DESC LIMIT 60",
        repo,
        event
    )
    .fetch_all(db.pool())
    .await
}
