//! `slipway server`: decides and remembers.

use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use ipnet::IpNet;
use secrecy::SecretString;
use slipway_pipelines::wire::{Limits, ShellLimits};
use slipway_server::Config;
use slipway_server::config::{LEASE, LIMITS, SHELLS};
use tokio::net::TcpListener;
use url::Url;

use super::{blob_settings, github_settings, master_key, stop};
use crate::data_dir::{DataDir, DataDirFlag};
use crate::logging;
use crate::settings::Settings;

const LISTEN: &str = "127.0.0.1:8080";

/// How the server is started.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Settings are flags, else SLIPWAY_… in the environment, else slipway.toml in \
    the data dir. Secrets are never flags: master.key, admin.token and worker.token are files of \
    the data dir, or SLIPWAY_MASTER_KEY, SLIPWAY_ADMIN_TOKEN and SLIPWAY_WORKER_TOKEN, or the \
    files that the same names with _FILE name. The database is SLIPWAY_DATABASE_URL. GitHub is \
    github_token, or github_app_id and github_app_key (the path of its PEM file), with \
    github_webhook_secret, github_statuses and, for GitHub Enterprise, github_api_url. What jobs \
    leave is kept in the data dir, or where blob_url says: s3://BUCKET/PREFIX, with blob_region, \
    blob_access_key_id, blob_secret_access_key and, where it is not AWS, blob_endpoint."
)]
pub(crate) struct Server {
    #[command(flatten)]
    data_dir: DataDirFlag,
    /// Where to listen [env: SLIPWAY_LISTEN] [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// The address that people and forges use [env: SLIPWAY_PUBLIC_URL] [default: that of --listen]
    #[arg(long, value_name = "URL")]
    public_url: Option<Url>,
    /// Stop when standard input is closed, as a supervisor that dies leaves it.
    #[arg(long)]
    stop_with_stdin: bool,
}

/// Runs until it is told to stop, then lets open requests end.
pub(crate) async fn run(arguments: Server) -> Result<ExitCode> {
    let data_dir = arguments.data_dir.clone().resolve()?;
    let settings = Settings::read(data_dir.path())?;
    logging::start(&settings)?;
    let config = config(arguments.listen, arguments.public_url, &data_dir, &settings)?;
    let stop = stop::on_signals(arguments.stop_with_stdin)?;
    let listener = TcpListener::bind(config.listen).await.with_context(|| {
        format!("{} can not be listened on; choose another by --listen", config.listen)
    })?;
    let listen = listener.local_addr().unwrap_or(config.listen);
    let server = slipway_server::start(config).await?;
    let loops = slipway_server::spawn_loops(std::sync::Arc::clone(&server), stop.clone());
    tracing::info!(%listen, "the server is ready");
    slipway_server::http::serve(server, listener, stop.clone()).await?;
    stop.cancel();
    for ended in loops {
        ended.await.context("a loop of the server failed")?;
    }
    tracing::info!("the server has stopped");
    Ok(ExitCode::SUCCESS)
}

fn config(
    listen: Option<SocketAddr>,
    public_url: Option<Url>,
    data_dir: &DataDir,
    settings: &Settings,
) -> Result<Config> {
    let listen = settings.get(listen, "listen")?.unwrap_or(LISTEN.parse()?);
    let public_url = match settings.get(public_url, "public_url")? {
        Some(url) => url,
        None => local_url(listen)?,
    };
    let database_url = settings.secret("database_url")?.context(
        "no database is named; set SLIPWAY_DATABASE_URL, or use slipway up, which brings one",
    )?;
    let lease = settings.get(None, "lease_seconds")?.unwrap_or(LEASE.as_secs());
    Ok(Config {
        database_url,
        listen,
        public_url,
        trusted_proxies: proxies(settings)?,
        data_dir: data_dir.path().to_owned(),
        master_key: master_key::parse(&needed(data_dir, "master.key")?)?,
        admin_token: needed(data_dir, "admin.token")?,
        worker_token: needed(data_dir, "worker.token")?,
        github_webhook_secret: settings.secret("github_webhook_secret")?,
        github: github_settings::read(settings)?,
        login: github_settings::login(settings)?,
        images: settings.texts("images")?,
        lease: Duration::from_secs(lease),
        limits: limits(settings)?,
        blobs: blob_settings::read(settings)?,
        shells: ShellLimits {
            idle_seconds: settings.get(None, "shell_idle_seconds")?.unwrap_or(SHELLS.idle_seconds),
            seconds: settings.get(None, "shell_seconds")?.unwrap_or(SHELLS.seconds),
        },
        notify_url: settings.get(None, "notify_url")?,
    })
}

/// Addresses and networks, with commas between them.
fn proxies(settings: &Settings) -> Result<Vec<IpNet>> {
    let text: Option<String> = settings.get(None, "trusted_proxies")?;
    let text = text.unwrap_or_default();
    let named = text.split(',').map(str::trim).filter(|one| !one.is_empty());
    let parsed = named.map(|one| {
        let address = one.parse::<IpAddr>().map(IpNet::from);
        address.or_else(|_| one.parse::<IpNet>()).with_context(|| {
            format!(
                "trusted_proxies holds {one:?}; write addresses or networks, as \"127.0.0.1, \
                 10.0.0.0/8\""
            )
        })
    });
    parsed.collect()
}

/// Many servers share one set of keys, so a server never makes its own.
fn needed(data_dir: &DataDir, name: &str) -> Result<SecretString> {
    data_dir.secret_setting(name)?.with_context(|| {
        format!(
            "there is no {name} in {}; slipway up makes one, or name it by SLIPWAY_{}_FILE",
            data_dir.path().display(),
            name.to_ascii_uppercase().replace('.', "_")
        )
    })
}

/// What each job may use at most.
pub(crate) fn limits(settings: &Settings) -> Result<Limits> {
    Ok(Limits {
        timeout_seconds: settings
            .get(None, "job_timeout_seconds")?
            .unwrap_or(LIMITS.timeout_seconds),
        silence_seconds: settings
            .get(None, "job_silence_seconds")?
            .unwrap_or(LIMITS.silence_seconds),
        log_bytes: settings.get(None, "job_log_bytes")?.unwrap_or(LIMITS.log_bytes),
        memory_bytes: settings.get(None, "job_memory_bytes")?.unwrap_or(LIMITS.memory_bytes),
        pids: settings.get(None, "job_pids")?.unwrap_or(LIMITS.pids),
        cpu_millis: settings.get(None, "job_cpu_millis")?.unwrap_or(LIMITS.cpu_millis),
        disk_bytes: settings.get(None, "job_disk_bytes")?.unwrap_or(LIMITS.disk_bytes),
    })
}

/// What listens on every address is reached on this machine by loopback.
pub(crate) fn local_url(listen: SocketAddr) -> Result<Url> {
    let host = match listen {
        SocketAddr::V4(address) if address.ip().is_unspecified() => "127.0.0.1".to_owned(),
        SocketAddr::V6(address) if address.ip().is_unspecified() => "[::1]".to_owned(),
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    };
    Ok(Url::parse(&format!("http://{host}:{}", listen.port()))?)
}
