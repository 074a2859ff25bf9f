//! Who did what to which. Rows are never changed.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::{Db, Tx};

/// Writes one row.
///
/// # Errors
/// When Postgres refuses it.
pub async fn write(
    tx: &mut Tx,
    actor: &str,
    action: &str,
    target: &str,
    detail: serde_json::Value,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO audit (id, actor, action, target, detail) VALUES ($1, $2, $3, $4, $5)",
        Uuid::now_v7(),
        actor,
        action,
        target,
        detail
    )
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// One row.
#[derive(Debug, Serialize)]
pub(crate) struct Entry {
    pub(crate) id: Uuid,
    pub(crate) at: DateTime<Utc>,
    pub(crate) actor: String,
    /// `secret.set`, `deploy.approve`, …
    pub(crate) action: String,
    /// A repo, an environment of it (`acme/web/production`), a person, or `installation`.
    pub(crate) target: String,
    pub(crate) detail: serde_json::Value,
}

/// Which rows.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    pub(crate) actor: Option<String>,
    /// Whole, or a beginning that ends with a dot: `secret.`.
    pub(crate) action: Option<String>,
    pub(crate) target: Option<String>,
    /// This repo, and what is in it.
    pub(crate) within: Option<String>,
    /// Only older ones.
    pub(crate) before: Option<Uuid>,
    pub(crate) limit: i64,
}

/// The newest first.
pub(crate) async fn list(db: &Db, filter: &Filter) -> Result<Vec<Entry>, sqlx::Error> {
    sqlx::query_as!(
        Entry,
        "SELECT id, at, actor, action, target, detail FROM audit
         WHERE ($1::text IS NULL OR actor = $1)
           AND ($2::text IS NULL OR action = $2
                OR right($2, 1) = '.' AND starts_with(action, $2))
           AND ($3::text IS NULL OR target = $3)
           AND ($4::text IS NULL OR target = $4 OR starts_with(target, $4 || '/'))
           AND ($5::uuid IS NULL OR id < $5)
         ORDER BY id DESC LIMIT $6",
        filter.actor,
        filter.action,
        filter.target,
        filter.within,
        filter.before,
        filter.limit
    )
    .fetch_all(db.pool())
    .await
}
