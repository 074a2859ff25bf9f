//! Runs that somebody asked for, and the keys they were asked for with.

use slipway_pipelines::ids::{Id, RepoId, RunId, RunNumber};

use super::Tx;
use crate::error::FlowError;

/// The run that this key started.
pub(crate) async fn by_key<'e, E>(
    executor: E,
    repo: RepoId,
    key: &str,
) -> Result<Option<RunNumber>, FlowError>
where
    E: sqlx::Executor<'e, Database = sqlx::Postgres>,
{
    let number = sqlx::query_scalar!(
        "SELECT r.number FROM run_keys k JOIN runs r ON r.id = k.run_id
         WHERE k.repo_id = $1 AND k.key = $2",
        repo.as_uuid(),
        key
    )
    .fetch_optional(executor)
    .await?;
    Ok(number.map(RunNumber))
}

/// Remembers which run a key started.
pub(crate) async fn remember(
    tx: &mut Tx,
    repo: RepoId,
    key: &str,
    run: RunId,
) -> Result<(), FlowError> {
    sqlx::query!(
        "INSERT INTO run_keys (repo_id, key, run_id) VALUES ($1, $2, $3)",
        repo.as_uuid(),
        key,
        run.as_uuid()
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// How many runs of a repo were asked for within the last hour; re-runs do not count.
pub(crate) async fn within_an_hour(tx: &mut Tx, repo: RepoId) -> Result<i64, FlowError> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM runs WHERE repo_id = $1 AND event = 'api'
           AND rerun_of IS NULL AND created_at > now() - interval '1 hour'"#,
        repo.as_uuid()
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(count)
}
