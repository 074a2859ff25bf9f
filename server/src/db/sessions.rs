//! Login links and sessions. Only hashes are stored: a copy of the database logs nobody in.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use slipway_pipelines::ids::Id as _;

use super::{Db, Tx, audit};
use crate::access::{User, Who};
use crate::error::FlowError;

fn token() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

/// Makes a login link's token: good once, for ten minutes.
pub(crate) async fn make_link(db: &Db, actor: &str) -> Result<String, FlowError> {
    let link = token();
    let mut tx = db.begin().await?;
    sqlx::query!("DELETE FROM login_links WHERE expires_at < now()").execute(&mut *tx).await?;
    sqlx::query!("DELETE FROM sessions WHERE expires_at < now()").execute(&mut *tx).await?;
    sqlx::query!(
        "INSERT INTO login_links (token_hash, expires_at)
         VALUES ($1, now() + interval '10 minutes')",
        hash(&link)
    )
    .execute(&mut *tx)
    .await?;
    audit::write(&mut tx, actor, "login_link.make", "installation", serde_json::json!({})).await?;
    tx.commit().await?;
    Ok(link)
}

/// Uses a login link up; answers the new session's token. `None`: used, expired, or never made.
pub(crate) async fn redeem(db: &Db, link: &str, actor: &str) -> Result<Option<String>, FlowError> {
    let mut tx = db.begin().await?;
    let used = sqlx::query!(
        "DELETE FROM login_links WHERE token_hash = $1 AND expires_at > now()",
        hash(link)
    )
    .execute(&mut *tx)
    .await?
    .rows_affected();
    if used == 0 {
        return Ok(None);
    }
    let session = token();
    sqlx::query!(
        "INSERT INTO sessions (token_hash, actor, expires_at)
         VALUES ($1, $2, now() + interval '30 days')",
        hash(&session),
        actor
    )
    .execute(&mut *tx)
    .await?;
    audit::write(&mut tx, actor, "session.begin", "installation", serde_json::json!({})).await?;
    tx.commit().await?;
    Ok(Some(session))
}

/// Begins the session of somebody that the forge knows; answers its token.
pub(crate) async fn begin(tx: &mut Tx, user: &User) -> Result<String, FlowError> {
    let session = token();
    sqlx::query!(
        "INSERT INTO sessions (token_hash, actor, user_id, expires_at)
         VALUES ($1, $2, $3, now() + interval '30 days')",
        hash(&session),
        user.login,
        user.id.as_uuid()
    )
    .execute(&mut **tx)
    .await?;
    let detail = serde_json::json!({ "forge_id": user.forge_id });
    audit::write(tx, &user.login, "session.begin", "installation", detail).await?;
    Ok(session)
}

/// Ends a session.
pub(crate) async fn end(db: &Db, session: &str, actor: &str) -> Result<(), FlowError> {
    let mut tx = db.begin().await?;
    sqlx::query!("DELETE FROM sessions WHERE token_hash = $1", hash(session))
        .execute(&mut *tx)
        .await?;
    audit::write(&mut tx, actor, "session.end", "installation", serde_json::json!({})).await?;
    Ok(tx.commit().await?)
}

/// Whose session this is, while it lasts.
pub(crate) async fn who(db: &Db, session: &str) -> Result<Option<Who>, FlowError> {
    let row = sqlx::query!(
        r#"SELECT users.id AS "id?", users.forge_id AS "forge_id?", users.login AS "login?",
                  users.admin AS "admin?"
           FROM sessions LEFT JOIN users ON users.id = sessions.user_id
           WHERE token_hash = $1 AND expires_at > now()"#,
        hash(session)
    )
    .fetch_optional(db.pool())
    .await?;
    Ok(row.map(|row| match (row.id, row.forge_id, row.login, row.admin) {
        (Some(id), Some(forge_id), Some(login), Some(admin)) => {
            Who::Person(User { id: id.into(), forge_id, login, admin })
        }
        _ => Who::Operator,
    }))
}
