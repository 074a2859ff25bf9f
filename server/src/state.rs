//! What every request and every loop shares.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use slipway_pipelines::ids::{AttemptId, RunId};
use sqlx::postgres::PgListener;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::db::Db;

/// The server: shared as `Arc<Server>`.
#[derive(Debug)]
pub struct Server {
    /// The database.
    pub db: Db,
    /// What the operator decided.
    pub config: Config,
    /// What happened, in this and every other replica.
    pub wake: Wake,
    pub(crate) client: reqwest::Client,
    healthy_since: Mutex<Option<Instant>>,
}

impl Server {
    pub(crate) fn new(db: Db, config: Config, client: reqwest::Client) -> Self {
        Self { db, config, wake: Wake::new(), client, healthy_since: Mutex::new(None) }
    }

    /// Remembers whether Postgres just answered, and says for how long it has without a break.
    pub(crate) fn note_health(&self, answered: bool) -> Duration {
        let mut since =
            self.healthy_since.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !answered {
            *since = None;
            return Duration::ZERO;
        }
        since.get_or_insert_with(Instant::now).elapsed()
    }
}

/// Something changed; whoever waits for it looks again. Only ever makes things sooner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// There is work to claim.
    Work,
    /// There is a delivery to decide.
    Deliveries,
    /// An attempt's log grew.
    Log(AttemptId),
    /// A run or something in it changed.
    Run(RunId),
}

/// Passes Postgres' notifications on to tasks of this process.
#[derive(Debug)]
pub struct Wake {
    sender: broadcast::Sender<Signal>,
}

const CHANNELS: [&str; 4] = ["slipway_work", "slipway_deliveries", "slipway_log", "slipway_run"];

impl Wake {
    fn new() -> Self {
        Self { sender: broadcast::channel(1024).0 }
    }

    /// Signals from now on. A receiver that lags has only to look again.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Signal> {
        self.sender.subscribe()
    }

    fn pass_on(&self, channel: &str, payload: &str) {
        let signal = match channel {
            "slipway_work" => Some(Signal::Work),
            "slipway_deliveries" => Some(Signal::Deliveries),
            "slipway_log" => payload.parse().ok().map(Signal::Log),
            "slipway_run" => payload.parse().ok().map(Signal::Run),
            _ => None,
        };
        if let Some(signal) = signal {
            // Nobody waiting is no error.
            let _waiting = self.sender.send(signal);
        }
    }
}

/// Listens until `stop`; listens again after Postgres was away.
pub(crate) async fn listen(server: &Server, stop: &CancellationToken) {
    let work = async {
        loop {
            if let Err(error) = listen_once(server).await {
                tracing::warn!(%error, "notifications are away, the loops poll meanwhile");
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    tokio::select! { () = work => {}, () = stop.cancelled() => {} }
}

async fn listen_once(server: &Server) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(server.db.pool()).await?;
    listener.listen_all(CHANNELS).await?;
    // What was said while nobody listened is not repeated.
    server.wake.pass_on("slipway_work", "");
    server.wake.pass_on("slipway_deliveries", "");
    while let Some(notification) = listener.try_recv().await? {
        server.wake.pass_on(notification.channel(), notification.payload());
    }
    Ok(())
}
