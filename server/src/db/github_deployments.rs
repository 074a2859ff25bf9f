//! What GitHub shows of deployments, and what it should. A row is due while GitHub has not taken
//! the deployment's present state: nothing has to raise it.

use std::time::Duration;

use slipway_pipelines::ids::{DeploymentId, Id};

use super::{Db, Tx};
use crate::error::FlowError;

pub(crate) struct Due {
    pub(crate) deployment: DeploymentId,
    /// GitHub's own number of it.
    pub(crate) github_id: Option<i64>,
    /// This one counted.
    pub(crate) tries: i32,
}

/// Deployments that GitHub shows otherwise than they are, put out of others' reach for `busy`.
/// What nobody could be told for a week is given up.
pub(crate) async fn take_due(
    tx: &mut Tx,
    busy: Duration,
    limit: i64,
) -> Result<Vec<Due>, FlowError> {
    let rows = sqlx::query!(
        "WITH near AS (
             SELECT id FROM deployments WHERE created_at > now() - interval '7 days'
             UNION SELECT deployment_id FROM github_deployments WHERE told = 'live'),
         due AS (
             SELECT d.id FROM near JOIN deployments d ON d.id = near.id
                  JOIN environments e ON e.id = d.environment_id
                  JOIN repos r ON r.id = e.repo_id
                  LEFT JOIN github_deployments g ON g.deployment_id = d.id
             WHERE r.kind = 'github' AND coalesce(g.available_at, '-infinity') <= now()
               AND g.told IS DISTINCT FROM
                   CASE WHEN d.state = 'live' AND e.live_deployment IS DISTINCT FROM d.id
                        THEN 'was_live' ELSE d.state END
             ORDER BY d.id LIMIT $2)
         INSERT INTO github_deployments AS t (deployment_id, tries, available_at)
         SELECT id, 1, now() + make_interval(secs => $1) FROM due
         ON CONFLICT (deployment_id) DO UPDATE
             SET tries = t.tries + 1, available_at = excluded.available_at
             WHERE t.available_at <= now()
         RETURNING deployment_id, github_id, tries",
        busy.as_secs_f64(),
        limit
    )
    .fetch_all(&mut **tx)
    .await?;
    let due = rows.into_iter().map(|row| Due {
        deployment: row.deployment_id.into(),
        github_id: row.github_id,
        tries: row.tries,
    });
    Ok(due.collect())
}

/// What is true of a deployment now.
pub(crate) struct Fact {
    pub(crate) repo: String,
    pub(crate) environment: String,
    pub(crate) run: i32,
    pub(crate) subject: String,
    /// The commit of its version.
    pub(crate) commit: Option<String>,
    /// Its state; `was_live` once another one serves.
    pub(crate) word: String,
    pub(crate) reason: Option<String>,
    pub(crate) url: Option<String>,
}

pub(crate) async fn fact(db: &Db, id: DeploymentId) -> Result<Fact, FlowError> {
    let fact = sqlx::query_as!(
        Fact,
        r#"SELECT r.name AS repo, e.name AS environment, runs.number AS run, runs.subject,
                  d.version ->> 'commit' AS commit, d.reason, coalesce(d.url, e.url) AS url,
                  CASE WHEN d.state = 'live' AND e.live_deployment IS DISTINCT FROM d.id
                       THEN 'was_live' ELSE d.state END AS "word!"
           FROM deployments d JOIN environments e ON e.id = d.environment_id
                JOIN repos r ON r.id = e.repo_id JOIN runs ON runs.id = d.run_id
           WHERE d.id = $1"#,
        id.as_uuid()
    )
    .fetch_optional(db.pool())
    .await?;
    fact.ok_or(FlowError::NotFound)
}

/// GitHub has made it, or it is there no more.
pub(crate) async fn set_github_id(
    tx: &mut Tx,
    id: DeploymentId,
    github_id: Option<i64>,
) -> Result<(), FlowError> {
    sqlx::query!(
        "UPDATE github_deployments SET github_id = $2 WHERE deployment_id = $1",
        id.as_uuid(),
        github_id
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// GitHub took this word. Another one is due after a moment.
pub(crate) async fn told(tx: &mut Tx, id: DeploymentId, word: &str) -> Result<(), FlowError> {
    sqlx::query!(
        "UPDATE github_deployments SET told = $2, tries = 0, last_error = NULL,
             available_at = now() + interval '1 second'
         WHERE deployment_id = $1",
        id.as_uuid(),
        word
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// GitHub did not take it; again after `delay`.
pub(crate) async fn failed(
    tx: &mut Tx,
    id: DeploymentId,
    error: &str,
    delay: Duration,
) -> Result<(), FlowError> {
    sqlx::query!(
        "UPDATE github_deployments SET last_error = $2,
             available_at = now() + make_interval(secs => $3)
         WHERE deployment_id = $1",
        id.as_uuid(),
        error,
        delay.as_secs_f64()
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
