//! What every request and every loop shares.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use slipway_pipelines::ids::{AttemptId, RunId};
use sqlx::postgres::PgListener;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::db::Db;
use crate::github::oauth::Login;
use crate::github::{Github, GithubError};
use crate::shell_exchange::Exchange;
use crate::store::blobs::Blobs;

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
    pub(crate) github: Option<Github>,
    /// Where what jobs leave is kept.
    pub(crate) blobs: Blobs,
    /// The ends of shells that this replica holds.
    pub(crate) shells: Exchange,
    health: Mutex<Option<Health>>,
}

/// Since when Postgres has answered without a break, and when it did last.
#[derive(Clone, Copy, Debug)]
struct Health {
    since: Instant,
    last: Instant,
}

/// With no look in between for so long, this process itself was away: stopped, or waiting for
/// an answer that took that long.
const LONGEST_GAP: Duration = Duration::from_secs(3);

impl Server {
    pub(crate) fn new(
        db: Db,
        config: Config,
        client: reqwest::Client,
        github: Option<Github>,
        blobs: Blobs,
    ) -> Self {
        let (wake, shells, health) = (Wake::new(), Exchange::default(), Mutex::new(None));
        Self { db, config, wake, client, github, blobs, shells, health }
    }

    /// GitHub, where a credential for it is set.
    ///
    /// # Errors
    /// [`GithubError::Unlinked`] where none is.
    pub(crate) fn github(&self) -> Result<&Github, GithubError> {
        self.github.as_ref().ok_or(GithubError::Unlinked)
    }

    /// How people log in by GitHub, where that is set.
    pub(crate) fn login(&self) -> Option<Login<'_>> {
        let config = self.config.login.as_ref()?;
        Login::new(config, &self.config.public_url, &self.client).ok()
    }

    /// What was said of shells: one waits, or a piece of one comes from another replica.
    fn hear_shell(&self, payload: &str) {
        if payload.contains(' ') {
            self.shells.deliver(&self.config.master_key, payload);
        } else {
            self.wake.send(Signal::Shell);
        }
    }

    /// Remembers whether Postgres just answered, and says for how long it has without a break.
    pub(crate) fn note_health(&self, answered: bool) -> Duration {
        let mut health = self.health.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let now = Instant::now();
        let before = health.filter(|health| now.duration_since(health.last) < LONGEST_GAP);
        *health = answered
            .then(|| Health { since: before.map_or(now, |health| health.since), last: now });
        health.map_or(Duration::ZERO, |health| now.duration_since(health.since))
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
    /// Somebody waits for a shell.
    Shell,
}

/// Passes Postgres' notifications on to tasks of this process.
#[derive(Debug)]
pub struct Wake {
    sender: broadcast::Sender<Signal>,
}

const CHANNELS: [&str; 4] = ["slipway_work", "slipway_log", "slipway_run", "slipway_shell"];

impl Wake {
    fn new() -> Self {
        Self { sender: broadcast::channel(1024).0 }
    }

    /// Signals from now on. A receiver that lags has only to look again.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Signal> {
        self.sender.subscribe()
    }

    /// Wakes the tasks of this process.
    pub(crate) fn send(&self, signal: Signal) {
        // Nobody waiting is no error.
        let _waiting = self.sender.send(signal);
    }

    fn pass_on(&self, channel: &str, payload: &str) {
        let signal = match channel {
            "slipway_work" => Some(Signal::Work),
            "slipway_log" => payload.parse().ok().map(Signal::Log),
            "slipway_run" => payload.parse().ok().map(Signal::Run),
            _ => None,
        };
        if let Some(signal) = signal {
            self.send(signal);
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
    while let Some(notification) = listener.try_recv().await? {
        match notification.channel() {
            "slipway_shell" => server.hear_shell(notification.payload()),
            channel => server.wake.pass_on(channel, notification.payload()),
        }
    }
    Ok(())
}
