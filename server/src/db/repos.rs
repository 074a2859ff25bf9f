//! Repos.

use slipway_pipelines::ids::{Id, RepoId};
use slipway_pipelines::names::{CommitSha, RepoName};
use slipway_pipelines::wire::SecretText;

use super::{Db, Tx, audit, new_id, ref_heads};
use crate::config::MasterKey;
use crate::error::FlowError;
use crate::secrets;
use crate::state::Server;

/// Where a repo lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RepoKind {
    /// A bare repository on this machine.
    Git,
    /// A repository of the forge.
    Github,
}

impl RepoKind {
    /// The word that is stored.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Git => "git",
            Self::Github => "github",
        }
    }
}

/// A repo that Slipway builds.
#[derive(Clone, Debug)]
pub struct Repo {
    /// Its id.
    pub id: RepoId,
    /// `OWNER/NAME`.
    pub name: RepoName,
    /// Where it lives.
    pub kind: RepoKind,
    /// For `git fetch`; never with a credential.
    pub clone_url: String,
    /// Its default branch.
    pub default_branch: String,
    /// Deliveries of a disabled repo start nothing.
    pub enabled: bool,
    /// The forge's number for it, once it is known.
    pub forge_id: Option<i64>,
    /// Only with a credential can it be read.
    pub private: bool,
    /// Do pushes start runs?
    pub build_pushes: bool,
    /// Do pull requests?
    pub build_pull_requests: bool,
}

/// What `repo add` says.
#[derive(Clone, Debug)]
pub struct NewRepo {
    /// `OWNER/NAME`.
    pub name: RepoName,
    /// Where it lives.
    pub kind: RepoKind,
    /// For `git fetch`; never with a credential.
    pub clone_url: String,
    /// Its default branch.
    pub default_branch: String,
    /// The forge's number for it, where the forge was asked.
    pub forge_id: Option<i64>,
    /// Only with a credential can it be read.
    pub private: bool,
}

/// What may be changed of a repo.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Do its deliveries start runs?
    pub enabled: Option<bool>,
    /// Another default branch.
    pub default_branch: Option<String>,
    /// Do pushes start runs?
    pub build_pushes: Option<bool>,
    /// Do pull requests?
    pub build_pull_requests: Option<bool>,
    /// How long are containers of failed jobs kept for shells, in seconds?
    pub keep_failed_seconds: Option<i32>,
}

pub(super) struct Row {
    pub(super) id: uuid::Uuid,
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) clone_url: String,
    pub(super) default_branch: String,
    pub(super) enabled: bool,
    pub(super) forge_id: Option<i64>,
    pub(super) private: bool,
    pub(super) build_pushes: bool,
    pub(super) build_pull_requests: bool,
}

impl Row {
    pub(super) fn decode(self) -> Result<Repo, FlowError> {
        let kind = if self.kind == "git" { RepoKind::Git } else { RepoKind::Github };
        Ok(Repo {
            id: self.id.into(),
            name: self.name.parse()?,
            kind,
            clone_url: self.clone_url,
            default_branch: self.default_branch,
            enabled: self.enabled,
            forge_id: self.forge_id,
            private: self.private,
            build_pushes: self.build_pushes,
            build_pull_requests: self.build_pull_requests,
        })
    }
}

const KEY_NAME: &str = "webhook_key";

/// Adds a repo; answers it with its webhook key, in hex. `heads` are the refs that it has: they
/// start nothing.
///
/// # Errors
/// [`FlowError::Conflict`] when the name is taken.
pub async fn create(
    server: &Server,
    new: NewRepo,
    heads: &[(String, CommitSha)],
    actor: &str,
) -> Result<(Repo, SecretText), FlowError> {
    let id: RepoId = new_id();
    let key = hex::encode(rand::random::<[u8; 32]>());
    let sealed =
        secrets::seal(&server.config.master_key, id.as_uuid(), id, KEY_NAME, key.as_bytes());
    let mut tx = server.db.begin().await?;
    let rows = sqlx::query!(
        "INSERT INTO repos (id, name, kind, clone_url, default_branch, webhook_key, forge_id, private)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        id.as_uuid(),
        new.name.as_str(),
        new.kind.word(),
        new.clone_url,
        new.default_branch,
        sealed,
        new.forge_id,
        new.private
    )
    .execute(&mut *tx)
    .await?
    .rows_affected();
    if rows == 0 {
        return Err(FlowError::Conflict(format!("there is already a repo named {}", new.name)));
    }
    ref_heads::start_from(&mut tx, id, heads).await?;
    audit::write(&mut tx, actor, "repo.add", new.name.as_str(), serde_json::json!({})).await?;
    tx.commit().await?;
    let repo = Repo {
        id,
        name: new.name,
        kind: new.kind,
        clone_url: new.clone_url,
        default_branch: new.default_branch,
        enabled: true,
        forge_id: new.forge_id,
        private: new.private,
        build_pushes: true,
        build_pull_requests: true,
    };
    Ok((repo, SecretText::new(key)))
}

/// Changes a repo.
///
/// # Errors
/// [`FlowError::NotFound`] if it was removed meanwhile.
pub async fn change(
    server: &Server,
    repo: &Repo,
    changes: &Changes,
    actor: &str,
) -> Result<Repo, FlowError> {
    let mut tx = server.db.begin().await?;
    sqlx::query!(
        "UPDATE repos SET enabled = coalesce($2, enabled),
             default_branch = coalesce($3, default_branch),
             build_pushes = coalesce($4, build_pushes),
             build_pull_requests = coalesce($5, build_pull_requests),
             keep_failed_seconds = coalesce($6, keep_failed_seconds) WHERE id = $1",
        repo.id.as_uuid(),
        changes.enabled,
        changes.default_branch,
        changes.build_pushes,
        changes.build_pull_requests,
        changes.keep_failed_seconds
    )
    .execute(&mut *tx)
    .await?;
    let changed = by_id(&mut tx, repo.id).await?;
    let action = match changes.enabled {
        Some(true) => "repo.enable",
        Some(false) => "repo.disable",
        None => "repo.change",
    };
    let detail = serde_json::json!({
        "default_branch": changes.default_branch,
        "build_pushes": changes.build_pushes,
        "build_pull_requests": changes.build_pull_requests,
        "keep_failed_seconds": changes.keep_failed_seconds,
    });
    audit::write(&mut tx, actor, action, repo.name.as_str(), detail).await?;
    tx.commit().await?;
    Ok(changed)
}

/// Removes a repo with all that Slipway knows of it. What its workers still do is fenced off;
/// what is deployed stays where it is, and so does the audit.
///
/// # Errors
/// [`FlowError::NotFound`] if it was removed meanwhile.
pub async fn remove(server: &Server, repo: &Repo, actor: &str) -> Result<(), FlowError> {
    let mut tx = server.db.begin().await?;
    let rows = sqlx::query!("DELETE FROM repos WHERE id = $1", repo.id.as_uuid())
        .execute(&mut *tx)
        .await?
        .rows_affected();
    if rows == 0 {
        return Err(FlowError::NotFound);
    }
    audit::write(&mut tx, actor, "repo.remove", repo.name.as_str(), serde_json::json!({})).await?;
    tx.commit().await?;
    Ok(())
}

/// The repo of this name.
///
/// # Errors
/// When Postgres does not answer.
pub async fn by_name(db: &Db, name: &RepoName) -> Result<Option<Repo>, FlowError> {
    sqlx::query_as!(
        Row,
        "SELECT id, name, kind, clone_url, default_branch, enabled, forge_id, private, build_pushes,
                build_pull_requests
         FROM repos WHERE name = $1",
        name.as_str()
    )
    .fetch_optional(db.pool())
    .await?
    .map(Row::decode)
    .transpose()
}

/// All repos, by name.
///
/// # Errors
/// When Postgres does not answer.
pub async fn list(db: &Db) -> Result<Vec<Repo>, FlowError> {
    sqlx::query_as!(
        Row,
        "SELECT id, name, kind, clone_url, default_branch, enabled, forge_id, private, build_pushes,
                build_pull_requests
         FROM repos ORDER BY name"
    )
    .fetch_all(db.pool())
    .await?
    .into_iter()
    .map(Row::decode)
    .collect()
}

/// The id of the repo of this name and its sealed webhook key: all that a delivery needs, in
/// one query.
pub(crate) async fn signer(
    db: &Db,
    name: &RepoName,
) -> Result<Option<(RepoId, Vec<u8>)>, FlowError> {
    let row = sqlx::query!("SELECT id, webhook_key FROM repos WHERE name = $1", name.as_str())
        .fetch_optional(db.pool())
        .await?;
    Ok(row.map(|row| (row.id.into(), row.webhook_key)))
}

/// The key that signs the repo's deliveries, as [`create`] gave it (hex text; its bytes sign).
///
/// # Errors
/// When it was sealed with another master key.
pub(crate) fn open_key(
    master: &MasterKey,
    repo: RepoId,
    sealed: &[u8],
) -> Result<SecretText, FlowError> {
    let key = secrets::open(master, repo.as_uuid(), repo, KEY_NAME, sealed)
        .map_err(|error| FlowError::Internal(error.into()))?;
    Ok(SecretText::new(String::from_utf8_lossy(&key).into_owned()))
}

pub(crate) async fn by_id(tx: &mut Tx, id: RepoId) -> Result<Repo, FlowError> {
    sqlx::query_as!(
        Row,
        "SELECT id, name, kind, clone_url, default_branch, enabled, forge_id, private, build_pushes,
                build_pull_requests
         FROM repos WHERE id = $1",
        id.as_uuid()
    )
    .fetch_optional(&mut **tx)
    .await?
    .ok_or(FlowError::NotFound)?
    .decode()
}

/// Locks a repo until the transaction ends; false if it was removed.
pub(crate) async fn lock(tx: &mut Tx, id: RepoId) -> Result<bool, FlowError> {
    let row = sqlx::query!("SELECT id FROM repos WHERE id = $1 FOR NO KEY UPDATE", id.as_uuid())
        .fetch_optional(&mut **tx)
        .await?;
    Ok(row.is_some())
}
