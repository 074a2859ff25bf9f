//! A database of a story's own, in the Postgres that `scripts/test.sh` started.

use std::str::FromStr;

use anyhow::{Context, Result};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use uuid::Uuid;

/// One scratch database, without a schema until the story gives it one.
#[derive(Clone, Debug)]
pub struct Database {
    /// Connections to it.
    pub pool: PgPool,
    name: String,
    server: PgConnectOptions,
}

impl Database {
    /// Makes one.
    ///
    /// # Errors
    /// When `SLIPWAY_TEST_DATABASE_URL` is not set or that Postgres does not answer: a story
    /// that cannot run fails, it is not skipped.
    pub async fn create() -> Result<Self> {
        #[expect(clippy::disallowed_methods, reason = "the harness is configured by its script")]
        let url = std::env::var("SLIPWAY_TEST_DATABASE_URL")
            .context("SLIPWAY_TEST_DATABASE_URL is not set; run the tests by `make test`")?;
        let server = PgConnectOptions::from_str(&url)?;
        // Made of our own id only, so it is safe inside the statement.
        let name = format!("story_{}", Uuid::now_v7().simple());
        let mut admin = PgConnection::connect_with(&server).await?;
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut admin).await?;
        let pool = PgPoolOptions::new()
            .max_connections(4)
            .connect_with(server.clone().database(&name))
            .await?;
        Ok(Self { pool, name, server })
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.clone().database(&self.name).to_url_lossy().to_string()
    }

    /// Removes it.
    ///
    /// # Errors
    /// When somebody still uses it: a story leaves nothing behind.
    pub async fn remove(self) -> Result<()> {
        self.pool.close().await;
        let mut admin = PgConnection::connect_with(&self.server).await?;
        let statement = format!("DROP DATABASE {}", self.name);
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut admin).await?;
        Ok(())
    }
}
