//! Tokens of people's programs. Only hashes are stored: a copy of the database asks for nothing.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use slipway_pipelines::ids::{ApiTokenId, Id as _, RepoId};
use uuid::Uuid;

use super::people::UserRow;
use super::{Db, audit, new_id};
use crate::access::{Principal, Role, Who};
use crate::error::FlowError;

/// What every token begins with, so that scanners of secrets know one when they see it.
pub(crate) const PREFIX: &str = "slipway_";

/// So many may one person have at a time.
pub(crate) const MOST: i64 = 100;

/// How long a token holds, where nothing is said.
pub(crate) const USUAL_DAYS: i32 = 90;
/// A token for longer is a password that nobody remembers to change.
pub(crate) const MOST_DAYS: i32 = 366;
/// Of what a token is for, in characters.
const LONGEST_NAME: usize = 100;

/// What somebody asked for.
#[derive(Clone, Debug)]
pub(crate) struct NewToken {
    /// What for, in their words.
    pub(crate) name: String,
    /// The most that it lets a program do.
    pub(crate) most: Role,
    /// In one repo only.
    pub(crate) repo: Option<RepoId>,
    /// How long.
    pub(crate) days: i32,
}

/// A token, without itself.
#[derive(Clone, Debug)]
pub(crate) struct TokenRow {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) most: String,
    pub(crate) repo: Option<String>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) expires_at: DateTime<Utc>,
    pub(crate) last_used_at: Option<DateTime<Utc>>,
}

fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

fn owner(principal: &Principal) -> Option<Uuid> {
    principal.user().map(|user| user.id.as_uuid())
}

/// A token may be for no more than what the one who asks for it asks with: a program can not
/// raise itself.
fn check(principal: &Principal, new: &NewToken) -> Result<(), FlowError> {
    let name = new.name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.contains('\0') {
        let sentence = format!("Say in 1 to {LONGEST_NAME} characters what the token is for.");
        return Err(FlowError::Invalid(sentence));
    }
    if !(1..=MOST_DAYS).contains(&new.days) {
        return Err(FlowError::Invalid(format!("A token holds for 1 to {MOST_DAYS} days.")));
    }
    let wider = principal.only.is_some() && new.repo != principal.only;
    if new.most > principal.most || wider {
        let (most, asked) = (principal.most, new.most);
        let sentence =
            format!("A token for {most} can not make one for {asked}, nor for more repos.");
        return Err(FlowError::Invalid(sentence));
    }
    Ok(())
}

/// Makes a token of somebody; it is told this once.
///
/// # Errors
/// [`FlowError::Invalid`] for one that may not be made, [`FlowError::Conflict`] when they have too
/// many.
pub(crate) async fn create(
    db: &Db,
    principal: &Principal,
    new: &NewToken,
) -> Result<(ApiTokenId, String), FlowError> {
    check(principal, new)?;
    let token = format!("{PREFIX}{}", hex::encode(rand::random::<[u8; 32]>()));
    let (id, user) = (new_id::<ApiTokenId>(), owner(principal));
    let mut tx = db.begin().await?;
    let held = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM api_tokens
           WHERE user_id IS NOT DISTINCT FROM $1 AND revoked_at IS NULL AND expires_at > now()"#,
        user
    )
    .fetch_one(&mut *tx)
    .await?;
    if held >= MOST {
        return Err(FlowError::Conflict(format!(
            "There are {held} tokens already, and {MOST} is the most; revoke some first."
        )));
    }
    sqlx::query!(
        "INSERT INTO api_tokens (id, token_hash, user_id, name, most, repo_id, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(days => $7))",
        id.as_uuid(),
        hash(&token),
        user,
        new.name.trim(),
        new.most.word(),
        new.repo.map(|repo| repo.as_uuid()),
        new.days
    )
    .execute(&mut *tx)
    .await?;
    let detail = serde_json::json!({
        "token": id, "name": new.name, "most": new.most, "repo": new.repo, "days": new.days
    });
    audit::write(&mut tx, principal.actor(), "token.create", principal.actor(), detail).await?;
    tx.commit().await?;
    Ok((id, token))
}

/// The tokens of somebody that still hold.
pub(crate) async fn list(db: &Db, principal: &Principal) -> Result<Vec<TokenRow>, FlowError> {
    let rows = sqlx::query_as!(
        TokenRow,
        r#"SELECT t.id, t.name, t.most, repos.name AS "repo?", t.created_at, t.expires_at,
                  t.last_used_at
           FROM api_tokens t LEFT JOIN repos ON repos.id = t.repo_id
           WHERE t.user_id IS NOT DISTINCT FROM $1 AND t.revoked_at IS NULL
             AND t.expires_at > now()
           ORDER BY t.id DESC LIMIT 100"#,
        owner(principal)
    )
    .fetch_all(db.pool())
    .await?;
    Ok(rows)
}

/// Ends a token of somebody. False: they have no such one.
pub(crate) async fn revoke(
    db: &Db,
    principal: &Principal,
    id: ApiTokenId,
) -> Result<bool, FlowError> {
    let mut tx = db.begin().await?;
    let ended = sqlx::query!(
        "UPDATE api_tokens SET revoked_at = now()
         WHERE id = $1 AND user_id IS NOT DISTINCT FROM $2 AND revoked_at IS NULL",
        id.as_uuid(),
        owner(principal)
    )
    .execute(&mut *tx)
    .await?
    .rows_affected();
    if ended == 0 {
        return Ok(false);
    }
    let detail = serde_json::json!({ "token": id });
    audit::write(&mut tx, principal.actor(), "token.revoke", principal.actor(), detail).await?;
    tx.commit().await?;
    Ok(true)
}

/// Whose token this is and what it lets them do, while it holds.
pub(crate) async fn principal(db: &Db, token: &str) -> Result<Option<Principal>, FlowError> {
    if !token.starts_with(PREFIX) {
        return Ok(None);
    }
    let row = sqlx::query!(
        r#"SELECT t.id, t.most, t.repo_id, users.id AS "user_id?",
                  users.forge_id AS "forge_id?", users.login AS "login?", users.admin AS "admin?",
                  coalesce(t.last_used_at < now() - interval '1 minute', true) AS "due!"
           FROM api_tokens t LEFT JOIN users ON users.id = t.user_id
           WHERE t.token_hash = $1 AND t.revoked_at IS NULL AND t.expires_at > now()"#,
        hash(token)
    )
    .fetch_optional(db.pool())
    .await?;
    let Some(row) = row else { return Ok(None) };
    // To the minute: each call of a busy program is no write.
    if row.due {
        sqlx::query!("UPDATE api_tokens SET last_used_at = now() WHERE id = $1", row.id)
            .execute(db.pool())
            .await?;
    }
    let who = match (row.user_id, row.forge_id, row.login, row.admin) {
        (Some(id), Some(forge_id), Some(login), Some(admin)) => {
            Who::Person(UserRow { id, forge_id, login, admin }.into())
        }
        _ => Who::Operator,
    };
    Ok(Some(Principal { who, most: row.most.parse()?, only: row.repo_id.map(RepoId::from) }))
}
