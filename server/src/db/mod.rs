//! All SQL, a file per table. Writes take a transaction, reads the database.
//!
//! Rows are locked `FOR NO KEY UPDATE`: nothing changes a key, and the stronger lock would wait
//! for every transaction that refers to the row, two of which then wait for each other.

pub(crate) mod api_reads;
pub(crate) mod api_tokens;
pub(crate) mod artifacts;
pub(crate) mod asked_runs;
pub(crate) mod assignments;
pub(crate) mod attempts;
pub mod audit;
pub(crate) mod blobs;
pub(crate) mod caches;
pub(crate) mod claims;
pub(crate) mod deliveries;
pub(crate) mod deploy_queue;
pub(crate) mod deploy_reads;
pub(crate) mod deployments;
pub(crate) mod environments;
pub mod forge_repos;
pub(crate) mod forge_rights;
pub(crate) mod github_deployments;
pub(crate) mod github_reports;
pub(crate) mod jobs;
pub(crate) mod login_states;
pub(crate) mod logs;
pub(crate) mod outbox;
pub(crate) mod people;
pub(crate) mod ref_heads;
pub mod repos;
pub(crate) mod runs;
pub mod secrets;
pub(crate) mod sessions;
pub(crate) mod shells;
pub(crate) mod signing_keys;
pub(crate) mod test_reports;
pub(crate) mod views;
pub(crate) mod workers;
pub(crate) mod workspaces;

use slipway_pipelines::ids::Id;
use sqlx::{PgPool, Postgres};

/// The database.
#[derive(Clone, Debug)]
pub struct Db(PgPool);

/// A transaction: dropped without commit, nothing happened.
pub type Tx = sqlx::Transaction<'static, Postgres>;

impl Db {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self(pool)
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// When no connection can be had.
    pub async fn begin(&self) -> Result<Tx, sqlx::Error> {
        self.0.begin().await
    }

    /// The connections, for reads.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.0
    }

    /// Does Postgres answer?
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), sqlx::Error> {
        sqlx::query_scalar!("SELECT 1 AS one").fetch_one(&self.0).await.map(drop)
    }
}

/// A new id that sorts by time.
pub(crate) fn new_id<I: Id>() -> I {
    I::from(uuid::Uuid::now_v7())
}

/// Tells every replica, at commit.
pub(crate) async fn notify(tx: &mut Tx, channel: &str, payload: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT pg_notify($1, $2)", channel, payload).execute(&mut **tx).await.map(drop)
}

/// A guarded UPDATE changes exactly the row it names in the state it names.
pub(crate) fn exactly_one(rows: u64, what: &str) -> Result<(), crate::error::FlowError> {
    if rows == 1 {
        return Ok(());
    }
    Err(crate::error::FlowError::Conflict(format!("another writer changed the {what} first")))
}
