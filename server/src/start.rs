//! Starting, and the loops that never end before they are told to.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use secrecy::ExposeSecret;
use sqlx::migrate::MigrateError;
use sqlx::postgres::PgPoolOptions;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::db::Db;
use crate::error::FlowError;
use crate::flow::{intake, reap, report};
use crate::state::{Server, Signal, listen};

const CONNECTIONS: u32 = 16;
/// A request should rather hear "away" than wait.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
const NOTIFY_TIMEOUT: Duration = Duration::from_secs(10);
/// Loops look this often, whether or not somebody woke them.
const POLL: Duration = Duration::from_secs(1);

/// Connects to Postgres and brings the schema up to date.
///
/// # Errors
/// In one sentence for the operator.
pub async fn start(config: Config) -> Result<Arc<Server>> {
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect(config.database_url.expose_secret())
        .await
        .context("Postgres does not answer at the configured address")?;
    match sqlx::migrate!("../migrations").run(&pool).await {
        Ok(()) => {}
        Err(MigrateError::VersionMissing(version)) => anyhow::bail!(
            "the data was written by a newer Slipway (schema {version}): start that version or \
             a newer one"
        ),
        Err(error) => {
            return Err(error).context("the database's schema can not be brought up to date");
        }
    }
    let client = reqwest::Client::builder()
        .timeout(NOTIFY_TIMEOUT)
        .build()
        .context("the client for notifications can not be set up")?;
    Ok(Arc::new(Server::new(Db::new(pool), config, client)))
}

/// Starts the loops; they end soon after `stop`.
pub fn spawn_loops(server: Arc<Server>, stop: CancellationToken) -> Vec<JoinHandle<()>> {
    let listener = (Arc::clone(&server), stop.clone());
    let decider = (Arc::clone(&server), stop.clone());
    let reaper = (Arc::clone(&server), stop.clone());
    vec![
        tokio::spawn(async move { listen(&listener.0, &listener.1).await }),
        tokio::spawn(async move {
            let (server, stop) = decider;
            every(&server, &stop, "intake", || intake::tick(&server)).await;
        }),
        tokio::spawn(async move {
            let (server, stop) = reaper;
            every(&server, &stop, "reap", || reap::tick(&server)).await;
        }),
        tokio::spawn(async move {
            every(&server, &stop, "report", || report::tick(&server)).await;
        }),
    ]
}

async fn every<F>(
    server: &Server,
    stop: &CancellationToken,
    name: &str,
    mut tick: impl FnMut() -> F,
) where
    F: Future<Output = Result<(), FlowError>>,
{
    let mut wake = server.wake.subscribe();
    while !stop.is_cancelled() {
        match tick().await {
            Ok(()) => {}
            Err(FlowError::Away(error)) => tracing::warn!(name, %error, "Postgres is away"),
            Err(error) => tracing::error!(name, %error, "a loop's step failed, it is tried again"),
        }
        let woken = async {
            // A receiver that lags missed something, which is a reason to look as well.
            while matches!(wake.recv().await, Ok(Signal::Log(_) | Signal::Run(_) | Signal::Work)) {}
        };
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            () = woken => {}
            () = stop.cancelled() => {}
        }
    }
}
