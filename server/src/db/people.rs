//! People, and what they may do.

use std::collections::HashMap;

use slipway_pipelines::ids::{Id as _, RepoId, UserId};
use uuid::Uuid;

use super::forge_rights::BELIEVED;
use super::repos::{Repo, RepoKind};
use super::{Db, Tx, audit, new_id};
use crate::access::{Principal, Role, User};
use crate::error::FlowError;

pub(super) struct UserRow {
    pub(super) id: Uuid,
    pub(super) forge_id: i64,
    pub(super) login: String,
    pub(super) admin: bool,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        Self { id: row.id.into(), forge_id: row.forge_id, login: row.login, admin: row.admin }
    }
}

/// Somebody logged in: known from now on, by the account's number. A name that another account
/// had before is this one's now.
pub(crate) async fn meet(tx: &mut Tx, forge_id: i64, login: &str) -> Result<User, FlowError> {
    sqlx::query!(
        "UPDATE users SET login = login || '#' || forge_id
         WHERE lower(login) = lower($1) AND forge_id <> $2",
        login,
        forge_id
    )
    .execute(&mut **tx)
    .await?;
    let row = sqlx::query_as!(
        UserRow,
        "INSERT INTO users (id, forge_id, login) VALUES ($1, $2, $3)
         ON CONFLICT (forge_id) DO UPDATE SET login = EXCLUDED.login, seen_at = now()
         RETURNING id, forge_id, login, admin",
        new_id::<UserId>().as_uuid(),
        forge_id,
        login
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(row.into())
}

/// Everybody that ever logged in, by name.
pub(crate) async fn all(db: &Db) -> Result<Vec<User>, FlowError> {
    let rows = sqlx::query_as!(
        UserRow,
        "SELECT id, forge_id, login, admin FROM users ORDER BY lower(login) LIMIT 1000"
    )
    .fetch_all(db.pool())
    .await?;
    Ok(rows.into_iter().map(User::from).collect())
}

/// Who has this name now.
pub(crate) async fn by_login(db: &Db, login: &str) -> Result<Option<User>, FlowError> {
    let row = sqlx::query_as!(
        UserRow,
        "SELECT id, forge_id, login, admin FROM users WHERE lower(login) = lower($1)",
        login
    )
    .fetch_optional(db.pool())
    .await?;
    Ok(row.map(User::from))
}

/// Makes somebody an admin of the installation, or takes it back.
pub(crate) async fn set_admin(
    db: &Db,
    user: &User,
    admin: bool,
    actor: &str,
) -> Result<(), FlowError> {
    let mut tx = db.begin().await?;
    sqlx::query!("UPDATE users SET admin = $2 WHERE id = $1", user.id.as_uuid(), admin)
        .execute(&mut *tx)
        .await?;
    let detail = serde_json::json!({ "forge_id": user.forge_id, "admin": admin });
    audit::write(&mut tx, actor, "user.admin", &user.login, detail).await?;
    Ok(tx.commit().await?)
}

/// What somebody may do in this repo; none: for them it is not there.
pub(crate) async fn role(
    db: &Db,
    principal: &Principal,
    repo: &Repo,
) -> Result<Option<Role>, FlowError> {
    if principal.everywhere() {
        return Ok(principal.limited(repo.id, Some(Role::Admin)));
    }
    let Some(user) = principal.user() else { return Ok(None) };
    let words = sqlx::query_scalar!(
        r#"SELECT role AS "role!" FROM forge_rights
           WHERE user_id = $1 AND forge_id = $2 AND synced_at > now() - $4::text::interval
           UNION ALL SELECT role FROM repo_grants WHERE user_id = $1 AND repo_id = $3"#,
        user.id.as_uuid(),
        repo.forge_id,
        repo.id.as_uuid(),
        BELIEVED
    )
    .fetch_all(db.pool())
    .await?;
    let given = words.iter().filter_map(|word| word.parse().ok()).max();
    let public = is_public(repo.kind, repo.private).then_some(Role::Read);
    Ok(principal.limited(repo.id, given.max(public)))
}

/// What the forge shows to everybody is no secret here. A bare repository is nobody's but those
/// it was given to.
fn is_public(kind: RepoKind, private: bool) -> bool {
    kind == RepoKind::Github && !private
}

/// The repos that somebody sees.
#[derive(Debug)]
pub(crate) enum Visible {
    /// All of them.
    All,
    /// These, each with their role.
    These(HashMap<RepoId, Role>),
}

impl Visible {
    /// Is it one of them?
    pub(crate) fn has(&self, repo: impl Into<RepoId>) -> bool {
        match self {
            Self::All => true,
            Self::These(roles) => roles.contains_key(&repo.into()),
        }
    }
}

/// Which repos somebody sees.
pub(crate) async fn visible(db: &Db, principal: &Principal) -> Result<Visible, FlowError> {
    if principal.everywhere() && principal.only.is_none() {
        return Ok(Visible::All);
    }
    let everywhere = principal.everywhere();
    let user = principal.user().map(|user| user.id.as_uuid());
    let rows = sqlx::query!(
        r#"SELECT repos.id, repos.kind, repos.private, rights.role AS "forge?", grants.role AS "given?"
           FROM repos
           LEFT JOIN forge_rights rights ON rights.user_id = $1 AND rights.forge_id = repos.forge_id
                AND rights.synced_at > now() - $2::text::interval
           LEFT JOIN repo_grants grants ON grants.user_id = $1 AND grants.repo_id = repos.id"#,
        user,
        BELIEVED
    )
    .fetch_all(db.pool())
    .await?;
    let roles = rows.into_iter().filter_map(|row| {
        let id = RepoId::from(row.id);
        let words = [row.forge, row.given].into_iter().flatten();
        let given = words.filter_map(|word| word.parse().ok()).max();
        let public = (row.kind == "github" && !row.private).then_some(Role::Read);
        let given = if everywhere { Some(Role::Admin) } else { given.max(public) };
        Some((id, principal.limited(id, given)?))
    });
    Ok(Visible::These(roles.collect()))
}

/// Gives somebody a role in a repo, or takes what was given.
pub(crate) async fn grant(
    db: &Db,
    repo: &Repo,
    user: &User,
    role: Option<Role>,
    actor: &str,
) -> Result<(), FlowError> {
    let mut tx = db.begin().await?;
    sqlx::query!(
        "DELETE FROM repo_grants WHERE user_id = $1 AND repo_id = $2",
        user.id.as_uuid(),
        repo.id.as_uuid()
    )
    .execute(&mut *tx)
    .await?;
    if let Some(role) = role {
        sqlx::query!(
            "INSERT INTO repo_grants (user_id, repo_id, role) VALUES ($1, $2, $3)",
            user.id.as_uuid(),
            repo.id.as_uuid(),
            role.word()
        )
        .execute(&mut *tx)
        .await?;
    }
    let detail = serde_json::json!({ "user": user.login, "forge_id": user.forge_id, "role": role });
    audit::write(&mut tx, actor, "repo.grant", repo.name.as_str(), detail).await?;
    Ok(tx.commit().await?)
}

/// Who may do what in a repo, by the forge and by what was given here.
pub(crate) async fn members(db: &Db, repo: &Repo) -> Result<Vec<(User, Role)>, FlowError> {
    let rows = sqlx::query!(
        r#"SELECT users.id, users.forge_id, users.login, users.admin, x.role AS "role!"
           FROM (SELECT user_id, role FROM forge_rights WHERE forge_id = $1
                   AND synced_at > now() - $3::text::interval
                 UNION ALL SELECT user_id, role FROM repo_grants WHERE repo_id = $2) x
           JOIN users ON users.id = x.user_id ORDER BY lower(users.login) LIMIT 1000"#,
        repo.forge_id,
        repo.id.as_uuid(),
        BELIEVED
    )
    .fetch_all(db.pool())
    .await?;
    let mut members: Vec<(User, Role)> = Vec::new();
    for row in rows {
        let role: Role = row.role.parse()?;
        match members.last_mut().filter(|(user, _)| user.id == row.id.into()) {
            Some((_, known)) => *known = role.max(*known),
            None => {
                let id = row.id.into();
                let (forge_id, login, admin) = (row.forge_id, row.login, row.admin);
                members.push((User { id, forge_id, login, admin }, role));
            }
        }
    }
    Ok(members)
}
