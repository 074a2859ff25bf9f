//! What asked for runs: deliveries, and people.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::Db;

/// A delivery and what became of it.
#[derive(Debug)]
pub(crate) struct DeliveryRow {
    pub(crate) guid: String,
    pub(crate) source: String,
    pub(crate) event: String,
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    pub(crate) run: Option<i32>,
    pub(crate) branch: Option<String>,
    pub(crate) pull: Option<i64>,
    /// Of one that started nothing, if it is not very long: it says what it is about.
    pub(crate) payload: Option<Vec<u8>>,
    pub(crate) received_at: DateTime<Utc>,
}

/// Those before `before`, newest first.
pub(crate) async fn deliveries(
    db: &Db,
    repo: Uuid,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<DeliveryRow>, sqlx::Error> {
    sqlx::query_as!(
        DeliveryRow,
        r#"SELECT d.guid, d.source, d.event, d.state, d.reason, runs.number AS "run?",
                  runs.branch AS "branch?", runs.pull_request AS "pull?",
                  CASE WHEN runs.id IS NULL AND octet_length(d.payload) < 131072
                       THEN d.payload END AS "payload?",
                  d.received_at
           FROM deliveries d LEFT JOIN runs ON runs.id = d.run_id
           WHERE d.repo_id = $1 AND d.received_at < $2 ORDER BY d.received_at DESC LIMIT $3"#,
        repo,
        before,
        limit
    )
    .fetch_all(db.pool())
    .await
}

/// A run that somebody asked for.
#[derive(Debug)]
pub(crate) struct AskedRow {
    pub(crate) run: i32,
    pub(crate) branch: String,
    pub(crate) actor: String,
    pub(crate) created_at: DateTime<Utc>,
}

/// Those before `before`, newest first.
pub(crate) async fn asked(
    db: &Db,
    repo: Uuid,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<AskedRow>, sqlx::Error> {
    sqlx::query_as!(
        AskedRow,
        "SELECT number AS run, branch, actor, created_at FROM runs
         WHERE repo_id = $1 AND event = 'api' AND rerun_of IS NULL AND created_at < $2
         ORDER BY created_at DESC LIMIT $3",
        repo,
        before,
        limit
    )
    .fetch_all(db.pool())
    .await
}
