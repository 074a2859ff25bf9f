//! Logins that have begun: between "log in with GitHub" and GitHub's answer.

use sha2::{Digest, Sha256};

use super::Db;
use crate::error::FlowError;

/// A login that came back.
#[derive(Debug)]
pub(crate) struct CameBack {
    /// The half of PKCE that stayed here.
    pub(crate) verifier: String,
    /// Where the person wanted to go.
    pub(crate) next: String,
}

fn hash(state: &str) -> Vec<u8> {
    Sha256::digest(state.as_bytes()).to_vec()
}

/// One begins: good once, for ten minutes.
pub(crate) async fn begin(
    db: &Db,
    state: &str,
    verifier: &str,
    next: &str,
) -> Result<(), FlowError> {
    let mut tx = db.begin().await?;
    sqlx::query!("DELETE FROM login_states WHERE expires_at < now()").execute(&mut *tx).await?;
    sqlx::query!(
        "INSERT INTO login_states (state_hash, verifier, next, expires_at)
         VALUES ($1, $2, $3, now() + interval '10 minutes')",
        hash(state),
        verifier,
        next
    )
    .execute(&mut *tx)
    .await?;
    Ok(tx.commit().await?)
}

/// It came back, and is used up. None: it never began here, is too old, or came back before.
pub(crate) async fn take(db: &Db, state: &str) -> Result<Option<CameBack>, FlowError> {
    let row = sqlx::query_as!(
        CameBack,
        "DELETE FROM login_states WHERE state_hash = $1 AND expires_at > now()
         RETURNING verifier, next",
        hash(state)
    )
    .fetch_optional(db.pool())
    .await?;
    Ok(row)
}
