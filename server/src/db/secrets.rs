//! Secrets of repos, sealed.

use slipway_pipelines::ids::{AttemptId, Id, RepoId};
use slipway_pipelines::names::{CommitSha, SecretName};
use slipway_pipelines::plan::SecretScope;
use slipway_pipelines::wire::api::SeenSecret;
use slipway_pipelines::wire::{Secret, SecretText};
use uuid::Uuid;

use super::repos::Repo;
use super::{Db, Tx, audit};
use crate::config::MasterKey;
use crate::error::FlowError;
use crate::secrets::{open, seal};
use crate::state::Server;

/// Stores a secret, or replaces its value.
///
/// # Errors
/// When Postgres does not answer.
pub async fn put(
    server: &Server,
    repo: &Repo,
    name: &SecretName,
    value: &SecretText,
    actor: &str,
) -> Result<(), FlowError> {
    let key = &server.config.master_key;
    // A new id with each value: old sealed bytes can not be put back under it.
    let id = Uuid::now_v7();
    let sealed = seal(key, id, repo.id, name.as_str(), value.expose().as_bytes());
    let mut tx = server.db.begin().await?;
    sqlx::query!(
        "INSERT INTO secrets (id, repo_id, name, key_id, sealed) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (repo_id, name) DO UPDATE SET id = EXCLUDED.id, key_id = EXCLUDED.key_id,
             sealed = EXCLUDED.sealed, updated_at = now()",
        id,
        repo.id.as_uuid(),
        name.as_str(),
        key.id(),
        sealed
    )
    .execute(&mut *tx)
    .await?;
    let detail = serde_json::json!({ "name": name });
    audit::write(&mut tx, actor, "secret.set", repo.name.as_str(), detail).await?;
    tx.commit().await?;
    Ok(())
}

/// The names of the repo's secrets. Values are never read back to people.
///
/// # Errors
/// When Postgres does not answer.
pub async fn list(db: &Db, repo: RepoId) -> Result<Vec<SecretName>, FlowError> {
    let names = sqlx::query_scalar!(
        "SELECT name FROM secrets WHERE repo_id = $1 ORDER BY name",
        repo.as_uuid()
    )
    .fetch_all(db.pool())
    .await?;
    names.into_iter().map(|name| Ok(name.parse()?)).collect()
}

/// Removes a secret.
///
/// # Errors
/// [`FlowError::NotFound`] if there is none of this name.
pub async fn remove(
    server: &Server,
    repo: &Repo,
    name: &SecretName,
    actor: &str,
) -> Result<(), FlowError> {
    let mut tx = server.db.begin().await?;
    let rows = sqlx::query!(
        "DELETE FROM secrets WHERE repo_id = $1 AND name = $2",
        repo.id.as_uuid(),
        name.as_str()
    )
    .execute(&mut *tx)
    .await?
    .rows_affected();
    if rows == 0 {
        return Err(FlowError::NotFound);
    }
    let detail = serde_json::json!({ "name": name });
    audit::write(&mut tx, actor, "secret.remove", repo.name.as_str(), detail).await?;
    tx.commit().await?;
    Ok(())
}

/// Which secrets the runs of this commit were given (S9), the newest first, at most `most`. A pull
/// request's commit is its merge commit, and its head.
///
/// # Errors
/// When Postgres does not answer.
pub(crate) async fn seen_by(
    db: &Db,
    repo: RepoId,
    commit: &CommitSha,
    most: i64,
) -> Result<Vec<SeenSecret>, FlowError> {
    // Each of the two ways has its index, which an OR of both would not use.
    let seen = sqlx::query_as!(
        SeenSecret,
        r#"SELECT g.name, EXISTS (SELECT 1 FROM secrets s WHERE s.id = g.secret_id) AS "current!",
                r.id AS run_id, r.number AS run, j.number AS "job?", a.id AS attempt_id,
                a.number AS attempt, w.name AS worker, g.at
         FROM runs r JOIN attempts a ON a.run_id = r.id
         JOIN secret_grants g ON g.attempt_id = a.id
         JOIN workers w ON w.id = a.worker_id
         JOIN assignments s ON s.id = a.assignment_id
         LEFT JOIN jobs j ON j.id = coalesce(a.job_id, s.job_id)
         WHERE r.id IN (SELECT id FROM runs WHERE repo_id = $1 AND commit_sha = $2
                        UNION
                        SELECT id FROM runs WHERE repo_id = $1
                            AND trigger #>> '{event,head}' = $2)
         ORDER BY g.at DESC, a.id DESC, g.name LIMIT $3"#,
        repo.as_uuid(),
        commit.as_str(),
        most
    )
    .fetch_all(db.pool())
    .await?;
    Ok(seen)
}

/// A secret that was sealed with another master key, or is damaged.
#[derive(Debug, thiserror::Error)]
#[error("secret {0} does not open with the master key of this server: set it again")]
pub(crate) struct Unopened(SecretName);

/// Opens the secrets that `scope` asks for and writes down that the attempt saw them.
pub(crate) async fn grant(
    tx: &mut Tx,
    key: &MasterKey,
    repo: RepoId,
    attempt: AttemptId,
    scope: &SecretScope,
) -> Result<Vec<Secret>, FlowError> {
    let rows = sqlx::query!(
        "SELECT id, name, sealed FROM secrets WHERE repo_id = $1 ORDER BY name",
        repo.as_uuid()
    )
    .fetch_all(&mut **tx)
    .await?;
    let mut granted = Vec::new();
    for row in rows {
        let name: SecretName = row.name.parse()?;
        let asked = match scope {
            SecretScope::All => true,
            SecretScope::Named { names } => names.contains(&name),
        };
        if !asked {
            continue;
        }
        let value = open(key, row.id, repo, name.as_str(), &row.sealed)
            .map_err(|_| anyhow::Error::new(Unopened(name.clone())))?;
        let value = SecretText::new(String::from_utf8_lossy(&value).into_owned());
        sqlx::query!(
            "INSERT INTO secret_grants (attempt_id, secret_id, name) VALUES ($1, $2, $3)
             ON CONFLICT DO NOTHING",
            attempt.as_uuid(),
            row.id,
            name.as_str()
        )
        .execute(&mut **tx)
        .await?;
        granted.push(Secret { name, value });
    }
    Ok(granted)
}
