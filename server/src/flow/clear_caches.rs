//! Somebody clears caches of a repo.

use serde_json::json;
use slipway_pipelines::wire::api::ClearedCaches;

use super::FlowError;
use crate::db::audit;
use crate::db::caches::{self, Filter};
use crate::db::repos::Repo;
use crate::state::Server;

/// Removes the caches that are meant, and writes down who did.
pub(crate) async fn clear(
    server: &Server,
    repo: &Repo,
    filter: &Filter,
    actor: &str,
) -> Result<ClearedCaches, FlowError> {
    let mut tx = server.db.begin().await?;
    let cleared = caches::clear(&mut tx, repo.id, filter).await?;
    let detail = json!({
        "cache": filter.id, "branch": filter.branch, "pull_request": filter.pull_request,
        "match": filter.text, "caches": cleared.caches, "bytes": cleared.bytes,
    });
    audit::write(&mut tx, actor, "cache.clear", repo.name.as_str(), detail).await?;
    tx.commit().await?;
    Ok(cleared)
}
