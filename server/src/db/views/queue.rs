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
    /// It takes no more work.
    pub(crate) draining: bool,
    /// What is true of it: `gpu`, `arch=arm64`.
    pub(crate) labels: Vec<String>,
    /// The memory that its jobs may use together; none: it does not count.
    pub(crate) memory_bytes: Option<i64>,
    /// What its jobs count of that now.
    pub(crate) used_mib: i64,
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
    /// A worker's label; empty: any will do.
    pub(crate) requires: String,
    /// The memory that it asks for; 0: it does not say.
    pub(crate) memory_mib: i32,
    /// The names of jobs that it needs and that have not passed yet.
    pub(crate) open_needs: Vec<String>,
    pub(crate) since: DateTime<Utc>,
}

/// Those seen within a day; silent after a minute.
pub(crate) async fn workers(db: &Db) -> Result<Vec<WorkerRow>, sqlx::Error> {
    sqlx::query_as!(
        WorkerRow,
        r#"SELECT w.name, w.version, w.engine, w.slots, w.last_seen_at,
                  w.last_seen_at < now() - interval '1 minute' AS "silent!",
                  w.draining_since IS NOT NULL AS "draining!", w.labels, w.memory_bytes,
                  (SELECT coalesce(sum(CASE WHEN a.memory_mib > 0 THEN a.memory_mib
                                       ELSE w.memory_bytes / w.slots / 1048576 END), 0)::bigint
                   FROM assignments a WHERE a.worker_id = w.id
                   AND a.state = 'leased' AND a.lane = 'job') AS "used_mib!",
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
                  j.state, j.requires, j.memory_mib, coalesce(j.queued_at, j.created_at) AS "since!",
                  ARRAY(SELECT o.name FROM jobs o WHERE o.run_id = j.run_id
                        AND o.number = ANY (j.needs) AND o.state <> 'passed' ORDER BY o.number)
                    AS "open_needs!"
           FROM runs JOIN jobs j ON j.run_id = runs.id JOIN repos ON repos.id = runs.repo_id
           WHERE runs.state IN ('planning', 'queued', 'running')
             AND j.state IN ('waiting', 'queued')
           ORDER BY 9, j.number LIMIT 200"#
    )
    .fetch_all(db.pool())
    .await
}

/// How many jobs are before this one among those that ask for the same machine; no more than 1,000
/// are counted.
pub(crate) async fn before(db: &Db, job: Uuid) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "before!" FROM (
               SELECT 1 FROM assignments a, assignments own
               WHERE own.job_id = $1 AND own.kind = 'job' AND a.state = 'queued' AND a.lane = 'job'
                 AND a.requires = own.requires AND a.memory_mib = own.memory_mib
                 AND (a.available_at, a.id) < (own.available_at, own.id)
               LIMIT 1000) AS ahead"#,
        job
    )
    .fetch_one(db.pool())
    .await
}
