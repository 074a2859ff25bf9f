//! `slipway up`: everything on one machine.

#![expect(clippy::print_stdout, reason = "a command speaks to its user")]

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use chrono::{DateTime, Utc};
use rustix::process::Signal;
use secrecy::SecretString;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::stop::Signals;
use super::{login, master_key, server, worker};
use crate::api::Api;
use crate::data_dir::{DataDir, DataDirFlag};
use crate::process::Process;
use crate::settings::Settings;
use crate::supervise::child::{keep_told, tell};
use crate::supervise::children::Children;
use crate::supervise::detach;
use crate::supervise::postgres::{self, Postgres};
use crate::supervise::postgres_container::PostgresContainer;
use crate::supervise::running::{Record, Running};
use crate::supervise::setup::Setup;

const LISTEN: &str = "127.0.0.1:8080";
/// What a killed `up` left has this long to end by itself.
const STRAY_LIMIT: Duration = Duration::from_secs(15);
/// The schema may have to be brought up to date.
const SERVER_READY: Duration = Duration::from_secs(60);
const WORKER_READY: Duration = Duration::from_secs(20);

/// Starts Postgres, the server and a worker, restarts what dies, and stops them at Ctrl-C.
#[derive(Debug, clap::Args)]
#[command(after_help = "What dies is started again; Ctrl-C or `slipway down` stops all of it. \
    Postgres is the one of SLIPWAY_DATABASE_URL, else this machine's programs, else a container \
    on the engine; its files are in the data dir. Settings may also stand in slipway.toml there.")]
pub(crate) struct Up {
    #[command(flatten)]
    data_dir: DataDirFlag,
    /// Where the server listens; port 0 takes a free one [env: SLIPWAY_LISTEN] [default:
    /// 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// The address that people and forges use [env: SLIPWAY_PUBLIC_URL] [default: that of --listen]
    #[arg(long, value_name = "URL")]
    public_url: Option<Url>,
    /// Jobs at once [env: SLIPWAY_JOBS] [default: one a core]
    #[arg(long, alias = "slots", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    jobs: Option<u32>,
    /// A Postgres of yours, without a password; with one, set SLIPWAY_DATABASE_URL instead
    #[arg(long, value_name = "URL")]
    database_url: Option<Url>,
    /// The folder of Postgres' programs [env: SLIPWAY_POSTGRES_BIN] [default: PATH, then
    /// /usr/lib/postgresql]
    #[arg(long, value_name = "DIR")]
    postgres_bin: Option<PathBuf>,
    /// Return when everything is ready, and leave it running; `slipway down` stops it.
    #[arg(long)]
    detach: bool,
}

/// Where Postgres is to come from.
enum Database {
    Given(SecretString),
    Own(Box<Postgres>),
    Container(PostgresContainer),
}

/// Runs until it is told to stop.
pub(crate) async fn run(arguments: Up) -> Result<ExitCode> {
    let data_dir = arguments.data_dir.clone().resolve()?;
    if arguments.detach {
        let again: Vec<String> = std::env::args().skip(1).filter(|a| a != "--detach").collect();
        println!("{}", detach::start(&data_dir, &again).await?);
        return Ok(ExitCode::SUCCESS);
    }
    let _locked = data_dir.claim()?;
    keep_told(data_dir.join("logs/up.log"));
    let mut signals = Signals::listen()?;
    let settings = Settings::read(data_dir.path())?;
    let database = database(&arguments, &data_dir, &settings).await?;
    for secret in ["master.key", "worker.token"] {
        // Given ones are not written down.
        if data_dir.secret_setting(secret)?.is_none() {
            data_dir.secret_or_new(secret)?;
        }
    }
    // Said here once, not by a server that is started again and again.
    if let Some(key) = data_dir.secret_setting("master.key")? {
        master_key::parse(&key)?;
    }
    let admin_token = match data_dir.secret_setting("admin.token")? {
        Some(token) => token,
        None => data_dir.secret_or_new("admin.token")?,
    };
    end_strays(&data_dir).await?;
    let setup = setup(&arguments, data_dir.clone(), &settings)?;
    let api = Api::new(setup.url.clone(), admin_token)?;

    let force = CancellationToken::new();
    let mut children = Children::new(force.clone());
    let result = tokio::select! {
        started = start(&setup, &database, &api, &mut children) => started,
        () = signals.next() => Ok(false),
    };
    if let Ok(true) = result {
        children.keep();
        setup.record.note(|running| running.ready = true);
        signals.next().await;
        println!("stopping: running jobs are given a while; Ctrl-C again stops at once");
    }
    let forced = tokio::spawn(async move {
        signals.next().await;
        force.cancel();
    });
    children.end().await;
    forced.abort();
    match database {
        // It may have been started just before a signal came.
        Database::Own(_) => postgres::stop_orphan(&data_dir).await,
        Database::Container(container) => container.stop().await,
        Database::Given(_) => {}
    }
    Running::remove(&data_dir);
    result.map(|_| ExitCode::SUCCESS)
}

async fn database(arguments: &Up, data_dir: &DataDir, settings: &Settings) -> Result<Database> {
    if arguments.database_url.as_ref().is_some_and(|url| url.password().is_some()) {
        bail!(
            "a password in --database-url is seen by everybody on this machine; set \
             SLIPWAY_DATABASE_URL instead"
        );
    }
    if let Some(url) = &arguments.database_url {
        return Ok(Database::Given(String::from(url.clone()).into()));
    }
    if let Some(url) = settings.secret("database_url")? {
        return Ok(Database::Given(url));
    }
    // A database is never looked for in two places: the other one would seem to be empty.
    if !PostgresContainer::has_data(data_dir) {
        let folder = settings.get(arguments.postgres_bin.clone(), "postgres_bin")?;
        let user = settings.get(None, "postgres_user")?;
        if let Some(found) = Postgres::find(data_dir, folder.as_deref(), user)? {
            return Ok(Database::Own(Box::new(found)));
        }
    }
    if data_dir.join("postgres/data").is_dir() {
        bail!(
            "the database of {} needs the Postgres programs that made it; install postgresql, or \
             name their folder by --postgres-bin",
            data_dir.path().display()
        );
    }
    let (engine, image) = (settings.get(None, "engine")?, settings.get(None, "postgres_image")?);
    let container = PostgresContainer::of(data_dir, engine, image);
    if !container.is_possible().await {
        bail!(
            "there is no Postgres, and no container engine to run one on; install it (on Debian: \
             apt install postgresql), or name yours by SLIPWAY_DATABASE_URL"
        );
    }
    Ok(Database::Container(container))
}

fn setup(arguments: &Up, data_dir: DataDir, settings: &Settings) -> Result<Setup> {
    let listen = settings.get(arguments.listen, "listen")?.unwrap_or(LISTEN.parse()?);
    let listen = free_address(listen)?;
    let url = server::local_url(listen)?;
    let running =
        Running { up: Process::own(), url: url.clone(), ready: false, server: None, worker: None };
    let record = Record::new(data_dir.clone(), running)?;
    let public_url = settings.get(arguments.public_url.clone(), "public_url")?;
    let worker = (worker::jobs(arguments.jobs, settings)?, worker::drain(None, settings)?);
    Setup::new(data_dir, (listen, public_url), url, worker, record)
}

/// Finds out now, in one sentence, what the server would only write into its log.
fn free_address(listen: SocketAddr) -> Result<SocketAddr> {
    match TcpListener::bind(listen).and_then(|listener| listener.local_addr()) {
        Ok(address) => Ok(address),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => bail!(
            "{listen} is taken by another program; stop that one, or choose another address by \
             --listen"
        ),
        Err(error) => Err(error).with_context(|| format!("{listen} can not be listened on")),
    }
}

/// An `up` that was killed leaves a server and a worker that end as their input closes.
async fn end_strays(data_dir: &DataDir) -> Result<()> {
    let Some(before) = Running::read(data_dir)? else { return Ok(()) };
    for stray in [before.worker, before.server].into_iter().flatten() {
        stray.stop(Signal::TERM, STRAY_LIMIT).await;
    }
    Ok(())
}

/// Starts all three, each when the one before is ready, and says so.
async fn start(
    setup: &Setup,
    database: &Database,
    api: &Api,
    children: &mut Children,
) -> Result<bool> {
    let (database_url, ready) = match database {
        Database::Given(url) => (url.clone(), "database given"),
        Database::Own(postgres) => {
            children.take(postgres.start().await?);
            (postgres.url()?, "postgres ready")
        }
        Database::Container(container) => (container.start().await?, "postgres ready"),
    };
    children.start(setup.server(database_url))?;
    let answer = async || api.healthy().await.then_some(());
    if children.wait_for(SERVER_READY, answer).await?.is_none() {
        bail!("the server does not answer at {}; its log is {}", setup.url, setup.log("server"));
    }
    let since = Utc::now();
    children.start(setup.worker())?;
    let answer = async || registered(api, since).await;
    let worker = match children.wait_for(WORKER_READY, answer).await? {
        Some(worker) if worker.engine.is_some() => format!("worker ready, {} slots", worker.slots),
        Some(_) => {
            tell(
                "no container engine answers, so runs are planned but no job can start; install \
                 docker.io and start dockerd, and the worker will use it",
            );
            "worker without an engine".to_owned()
        }
        None => {
            tell(&format!("the worker has not registered yet; its log is {}", setup.log("worker")));
            "worker not ready".to_owned()
        }
    };
    println!("{ready} · {worker} · open {}", login::link(api).await?);
    Ok(true)
}

#[derive(Deserialize)]
struct Registered {
    engine: Option<String>,
    slots: u32,
    last_seen_at: DateTime<Utc>,
}

async fn registered(api: &Api, since: DateTime<Utc>) -> Option<Registered> {
    let workers: Vec<Registered> = api.get("workers").await.ok()?;
    workers.into_iter().find(|worker| worker.last_seen_at >= since)
}
