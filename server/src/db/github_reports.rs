//! What GitHub shows of runs, and what it should. One row of a run: it is raised by whatever is
//! worth telling, and due until GitHub took what was true when it was raised last.
//!
//! A row is locked after those of assignments, jobs and runs, and nothing is locked after it.

use std::time::Duration;

use slipway_pipelines::ids::{Id, RunId};
use uuid::Uuid;

use super::{Db, Tx};
use crate::error::FlowError;

pub(crate) struct Due {
    pub(crate) run: RunId,
    pub(crate) wanted: i64,
    /// This one counted; a first try was never answered by anything.
    pub(crate) tries: i32,
    pub(crate) check_run: Option<i64>,
}

/// There is something to tell of the run. Where GitHub is not told of it, nothing happens.
pub(crate) async fn want(tx: &mut Tx, run: RunId) -> Result<(), FlowError> {
    sqlx::query!(
        "INSERT INTO github_reports (run_id)
         SELECT r.id FROM runs r JOIN repos p ON p.id = r.repo_id
         WHERE r.id = $1 AND p.kind = 'github'
         ON CONFLICT (run_id) DO UPDATE SET wanted = github_reports.wanted + 1",
        run.as_uuid()
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Rows that are due, put out of others' reach for `busy`: one run is told of by one at a time.
/// What nobody could be told for a week after the run's end is given up.
pub(crate) async fn take_due(
    tx: &mut Tx,
    busy: Duration,
    limit: i64,
) -> Result<Vec<Due>, FlowError> {
    let rows = sqlx::query!(
        "UPDATE github_reports SET available_at = now() + make_interval(secs => $1),
             tries = tries + 1
         WHERE run_id IN (SELECT g.run_id FROM github_reports g JOIN runs r ON r.id = g.run_id
                          WHERE g.told < g.wanted AND g.available_at <= now()
                            AND coalesce(r.finished_at, now()) > now() - interval '7 days'
                          ORDER BY g.available_at LIMIT $2 FOR NO KEY UPDATE OF g SKIP LOCKED)
         RETURNING run_id, wanted, tries, check_run_id",
        busy.as_secs_f64(),
        limit
    )
    .fetch_all(&mut **tx)
    .await?;
    let due =
        |row: Uuid, wanted, tries, check_run| Due { run: row.into(), wanted, tries, check_run };
    Ok(rows
        .into_iter()
        .map(|row| due(row.run_id, row.wanted, row.tries, row.check_run_id))
        .collect())
}

/// GitHub has made a check run of the run, or it is there no more.
pub(crate) async fn set_check_run(
    tx: &mut Tx,
    run: RunId,
    check_run: Option<i64>,
) -> Result<(), FlowError> {
    sqlx::query!(
        "UPDATE github_reports SET check_run_id = $2 WHERE run_id = $1",
        run.as_uuid(),
        check_run
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// GitHub took what was true when the row had been raised so far. What was raised meanwhile is due
/// after a moment, in which more of it comes together.
pub(crate) async fn told(tx: &mut Tx, run: RunId, wanted: i64) -> Result<(), FlowError> {
    sqlx::query!(
        "UPDATE github_reports SET told = greatest(told, $2), tries = 0, last_error = NULL,
             available_at = now() + interval '1 second'
         WHERE run_id = $1",
        run.as_uuid(),
        wanted
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// GitHub did not take it; again after `delay`.
pub(crate) async fn failed(
    tx: &mut Tx,
    run: RunId,
    error: &str,
    delay: Duration,
) -> Result<(), FlowError> {
    sqlx::query!(
        "UPDATE github_reports SET last_error = $2, available_at = now() + make_interval(secs => $3)
         WHERE run_id = $1",
        run.as_uuid(),
        error,
        delay.as_secs_f64()
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Is a later run about the same commit, for the same reason? Then that one has the last word.
pub(crate) async fn superseded(db: &Db, run: RunId) -> Result<bool, FlowError> {
    let superseded = sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT 1 FROM runs n
               WHERE n.repo_id = r.repo_id AND n.number > r.number
                 AND n.pull_request IS NOT DISTINCT FROM r.pull_request
                 AND n.branch = r.branch AND n.tag IS NOT DISTINCT FROM r.tag
                 AND coalesce(n.trigger #>> '{event,head}', n.commit_sha)
                     = coalesce(r.trigger #>> '{event,head}', r.commit_sha)) AS "superseded!"
           FROM runs r WHERE r.id = $1"#,
        run.as_uuid()
    )
    .fetch_optional(db.pool())
    .await?;
    superseded.ok_or(FlowError::NotFound)
}
