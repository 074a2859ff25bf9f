//! Giving a job what it may read: caches of its branch, workspaces of its run.

use slipway_pipelines::ids::AttemptId;
use slipway_pipelines::wire::BlobKind;

use super::FlowError;
use super::keep::Visitor;
use crate::db::caches::Found;
use crate::db::{Tx, blobs, caches, workspaces};
use crate::state::Server;
use crate::store::blobs::Reading;

/// What was found for a job.
pub(crate) struct Fetched {
    /// The SHA-256 of its bytes.
    pub(crate) sha256: String,
    /// Whose it is, in words.
    pub(crate) from: String,
    /// Its bytes.
    pub(crate) reading: Reading,
}

/// What this attempt may read under that name; none: there is nothing.
pub(crate) async fn fetch(
    server: &Server,
    attempt: AttemptId,
    kind: BlobKind,
    name: &str,
) -> Result<Option<Fetched>, FlowError> {
    // Postgres takes no NUL in a text, and so nothing has such a name.
    if name.contains('\0') {
        return Ok(None);
    }
    loop {
        let mut tx = server.db.begin().await?;
        let visitor = Visitor::reading(&mut tx, attempt, (kind, name)).await?;
        let found = find(&mut tx, &visitor, kind, name).await?;
        tx.commit().await?;
        let Some((found, from)) = found else { return Ok(None) };
        if let Some(reading) = server.blobs.read(&found.place).await? {
            let sha256 = found.place.digest.to_string();
            return Ok(Some(Fetched { sha256, from, reading }));
        }
        // It is not found again before somebody sent it again; there may be another.
        let digest = &found.place.digest;
        tracing::error!(repo = %visitor.repo.name, %digest, "the store has lost a blob");
        let mut tx = server.db.begin().await?;
        blobs::lost(&mut tx, found.blob).await?;
        tx.commit().await?;
    }
}

async fn find(
    tx: &mut Tx,
    visitor: &Visitor,
    kind: BlobKind,
    name: &str,
) -> Result<Option<(Found, String)>, FlowError> {
    match kind {
        BlobKind::Cache => {
            for scope in visitor.caches().fetch {
                if let Some(found) = caches::find(tx, visitor.repo.id, &scope, name).await? {
                    return Ok(Some((found, scope.owner.to_string())));
                }
            }
            Ok(None)
        }
        BlobKind::Workspace => {
            let found = workspaces::find(tx, visitor.run.id, name).await?;
            Ok(found.map(|(found, job)| (found, format!("job {}.{job}", visitor.run.number))))
        }
        // They are for people.
        BlobKind::Artifact => Ok(None),
    }
}
