//! Deliveries: stored first, decided later.

use slipway_pipelines::ids::{DeliveryId, Id, RepoId, RunId, RunNumber};

use bytes::Bytes;

use super::{Db, Tx};
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

/// Stores it unless it is there already; answers its id and whether it is new. One statement:
/// whoever it answers to has nothing more to wait for than this commit.
pub(crate) async fn store<'e, E>(
    executor: E,
    id: DeliveryId,
    new: &NewDelivery,
) -> Result<bool, sqlx::Error>
where
    E: sqlx::Executor<'e, Database = sqlx::Postgres>,
{
    let rows = sqlx::query!(
        "INSERT INTO deliveries (id, source, guid, repo_id, event, payload)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        id.as_uuid(),
        new.source.word(),
        new.guid,
        new.repo.map(Id::as_uuid),
        new.event,
        &new.payload[..]
    )
    .execute(executor)
    .await?
    .rows_affected();
    Ok(rows == 1)
}

/// The delivery that has this id of its sender's already.
pub(crate) async fn known(db: &Db, new: &NewDelivery) -> Result<DeliveryId, FlowError> {
    // A forge's delivery may have been given its repo since; only a hook's ids are per repo.
    let known = sqlx::query_scalar!(
        "SELECT id FROM deliveries WHERE source = $1 AND guid = $2
         AND ($1 = 'github' OR repo_id = $3)",
        new.source.word(),
        new.guid,
        new.repo.map(Id::as_uuid)
    )
    .fetch_one(db.pool())
    .await?;
    Ok(known.into())
}

/// What became of a delivery so far.
#[derive(Clone, Debug)]
pub struct Decision {
    /// `received`, `triggered` or `ignored`.
    pub state: String,
    /// Completes "ignored, because …".
    pub reason: Option<String>,
    /// The run it triggered.
    pub run: Option<RunNumber>,
    /// The repo's name, where it is known.
    pub repo: Option<String>,
}

/// # Errors
/// [`FlowError::NotFound`] when the repo was removed meanwhile, and its deliveries with it.
pub(crate) async fn decision(db: &Db, id: DeliveryId) -> Result<Decision, FlowError> {
    let row = sqlx::query!(
        r#"SELECT d.state, d.reason, r.number AS "run?", p.name AS "repo?"
           FROM deliveries d LEFT JOIN runs r ON r.id = d.run_id
                LEFT JOIN repos p ON p.id = d.repo_id WHERE d.id = $1"#,
        id.as_uuid()
    )
    .fetch_optional(db.pool())
    .await?
    .ok_or(FlowError::NotFound)?;
    Ok(Decision {
        state: row.state,
        reason: row.reason,
        run: row.run.map(RunNumber),
        repo: row.repo,
    })
}

/// Does the repo have a delivery that nobody has decided yet?
pub(crate) async fn any_undecided(tx: &mut Tx, repo: RepoId) -> Result<bool, FlowError> {
    let any = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM deliveries WHERE repo_id = $1 AND state = 'received')
           AS "any!""#,
        repo.as_uuid()
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(any)
}

pub(crate) struct Undecided {
    pub(crate) id: DeliveryId,
    pub(crate) source: Source,
    pub(crate) guid: String,
    pub(crate) repo: Option<RepoId>,
    pub(crate) event: String,
    pub(crate) payload: Vec<u8>,
}

/// The oldest delivery that nobody else is deciding.
pub(crate) async fn next(tx: &mut Tx) -> Result<Option<Undecided>, FlowError> {
    let row = sqlx::query!(
        "SELECT id, source, guid, repo_id, event, payload FROM deliveries
         WHERE state = 'received'
         ORDER BY received_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED"
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(|row| Undecided {
        id: row.id.into(),
        source: if row.source == "git" { Source::Git } else { Source::Github },
        guid: row.guid,
        repo: row.repo_id.map(RepoId::from),
        event: row.event,
        payload: row.payload,
    }))
}

/// A forge's delivery is shown with its repo, once that is known.
pub(crate) async fn belongs_to(tx: &mut Tx, id: DeliveryId, repo: RepoId) -> Result<(), FlowError> {
    sqlx::query!("UPDATE deliveries SET repo_id = $2 WHERE id = $1", id.as_uuid(), repo.as_uuid())
        .execute(&mut **tx)
        .await?;
    Ok(())
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
