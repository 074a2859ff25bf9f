//! What the forge lets people do in its repositories, as it said when it was asked.

use slipway_pipelines::ids::{Id as _, UserId};

use super::people::UserRow;
use super::{Db, Tx};
use crate::access::{Role, User};
use crate::error::FlowError;
use crate::github::payloads::RightsOf;
use crate::github::people::Right;

/// What the forge said a person may do is believed for so long. It is asked every hour; when it
/// can not be asked for a day, nobody rests on its word of yesterday.
pub(super) const BELIEVED: &str = "24 hours";

/// Takes over all that the forge says a person may do: what it does not name, they may not.
pub(crate) async fn set_rights(
    tx: &mut Tx,
    user: UserId,
    rights: Vec<Right>,
) -> Result<(), FlowError> {
    sqlx::query!("DELETE FROM forge_rights WHERE user_id = $1", user.as_uuid())
        .execute(&mut **tx)
        .await?;
    let ids: Vec<i64> = rights.iter().map(|right| right.repo).collect();
    let names: Vec<String> = rights.iter().map(|right| right.full_name.clone()).collect();
    let private: Vec<bool> = rights.iter().map(|right| right.private).collect();
    let roles: Vec<String> = rights.iter().map(|right| right.role.word().to_owned()).collect();
    sqlx::query!(
        "INSERT INTO forge_rights (user_id, forge_id, full_name, private, role)
         SELECT $1, x.* FROM unnest($2::bigint[], $3::text[], $4::bool[], $5::text[]) AS x
         ON CONFLICT DO NOTHING",
        user.as_uuid(),
        &ids,
        &names,
        &private,
        &roles
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A right that the forge was last asked about more than an hour ago.
#[derive(Debug)]
pub(crate) struct Due {
    /// Whose.
    pub(crate) user: User,
    /// In which repository of the forge,
    pub(crate) forge_id: i64,
    /// as it is called here.
    pub(crate) repo: String,
}

/// The oldest of them, of people that have a session or a token, in repos that are here.
pub(crate) async fn due(db: &Db, limit: i64) -> Result<Vec<Due>, FlowError> {
    let rows = sqlx::query!(
        "SELECT users.id, users.forge_id AS account, users.login, users.admin, r.forge_id,
                repos.name AS repo
         FROM forge_rights r JOIN users ON users.id = r.user_id
         JOIN repos ON repos.forge_id = r.forge_id
         WHERE r.synced_at < now() - interval '1 hour'
           AND (EXISTS (SELECT 1 FROM sessions s WHERE s.user_id = r.user_id AND s.expires_at > now())
                OR EXISTS (SELECT 1 FROM api_tokens t WHERE t.user_id = r.user_id
                             AND t.revoked_at IS NULL AND t.expires_at > now()))
         ORDER BY r.synced_at LIMIT $1",
        limit
    )
    .fetch_all(db.pool())
    .await?;
    let due = rows.into_iter().map(|row| {
        let (id, forge_id, login, admin) = (row.id, row.account, row.login, row.admin);
        let user = UserRow { id, forge_id, login, admin }.into();
        Due { user, forge_id: row.forge_id, repo: row.repo }
    });
    Ok(due.collect())
}

/// Takes over what the forge says of one right now; none: it is over.
pub(crate) async fn set_right(
    db: &Db,
    user: &User,
    forge_id: i64,
    role: Option<Role>,
) -> Result<(), FlowError> {
    sqlx::query!(
        "WITH gone AS (DELETE FROM forge_rights
                       WHERE user_id = $1 AND forge_id = $2 AND $3::text IS NULL)
         UPDATE forge_rights SET role = coalesce($3, role), synced_at = now()
         WHERE user_id = $1 AND forge_id = $2 AND $3::text IS NOT NULL",
        user.id.as_uuid(),
        forge_id,
        role.map(Role::word)
    )
    .execute(db.pool())
    .await?;
    Ok(())
}

/// The forge told that somebody's rights in a repository changed: it is asked at the next look,
/// and until then they may no more than they might after the change.
pub(crate) async fn rights_changed(tx: &mut Tx, of: &RightsOf) -> Result<(), FlowError> {
    let (repo, owner) = match of {
        RightsOf::Repo(id) => (Some(*id), None),
        RightsOf::Owner(name) => (None, Some(name)),
    };
    sqlx::query!(
        "UPDATE forge_rights SET synced_at = now() - interval '25 hours'
         WHERE forge_id = $1 OR starts_with(lower(full_name), lower($2::text) || '/')",
        repo,
        owner
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What the forge lets somebody do in one of its repositories, whether or not it is a repo here.
pub(crate) async fn forge_role(
    db: &Db,
    user: &User,
    full_name: &str,
) -> Result<Option<Role>, FlowError> {
    let role = sqlx::query_scalar!(
        "SELECT role FROM forge_rights WHERE user_id = $1 AND lower(full_name) = lower($2)
           AND synced_at > now() - $3::text::interval",
        user.id.as_uuid(),
        full_name,
        BELIEVED
    )
    .fetch_optional(db.pool())
    .await?;
    Ok(role.map(|word| word.parse()).transpose()?)
}

/// The repositories of the forge that somebody may switch on, or see that they are on.
pub(crate) async fn rights(db: &Db, user: &User) -> Result<Vec<Right>, FlowError> {
    let rows = sqlx::query!(
        "SELECT forge_id, full_name, private, role FROM forge_rights
         WHERE user_id = $1 AND synced_at > now() - $2::text::interval
         ORDER BY lower(full_name) LIMIT 3000",
        user.id.as_uuid(),
        BELIEVED
    )
    .fetch_all(db.pool())
    .await?;
    let rights = rows.into_iter().map(|row| {
        let (forge_id, full_name, private) = (row.forge_id, row.full_name, row.private);
        Ok(Right { repo: forge_id, full_name, private, role: row.role.parse()? })
    });
    rights.collect()
}
