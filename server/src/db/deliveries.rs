//! Deliveries: stored first, decided later.

use slipway_pipelines::ids::{DeliveryId, Id, RepoId, RunId};

use bytes::Bytes;

use super::Tx;
use crate::error::FlowError;

/// Who sent a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The hook of a local bare repository.
    Git,
    /// The forge.
    Github,
}

impl Source {
    /// The word that is stored.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Git => "git",
            Self::Github => "github",
        }
    }
}

/// A delivery whose signature was right.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    /// Who sent it.
    pub source: Source,
    /// The sender's own id for it: the same id is the same delivery.
    pub guid: String,
    /// The repo, where the address named it.
    pub repo: Option<RepoId>,
    /// The event's word.
    pub event: String,
    /// The raw bytes that were signed.
    pub payload: Bytes,
}

/// Stores it unless it is there already; answers its id and whether it is new.
pub(crate) async fn store(
    tx: &mut Tx,
    id: DeliveryId,
    new: &NewDelivery,
) -> Result<(DeliveryId, bool), FlowError> {
    let repo = new.repo.map(Id::as_uuid);
    let rows = sqlx::query!(
        "INSERT INTO deliveries (id, source, guid, repo_id, event, payload)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        id.as_uuid(),
        new.source.word(),
        new.guid,
        repo,
        new.event,
        &new.payload[..]
    )
    .execute(&mut **tx)
    .await?
    .rows_affected();
    if rows == 1 {
        return Ok((id, true));
    }
    // A forge's delivery may have been given its repo when it was decided; only a local hook's
    // ids are unique per repo.
    let known = sqlx::query_scalar!(
        "SELECT id FROM deliveries WHERE source = $1 AND guid = $2
         AND (repo_id IS NOT DISTINCT FROM $3) LIMIT 1",
        new.source.word(),
        new.guid,
        repo
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok((known.into(), false))
}

pub(crate) struct Undecided {
    pub(crate) id: DeliveryId,
    pub(crate) source: Source,
    pub(crate) repo: Option<RepoId>,
    pub(crate) event: String,
    pub(crate) payload: Vec<u8>,
}

/// The oldest delivery that nobody else is deciding.
pub(crate) async fn next(tx: &mut Tx) -> Result<Option<Undecided>, FlowError> {
    let row = sqlx::query!(
        "SELECT id, source, repo_id, event, payload FROM deliveries WHERE state = 'received'
         ORDER BY received_at LIMIT 1 FOR UPDATE SKIP LOCKED"
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(|row| Undecided {
        id: row.id.into(),
        source: if row.source == "git" { Source::Git } else { Source::Github },
        repo: row.repo_id.map(RepoId::from),
        event: row.event,
        payload: row.payload,
    }))
}

pub(crate) async fn ignored(tx: &mut Tx, id: DeliveryId, reason: &str) -> Result<(), FlowError> {
    let rows = sqlx::query!(
        "UPDATE deliveries SET state = 'ignored', reason = $2, decided_at = now()
         WHERE id = $1 AND state = 'received'",
        id.as_uuid(),
        reason
    )
    .execute(&mut **tx)
    .await?
    .rows_affected();
    super::exactly_one(rows, "delivery")
}

pub(crate) async fn triggered(tx: &mut Tx, id: DeliveryId, run: RunId) -> Result<(), FlowError> {
    let rows = sqlx::query!(
        "UPDATE deliveries SET state = 'triggered', run_id = $2, decided_at = now()
         WHERE id = $1 AND state = 'received'",
        id.as_uuid(),
        run.as_uuid()
    )
    .execute(&mut **tx)
    .await?
    .rows_affected();
    super::exactly_one(rows, "delivery")
}
