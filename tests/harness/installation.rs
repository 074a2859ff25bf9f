//! A whole Slipway of a story's own: Postgres, server and worker as processes of the real binary.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use sqlx::postgres::{PgPool, PgPoolOptions};
use uuid::Uuid;

use crate::caller::{Caller, Repo};
use crate::{Postgres, Process, Repository, slipway};

/// How long a worker may be silent in the stories, in seconds.
const LEASE: &str = "3";
/// As random as a real one: a server refuses what looks typed.
const MASTER_KEY: &str = "525342b3b51eddeefbb9bd280da46d57730466301ffff19f7d31c7222c4137dc";
const ADMIN: &str = "the-admin-token-of-the-story";
const REGISTRATION: &str = "the-worker-token-of-the-story";

/// Its parts are fields, so that a story can kill one of them.
#[derive(Debug)]
pub struct Installation {
    /// The server.
    pub server: Process,
    /// The worker.
    pub worker: Process,
    /// The database.
    pub postgres: Postgres,
    port: u16,
    settings: Settings,
    dir: tempfile::TempDir,
}

/// What an operator would set beside what a story always sets: `SLIPWAY_…` variables.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Of the server.
    pub server: Vec<(&'static str, String)>,
    /// Of the worker.
    pub worker: Vec<(&'static str, String)>,
}

impl Installation {
    /// Starts all three.
    ///
    /// # Errors
    /// When one of them does not start.
    pub async fn start() -> Result<Self> {
        Self::with(Settings::default()).await
    }

    /// Starts all three with something else about them.
    ///
    /// # Errors
    /// When one of them does not start.
    pub async fn with(settings: Settings) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("slipway-story-").tempdir()?;
        open_to_all(dir.path())?;
        let postgres = Postgres::create(&dir.path().join("pg"))?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let server = server(dir.path(), port, &postgres.url(), &settings)?;
        let worker = worker(dir.path(), port, &settings)?;
        let installation = Self { server, worker, postgres, port, settings, dir };
        installation.caller().until_healthy().await;
        Ok(installation)
    }

    /// Starts the server again after it was killed.
    ///
    /// # Errors
    /// When it can not be started.
    pub fn start_server(&mut self) -> Result<()> {
        self.server = server(self.dir.path(), self.port, &self.postgres.url(), &self.settings)?;
        Ok(())
    }

    /// Starts another server over the same database; answers it with its address.
    ///
    /// # Errors
    /// When it can not be started.
    pub async fn another_server(&self) -> Result<(Process, String)> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let dir = self.dir.path().join("another");
        std::fs::create_dir_all(&dir)?;
        let server = server(&dir, port, &self.postgres.url(), &self.settings)?;
        Caller::new(port, ADMIN).until_healthy().await;
        Ok((server, format!("http://127.0.0.1:{port}")))
    }

    /// Starts the worker again after it was killed: the same worker, a new process.
    ///
    /// # Errors
    /// When it can not be started.
    pub fn start_worker(&mut self) -> Result<()> {
        self.worker = worker(self.dir.path(), self.port, &self.settings)?;
        Ok(())
    }

    /// Its address, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Runs `slipway ARGUMENTS` as the operator would; answers what it printed.
    ///
    /// # Errors
    /// With what it said, when it fails.
    pub async fn slipway(&self, arguments: &[&str]) -> Result<String> {
        self.slipway_with(arguments, "").await
    }

    /// As [`Self::slipway`], with this on its standard input.
    ///
    /// # Errors
    /// With what it said, when it fails.
    pub async fn slipway_with(&self, arguments: &[&str], input: &str) -> Result<String> {
        let mut command = self.command(arguments)?;
        let mut child = command.stdin(Stdio::piped()).spawn().context("slipway can not start")?;
        let mut stdin = child.stdin.take().context("it has an input")?;
        tokio::io::AsyncWriteExt::write_all(&mut stdin, input.as_bytes()).await?;
        drop(stdin);
        let output = child.wait_with_output().await?;
        let said = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "slipway {}: {said}", arguments.join(" "));
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// `slipway ARGUMENTS` as the operator would run it, with nothing on its standard input: for
    /// what goes on while something else happens, and for exit codes.
    ///
    /// # Errors
    /// When the program is not built.
    pub fn command(&self, arguments: &[&str]) -> Result<tokio::process::Command> {
        let mut command = tokio::process::Command::new(slipway()?);
        command
            .args(arguments)
            .env("SLIPWAY_DATA_DIR", self.dir.path().join("operator"))
            .env("SLIPWAY_URL", self.url())
            .env("SLIPWAY_ADMIN_TOKEN", ADMIN)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        Ok(command)
    }

    /// Calls its API as the operator.
    #[must_use]
    pub fn caller(&self) -> Caller {
        Caller::new(self.port, ADMIN)
    }

    /// A repository of the story's.
    ///
    /// # Errors
    /// When git fails.
    pub fn repository(&self) -> Result<Repository> {
        Repository::create(self.dir.path())
    }

    /// Adds a bare repository as `name`.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn add_repo(&self, name: &str, path: &Path) -> Result<Repo> {
        self.caller().add_repo(name, path).await
    }

    /// Connections to its database: for what no page shows.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn pool(&self) -> Result<PgPool> {
        Ok(PgPoolOptions::new().max_connections(2).connect(&self.postgres.url()).await?)
    }

    /// The whole log of one attempt, as it is stored.
    ///
    /// # Errors
    /// When a chunk is missing or broken.
    pub async fn log(&self, pool: &PgPool, attempt: Uuid) -> Result<Vec<u8>> {
        let chunks: Vec<(i64, i32, Vec<u8>)> = sqlx::query_as(
            "SELECT start, length, data FROM log_chunks WHERE attempt_id = $1 ORDER BY start",
        )
        .bind(attempt)
        .fetch_all(pool)
        .await?;
        let mut log = Vec::new();
        for (start, length, data) in chunks {
            anyhow::ensure!(i64::try_from(log.len())? == start, "a gap before {start}");
            log.extend(zstd::bulk::decompress(&data, usize::try_from(length)?)?);
        }
        Ok(log)
    }

    /// The worker's id: on the labels of everything it makes.
    ///
    /// # Errors
    /// When it has none yet.
    pub fn worker_id(&self) -> Result<String> {
        let file = self.dir.path().join("worker/worker/worker-id");
        let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        Ok(text.trim().to_owned())
    }

    /// Stops what still runs: the worker first, which takes its network and its containers along;
    /// an engine has room for some thirty networks. The folder goes with it.
    ///
    /// # Errors
    /// When one of them does not end well.
    pub async fn remove(mut self) -> Result<()> {
        if self.worker.runs()? {
            self.worker.stop()?;
        }
        self.server.stop()
    }
}

fn open_to_all(dir: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    // Postgres runs as a user of its own, below this folder.
    Ok(std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o755))?)
}

fn server(dir: &Path, port: u16, database_url: &str, settings: &Settings) -> Result<Process> {
    let mut command = Command::new(slipway()?);
    command
        .arg("server")
        .env("SLIPWAY_DATA_DIR", dir.join("server"))
        .env("SLIPWAY_LISTEN", format!("127.0.0.1:{port}"))
        .env("SLIPWAY_DATABASE_URL", database_url)
        .env("SLIPWAY_MASTER_KEY", MASTER_KEY)
        .env("SLIPWAY_ADMIN_TOKEN", ADMIN)
        .env("SLIPWAY_WORKER_TOKEN", REGISTRATION)
        .env("SLIPWAY_LEASE_SECONDS", LEASE)
        .envs(settings.server.iter().map(|(name, value)| (name, value)));
    Process::start("the server", &mut command, &dir.join("server.log"))
}

fn worker(dir: &Path, port: u16, settings: &Settings) -> Result<Process> {
    let mut command = Command::new(slipway()?);
    command
        .arg("worker")
        .env("SLIPWAY_DATA_DIR", dir.join("worker"))
        .env("SLIPWAY_URL", format!("http://127.0.0.1:{port}"))
        .env("SLIPWAY_NAME", "story")
        .env("SLIPWAY_SLOTS", "2")
        .env("SLIPWAY_WORKER_TOKEN", REGISTRATION)
        .envs(settings.worker.iter().map(|(name, value)| (name, value)));
    Process::start("the worker", &mut command, &dir.join("worker.log"))
}

/// Containers that carry the worker's label.
///
/// # Errors
/// When the engine does not answer.
pub async fn containers_of(worker: &str) -> Result<Vec<String>> {
    use bollard::query_parameters::ListContainersOptionsBuilder;

    let engine = bollard::Docker::connect_with_unix_defaults()?.negotiate_version().await?;
    let label = vec![format!("slipway.worker={worker}")];
    let filters = std::collections::HashMap::from([("label".to_owned(), label)]);
    let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    let found = engine.list_containers(Some(options)).await?;
    Ok(found.into_iter().filter_map(|container| container.id).collect())
}
