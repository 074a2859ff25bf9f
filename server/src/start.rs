//! Starting, and the loops that never end before they are told to.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use secrecy::ExposeSecret;
use sqlx::migrate::MigrateError;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgConnection};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::db::Db;
use crate::error::FlowError;
use crate::flow::{
    deploys, expire, intake, people, reap, reconcile, report, report_github,
    report_github_deployments, shells,
};
use crate::github::Github;
use crate::state::{Server, Signal, listen};
use crate::store::blobs::Blobs;

/// Each holds a transaction for a few milliseconds; more would only wait inside Postgres.
const CONNECTIONS: u32 = 24;
/// A request should rather hear "away" than wait.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
/// A connection that was idle for longer is tried before it is used: Postgres may have been
/// restarted. One that was just in use is taken as it is, which saves a round trip.
const IDLE: Duration = Duration::from_secs(1);
const NOTIFY_TIMEOUT: Duration = Duration::from_secs(10);
/// Loops look this often, whether or not somebody woke them.
const POLL: Duration = Duration::from_secs(1);
/// Bare repositories are looked at this often,
const RECONCILE: Duration = Duration::from_secs(30);
/// and again after this when something is missing there: a hook has posted by then.
const RECONCILE_AGAIN: Duration = Duration::from_secs(5);

/// What jobs left is looked through this often for what has had its time.
const EXPIRE: Duration = Duration::from_secs(5 * 60);

/// The forge is asked this often about the rights that are due.
const RIGHTS: Duration = Duration::from_secs(15);

/// No statement and no open transaction lasts longer: what waits for an answer that does not
/// come gives its locks back.
const STATEMENT_TIMEOUTS: [(&str, &str); 2] =
    [("statement_timeout", "25s"), ("idle_in_transaction_session_timeout", "60s")];

/// Connects to Postgres and brings the schema up to date.
///
/// # Errors
/// In one sentence for the operator.
pub async fn start(config: Config) -> Result<Arc<Server>> {
    let address = PgConnectOptions::from_str(config.database_url.expose_secret())
        .context("the database's address can not be read")?;
    migrate(&address).await?;
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|connection, used| {
            Box::pin(async move {
                if used.idle_for > IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_with(address.options(STATEMENT_TIMEOUTS))
        .await
        .context(NO_ANSWER)?;
    let client = reqwest::Client::builder()
        .timeout(NOTIFY_TIMEOUT)
        .build()
        .context("the client for notifications can not be set up")?;
    let github = config.github.as_ref().map(Github::new).transpose()?;
    let blobs = Blobs::open(&config.blobs.place, &config.data_dir)?;
    Ok(Arc::new(Server::new(Db::new(pool), config, client, github, blobs)))
}

const NO_ANSWER: &str = "Postgres does not answer at the configured address";

/// On a connection of its own, without time limits: a large table may take its time.
async fn migrate(address: &PgConnectOptions) -> Result<()> {
    let mut connection = PgConnection::connect_with(address).await.context(NO_ANSWER)?;
    match sqlx::migrate!("../migrations").run(&mut connection).await {
        Ok(()) => {}
        Err(MigrateError::VersionMissing(version)) => anyhow::bail!(
            "the data was written by a newer Slipway (schema {version}): start that version or \
             a newer one"
        ),
        Err(error) => {
            return Err(error).context("the database's schema can not be brought up to date");
        }
    }
    // Rows are safe; an error in saying goodbye is none of theirs.
    let _closed = connection.close().await;
    Ok(())
}

/// Starts the loops; they end soon after `stop`.
pub fn spawn_loops(server: Arc<Server>, stop: CancellationToken) -> Vec<JoinHandle<()>> {
    let shared = || (Arc::clone(&server), stop.clone());
    let (listening, deciding, reaping) = (shared(), shared(), shared());
    let (reporting, checking) = (shared(), shared());
    let (expiring, closing, showing, beginning) = (shared(), shared(), shared(), shared());
    let asking = shared();
    vec![
        tokio::spawn(async move { listen(&listening.0, &listening.1).await }),
        tokio::spawn(async move {
            let (server, stop) = deciding;
            let wakes = |signal| signal == Signal::Deliveries;
            every(&server, &stop, "intake", wakes, || intake::tick(&server, &stop)).await;
        }),
        tokio::spawn(async move {
            let (server, stop) = reaping;
            every(&server, &stop, "reap", |_| false, || reap::tick(&server)).await;
        }),
        tokio::spawn(async move {
            let (server, stop) = beginning;
            let wakes = |signal| matches!(signal, Signal::Run(_));
            every(&server, &stop, "begin deployments", wakes, || deploys::tick(&server)).await;
        }),
        tokio::spawn(async move {
            let (server, stop) = reporting;
            let wakes = |signal| matches!(signal, Signal::Run(_));
            every(&server, &stop, "report", wakes, || report::tick(&server)).await;
        }),
        tokio::spawn(async move {
            let (server, stop) = closing;
            every(&server, &stop, "close shells", |_| false, || shells::tick(&server)).await;
        }),
        // Apart from the loop above: a slow GitHub holds up nobody else.
        tokio::spawn(async move {
            let (server, stop) = checking;
            let sent = report_github::Sent::default();
            let wakes = |signal| matches!(signal, Signal::Run(_));
            let tick = || report_github::tick(&server, &stop, &sent);
            every(&server, &stop, "report to GitHub", wakes, tick).await;
        }),
        tokio::spawn(async move {
            let (server, stop) = showing;
            let wakes = |signal| matches!(signal, Signal::Run(_));
            let tick = || report_github_deployments::tick(&server, &stop);
            every(&server, &stop, "report deployments to GitHub", wakes, tick).await;
        }),
        tokio::spawn(async move { expire(&expiring.0, &expiring.1).await }),
        tokio::spawn(async move {
            let (server, stop) = asking;
            while !stop.is_cancelled() {
                note("ask who may do what", people::tick(&server).await);
                tokio::select! { () = tokio::time::sleep(RIGHTS) => {}, () = stop.cancelled() => {} }
            }
        }),
        tokio::spawn(async move { reconcile(&server, &stop).await }),
    ]
}

async fn every<F>(
    server: &Server,
    stop: &CancellationToken,
    name: &str,
    wakes: impl Fn(Signal) -> bool,
    mut tick: impl FnMut() -> F,
) where
    F: Future<Output = Result<(), FlowError>>,
{
    let mut wake = server.wake.subscribe();
    while !stop.is_cancelled() {
        note(name, tick().await);
        let woken = async {
            // A receiver that lags missed something, which is a reason to look as well.
            while let Ok(signal) = wake.recv().await {
                if wakes(signal) {
                    return;
                }
            }
        };
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            () = woken => {}
            () = stop.cancelled() => {}
        }
    }
}

fn note(name: &str, result: Result<(), FlowError>) {
    match result {
        Ok(()) => {}
        Err(FlowError::Away(error)) => tracing::warn!(name, %error, "Postgres is away"),
        Err(FlowError::StoreAway(error)) => tracing::warn!(name, %error, "the store is away"),
        Err(error) => tracing::error!(name, %error, "a loop's step failed, it is tried again"),
    }
}

async fn expire(server: &Server, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        note("expire", expire::tick(server).await);
        tokio::select! { () = tokio::time::sleep(EXPIRE) => {}, () = stop.cancelled() => {} }
    }
}

async fn reconcile(server: &Server, stop: &CancellationToken) {
    let mut missing = reconcile::Missing::default();
    while !stop.is_cancelled() {
        note("reconcile", reconcile::tick(server, &mut missing).await);
        let pause = if missing.any() { RECONCILE_AGAIN } else { RECONCILE };
        tokio::select! { () = tokio::time::sleep(pause) => {}, () = stop.cancelled() => {} }
    }
}
