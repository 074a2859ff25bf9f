//! Workers, and the jobs that wait for them.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::Db;

/// A worker and how busy it is.
#[derive(Debug)]
pub(crate) struct WorkerRow {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) engine: Option<String>,
    pub(crate) slots: i32,
    pub(crate) busy: i64,
    pub(crate) silent: bool,
    pub(crate) last_seen_at: DateTime<Utc>,
}

/// A job that has not started.
#[derive(Debug)]
pub(crate) struct WaitingRow {
    pub(crate) repo: String,
    pub(crate) run: i32,
    pub(crate) job: i32,
    pub(crate) name: String,
    pub(crate) stage_name: String,
    pub(crate) state: String,
    pub(crate) since: DateTime<Utc>,
}

/// Those seen within a day; silent after a minute.
pub(crate) async fn workers(db: &Db) -> Result<Vec<WorkerRow>, sqlx::Error> {
    sqlx::query_as!(
        WorkerRow,
        r#"SELECT w.name, w.version, w.engine, w.slots, w.last_seen_at,
                  w.last_seen_at < now() - interval '1 minute' AS "silent!",
                  (SELECT count(*) FROM assignments a WHERE a.worker_id = w.id
                   AND a.state = 'leased' AND a.lane = 'job') AS "busy!"
           FROM workers w WHERE w.last_seen_at > now() - interval '1 day'
           ORDER BY w.name, w.id LIMIT 200"#
    )
    .fetch_all(db.pool())
    .await
}

/// So many waiting jobs are listed.
pub(crate) const MOST_WAITING: usize = 200;

/// Oldest first, at most [`MOST_WAITING`].
pub(crate) async fn waiting(db: &Db) -> Result<Vec<WaitingRow>, sqlx::Error> {
    sqlx::query_as!(
        WaitingRow,
        r#"SELECT repos.name AS repo, runs.number AS run, j.number AS job, j.name, j.stage_name,
                  j.state, coalesce(j.queued_at, j.created_at) AS "since!"
           FROM runs JOIN jobs j ON j.run_id = runs.id JOIN repos ON repos.id = runs.repo_id
           WHERE runs.state IN ('planning', 'queued', 'running')
             AND j.state IN ('waiting', 'queued')
           ORDER BY 7, j.number LIMIT 200"#
    )
    .fetch_all(db.pool())
    .await
}

/// What there is to take jobs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Capacity {
    /// Workers that are there.
    pub(crate) workers: i64,
    /// Their slots.
    pub(crate) slots: i64,
    /// Slots that are taken.
    pub(crate) busy: i64,
}

pub(crate) async fn capacity(db: &Db) -> Result<Capacity, sqlx::Error> {
    sqlx::query_as!(
        Capacity,
        r#"SELECT count(*) AS "workers!", coalesce(sum(slots), 0) AS "slots!",
                  (SELECT count(*) FROM assignments WHERE state = 'leased' AND lane = 'job')
                    AS "busy!"
           FROM workers WHERE last_seen_at > now() - interval '1 minute'"#
    )
    .fetch_one(db.pool())
    .await
}

/// How many jobs are before this one in the queue; no more than 1,000 are counted.
pub(crate) async fn before(db: &Db, job: Uuid) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "before!" FROM (
               SELECT 1 FROM assignments a, assignments own
               WHERE own.job_id = $1 AND own.kind = 'job' AND a.state = 'queued' AND a.lane = 'job'
                 AND (a.available_at, a.id) < (own.available_at, own.id)
               LIMIT 1000) AS ahead"#,
        job
    )
    .fetch_one(db.pool())
    .await
}
