//! A server to look at: every state that a page can show, and one without anything.
//!
//! `slipway-showcase POSTGRES_URL` prints the addresses as one line of JSON, then obeys lines on
//! its standard input (`log`, `lose`, `finish`, `stop`, `start`, each answered by `ok`) until that closes.

mod cloud;
mod crowd;
mod deploys;
mod left;
mod live;
mod runs;
mod seed;

use std::io::Write as _;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use secrecy::SecretString;
use slipway_server::state::Server;
use slipway_server::{Config, LoginConfig, MasterKey};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::seed::Seed;

const ADMIN_TOKEN: &str = "the-showcase-admin-token";

/// One server on a port that it keeps over restarts.
struct Served {
    server: Arc<Server>,
    address: SocketAddr,
    stop: CancellationToken,
    task: Option<JoinHandle<Result<()>>>,
}

impl Served {
    async fn new(postgres: &PgConnectOptions, name: &str) -> Result<Self> {
        let mut admin = PgConnection::connect_with(postgres).await?;
        for statement in ["DROP DATABASE IF EXISTS", "CREATE DATABASE"] {
            // The name is one of ours.
            sqlx::raw_sql(AssertSqlSafe(format!("{statement} {name}"))).execute(&mut admin).await?;
        }
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let own = postgres.clone().database(name).to_url_lossy().to_string();
        let server = slipway_server::start(config(own, address)?).await?;
        let mut served = Self { server, address, stop: CancellationToken::new(), task: None };
        served.serve(listener);
        Ok(served)
    }

    fn serve(&mut self, listener: TcpListener) {
        self.stop = CancellationToken::new();
        let (server, stop) = (Arc::clone(&self.server), self.stop.clone());
        self.task = Some(tokio::spawn(slipway_server::http::serve(server, listener, stop)));
    }

    async fn start(&mut self) -> Result<()> {
        let listener = TcpListener::bind(self.address).await?;
        self.serve(listener);
        Ok(())
    }

    /// As an upgrade does: open streams end, and nobody listens any more.
    async fn stop(&mut self) -> Result<()> {
        self.stop.cancel();
        match self.task.take() {
            Some(task) => task.await?,
            None => Ok(()),
        }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn config(database: String, address: SocketAddr) -> Result<Config> {
    let addresses = (address, format!("http://{address}").parse()?);
    let tokens = [ADMIN_TOKEN, "a-registration-token"];
    let [admin, registration] = tokens.map(|token| SecretString::from(token.to_owned()));
    let database = SecretString::from(database);
    // Its pages lead to GitHub's; nobody follows them here.
    let login = LoginConfig {
        api_url: "https://api.github.com".parse()?,
        client_id: "showcase".to_owned(),
        client_secret: "of-the-showcase".to_owned().into(),
        scope: None,
    };
    let usual = Config::usual(database, addresses, MasterKey::new([7; 32]), (admin, registration));
    Ok(Config { login: Some(login), ..usual })
}

fn say(line: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    let url = std::env::args().nth(1).context("usage: slipway-showcase POSTGRES_URL")?;
    let postgres = PgConnectOptions::from_str(&url)?;
    let mut full = Served::new(&postgres, "showcase_full").await?;
    let empty = Served::new(&postgres, "showcase_empty").await?;
    let mut seed = Seed::new(Arc::clone(&full.server));
    seed.everything().await?;
    // The leases of the running jobs outlast the reaper's patience by far.
    let listening = slipway_server::spawn_loops(Arc::clone(&full.server), CancellationToken::new());
    let places = serde_json::json!({
        "full": full.url(), "empty": empty.url(), "token": ADMIN_TOKEN,
        "deployments": seed.named_deployments,
    });
    say(&places.to_string())?;
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        match line.trim() {
            "log" => seed.more_log().await?,
            "lose" => seed.lose_running().await?,
            "finish" => seed.finish_running().await?,
            "stop" => full.stop().await?,
            "start" => full.start().await?,
            other => bail!("what is {other:?}?"),
        }
        say("ok")?;
    }
    for task in listening {
        task.abort();
    }
    Ok(())
}
