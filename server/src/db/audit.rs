//! Who did what to which. Rows are never changed.

use super::Tx;

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
        uuid::Uuid::now_v7(),
        actor,
        action,
        target,
        detail
    )
    .execute(&mut **tx)
    .await
    .map(drop)
}
