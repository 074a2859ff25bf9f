//! The keys that tokens for other services are signed with.

use serde_json::Value;
use uuid::Uuid;

use super::{Tx, audit};
use crate::config::MasterKey;
use crate::error::FlowError;
use crate::secrets::signing::{self, NewKey};

/// The key that signs now.
pub(crate) struct Active {
    pub(crate) id: Uuid,
    pub(crate) sealed: Vec<u8>,
}

/// Of one that makes a key: the others wait and find it made.
const LOCK: i64 = 0x51_1957_0001;

/// The key that signs now: made where there is none that this master key opens. One that has
/// signed for 90 days gets its successor, which signs a day later.
pub(crate) async fn active(tx: &mut Tx, master: &MasterKey) -> Result<Active, FlowError> {
    if let Some(found) = find(tx, master).await? {
        return Ok(found);
    }
    sqlx::query!("SELECT pg_advisory_xact_lock($1)", LOCK).execute(&mut **tx).await?;
    if let Some(found) = find(tx, master).await? {
        return Ok(found);
    }
    let first = sqlx::query_scalar!(
        "SELECT NOT EXISTS (SELECT 1 FROM signing_keys WHERE key_id = $1) AS \"first!\"",
        master.id()
    )
    .fetch_one(&mut **tx)
    .await?;
    let key = master.clone();
    let making = tokio::task::spawn_blocking(move || signing::make(&key)).await;
    let made = making.map_err(anyhow::Error::new)??;
    add(tx, master, &made, first).await?;
    find_any(tx, master).await?.ok_or_else(|| anyhow::anyhow!("the new key is gone").into())
}

/// The one that signs, unless it is time for the next.
async fn find(tx: &mut Tx, master: &MasterKey) -> Result<Option<Active>, FlowError> {
    let due = sqlx::query_scalar!(
        "SELECT coalesce(max(signs_from) < now() - interval '90 days', true) AS \"due!\"
         FROM signing_keys WHERE key_id = $1",
        master.id()
    )
    .fetch_one(&mut **tx)
    .await?;
    if due { Ok(None) } else { find_any(tx, master).await }
}

async fn find_any(tx: &mut Tx, master: &MasterKey) -> Result<Option<Active>, FlowError> {
    let row = sqlx::query!(
        "SELECT id, sealed FROM signing_keys WHERE key_id = $1 AND signs_from <= now()
         ORDER BY signs_from DESC LIMIT 1",
        master.id()
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(|row| Active { id: row.id, sealed: row.sealed }))
}

async fn add(tx: &mut Tx, master: &MasterKey, made: &NewKey, first: bool) -> Result<(), FlowError> {
    sqlx::query!(
        "INSERT INTO signing_keys (id, key_id, sealed, public, signs_from)
         VALUES ($1, $2, $3, $4, CASE WHEN $5 THEN now() ELSE now() + interval '1 day' END)",
        made.id,
        master.id(),
        made.sealed,
        made.public,
        first
    )
    .execute(&mut **tx)
    .await?;
    let detail = serde_json::json!({ "kid": made.id, "first": first });
    audit::write(tx, "slipway", "signing_key.make", &made.id.to_string(), detail).await?;
    Ok(())
}

/// The public halves of all keys whose tokens may still be shown to somebody, the newest first.
/// The others go.
pub(crate) async fn public(tx: &mut Tx) -> Result<Vec<Value>, FlowError> {
    sqlx::query!(
        "DELETE FROM signing_keys old WHERE EXISTS (
             SELECT 1 FROM signing_keys newer
             WHERE newer.signs_from > old.signs_from
               AND newer.signs_from < now() - interval '1 day')"
    )
    .execute(&mut **tx)
    .await?;
    let rows = sqlx::query_scalar!("SELECT public FROM signing_keys ORDER BY signs_from DESC")
        .fetch_all(&mut **tx)
        .await?;
    Ok(rows)
}
