//! From settings to the three children.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::Signal;
use secrecy::{ExposeSecret, SecretString};
use tokio::process::Command;
use url::Url;

use super::child::Spec;
use super::running::Record;
use crate::data_dir::DataDir;

/// Longer than the server lets open requests go on.
const SERVER_LIMIT: Duration = Duration::from_secs(15);
/// A worker's tidying after its drain.
const WORKER_TIDIES: Duration = Duration::from_secs(30);

/// What `up` has decided.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) data_dir: DataDir,
    pub(crate) listen: SocketAddr,
    pub(crate) public_url: Option<Url>,
    /// Where the worker finds the server.
    pub(crate) url: Url,
    /// Jobs at once.
    pub(crate) jobs: u32,
    /// How long the worker waits for its jobs at the end.
    pub(crate) drain: Duration,
    pub(crate) record: Record,
    /// This program.
    program: PathBuf,
}

/// The worker must not hold these: what a job reaches, it may reach.
const NOT_FOR_THE_WORKER: [&str; 6] = [
    "SLIPWAY_DATABASE_URL",
    "SLIPWAY_MASTER_KEY",
    "SLIPWAY_MASTER_KEY_FILE",
    "SLIPWAY_ADMIN_TOKEN",
    "SLIPWAY_ADMIN_TOKEN_FILE",
    "SLIPWAY_GITHUB_WEBHOOK_SECRET",
];

impl Setup {
    /// Names this program as the children's.
    pub(crate) fn new(
        data_dir: DataDir,
        (listen, public_url): (SocketAddr, Option<Url>),
        url: Url,
        (jobs, drain): (u32, Duration),
        record: Record,
    ) -> Result<Self> {
        let program = std::env::current_exe().context("this program's own path is unknown")?;
        Ok(Self { data_dir, listen, public_url, url, jobs, drain, record, program })
    }

    /// Where a child's log is, for people.
    pub(crate) fn log(&self, name: &str) -> String {
        self.data_dir.join(format!("logs/{name}.log")).display().to_string()
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(name).arg("--stop-with-stdin").arg("--data-dir").arg(self.data_dir.path());
        command
    }

    /// The server, over this database.
    pub(crate) fn server(&self, database_url: SecretString) -> Spec {
        let this = self.clone();
        let command = move || {
            let mut command = this.command("server");
            command.arg("--listen").arg(this.listen.to_string());
            if let Some(url) = &this.public_url {
                command.arg("--public-url").arg(url.as_str());
            }
            command.env("SLIPWAY_DATABASE_URL", database_url.expose_secret());
            command
        };
        let record = self.record.clone();
        Spec {
            name: "server",
            command: Box::new(command),
            log: self.data_dir.join("logs/server.log"),
            ask: Signal::TERM,
            limit: SERVER_LIMIT,
            started: Box::new(move |process| record.note(|running| running.server = Some(process))),
        }
    }

    /// The worker of this machine.
    pub(crate) fn worker(&self) -> Spec {
        let this = self.clone();
        let command = move || {
            let mut command = this.command("worker");
            command.arg("--server").arg(this.url.as_str());
            command.arg("--jobs").arg(this.jobs.to_string());
            for variable in NOT_FOR_THE_WORKER {
                command.env_remove(variable);
            }
            command
        };
        let record = self.record.clone();
        Spec {
            name: "worker",
            command: Box::new(command),
            log: self.data_dir.join("logs/worker.log"),
            ask: Signal::TERM,
            limit: self.drain + WORKER_TIDIES,
            started: Box::new(move |process| record.note(|running| running.worker = Some(process))),
        }
    }
}
