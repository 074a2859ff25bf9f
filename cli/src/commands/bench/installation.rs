//! A whole Slipway beside the one of the machine, for one bench: its own Postgres with the
//! settings that `up` gives it, its own server, and a worker where the bench runs jobs.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Value;
use slipway_pipelines::wire::SecretText;
use slipway_pipelines::wire::api::{Step, WholeEnvironment, WholeJob};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::pgbench::{self, Round};
use crate::api::Api;
use crate::data_dir::DataDir;
use crate::supervise::child::{Held, Spec};
use crate::supervise::postgres::Postgres;

/// Longest wait for a part to be ready.
const READY: Duration = Duration::from_secs(60);

/// Everything is gone with it.
pub(super) struct Installation {
    /// The server's address.
    pub(super) url: Url,
    /// With it a worker registers.
    pub(super) worker_token: SecretString,
    api: Api,
    database_url: SecretString,
    programs: PathBuf,
    postgres: (Spec, Held),
    children: Vec<Child>,
    dir: tempfile::TempDir,
}

/// A repo, with the key that signs its deliveries.
#[derive(Debug, Deserialize)]
pub(super) struct Repo {
    /// `OWNER/NAME`.
    pub(super) name: String,
    /// The key.
    pub(super) webhook_key: SecretText,
}

impl Installation {
    /// Starts Postgres and the server, and a worker with so many slots if any.
    pub(super) async fn start(slots: Option<u32>) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("slipway-bench-").tempdir()?;
        pass_through(dir.path())?;
        let data_dir = DataDir::at(dir.path().to_owned());
        let postgres = Postgres::find(&data_dir, None, None)?
            .context("a bench brings its own Postgres; install it (Debian: postgresql)")?;
        let (programs, database_url) = (postgres.programs().to_owned(), postgres.url()?);
        std::fs::create_dir(dir.path().join("logs"))?;
        let postgres = postgres.start().await?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let url: Url = format!("http://127.0.0.1:{port}/").parse()?;
        let token = || SecretString::from(hex::encode(rand::random::<[u8; 32]>()));
        let (admin_token, worker_token, master_key) = (token(), token(), token());
        let api = Api::new(url.clone(), admin_token.clone())?;
        let mut server = slipway(dir.path(), "server")?;
        server
            .env("SLIPWAY_LISTEN", format!("127.0.0.1:{port}"))
            .env("SLIPWAY_DATABASE_URL", database_url.expose_secret())
            .env("SLIPWAY_ADMIN_TOKEN", admin_token.expose_secret())
            .env("SLIPWAY_WORKER_TOKEN", worker_token.expose_secret())
            .env("SLIPWAY_MASTER_KEY", master_key.expose_secret());
        let children = vec![server.spawn().context("the server can not be started")?];
        let mut this =
            Self { url, worker_token, api, database_url, programs, postgres, children, dir };
        this.until("the server", async |this| this.api.healthy().await).await?;
        if let Some(slots) = slots {
            this.start_worker(slots, 0).await?;
        }
        Ok(this)
    }

    /// Starts a worker with so many slots, which keeps so many containers warm.
    pub(super) async fn start_worker(&mut self, slots: u32, warm: u32) -> Result<()> {
        self.start_worker_at(slots, warm, None).await
    }

    /// As [`Self::start_worker`], on the engine of this address.
    pub(super) async fn start_worker_at(
        &mut self,
        slots: u32,
        warm: u32,
        engine: Option<&str>,
    ) -> Result<()> {
        let begun = chrono::Utc::now();
        let mut worker = slipway(self.dir.path(), "worker")?;
        worker
            .env("SLIPWAY_URL", self.url.as_str())
            .env("SLIPWAY_SLOTS", slots.to_string())
            .env("SLIPWAY_WARM", warm.to_string())
            .env("SLIPWAY_NAME", "bench")
            .env("SLIPWAY_WORKER_TOKEN", self.worker_token.expose_secret())
            .envs(engine.map(|address| ("SLIPWAY_ENGINE", address)));
        self.children.push(worker.spawn().context("the worker can not be started")?);
        self.until("the worker", async |this| {
            let workers = this.api.get::<Vec<Value>>("workers").await.unwrap_or_default();
            let seen = |worker: &Value| {
                let at = worker["last_seen_at"].as_str().unwrap_or_default();
                at.parse::<chrono::DateTime<chrono::Utc>>().is_ok_and(|at| at >= begun)
            };
            workers.iter().any(seen)
        })
        .await
    }

    /// Ends the worker, and waits until it has let go of its containers.
    pub(super) async fn stop_worker(&mut self) -> Result<()> {
        // The server was started first.
        if self.children.len() > 1
            && let Some(mut worker) = self.children.pop()
        {
            drop(worker.stdin.take());
            worker.wait().await?;
        }
        Ok(())
    }

    /// The id of the worker, once it has one.
    pub(super) fn worker_id(&self) -> Result<String> {
        let file = self.dir.path().join("worker/worker/worker-id");
        let id = std::fs::read_to_string(&file).context("the worker has no id yet")?;
        Ok(id.trim().to_owned())
    }

    async fn until(&self, what: &str, ready: impl AsyncFn(&Self) -> bool) -> Result<()> {
        let deadline = Instant::now() + READY;
        while !ready(self).await {
            ensure!(Instant::now() < deadline, "{what} is not ready after {READY:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Adds a bare repository.
    pub(super) async fn add_repo(&self, name: &str, clone_url: &str) -> Result<Repo> {
        let asked = serde_json::json!({
            "name": name, "kind": "git", "clone_url": clone_url, "default_branch": "main",
        });
        self.api.post("repos", &asked).await
    }

    /// Gives a repo a secret.
    pub(super) async fn set_secret(&self, repo: &str, name: &str, value: String) -> Result<()> {
        self.api.put_raw(&format!("{repo}/secrets/{name}"), value.into_bytes()).await
    }

    /// A run, if it is there yet.
    pub(super) async fn run(&self, repo: &str, number: u32) -> Result<Option<Value>> {
        self.api.find(&format!("{repo}/runs/{number}")).await
    }

    /// The first job of a run, with its attempts and their steps.
    pub(super) async fn job(&self, repo: &str, number: u32) -> Result<WholeJob> {
        self.api.get(&format!("{repo}/runs/{number}/jobs/1")).await
    }

    /// An environment with its deployments, once there is one.
    pub(super) async fn environment(
        &self,
        repo: &str,
        name: &str,
    ) -> Result<Option<WholeEnvironment>> {
        self.api.find(&format!("{repo}/environments/{name}")).await
    }

    /// The log of the first job of a run, as far as there is one.
    pub(super) async fn log(&self, repo: &str, number: u32) -> Result<String> {
        let path = format!("{repo}/runs/{number}/jobs/1/log");
        // Before its first step a job has no log.
        let Ok(answer) = self.api.get_raw(&path).await else { return Ok(String::new()) };
        Ok(answer.text().await?)
    }

    /// How many milliseconds the step of this title took in the first job of a run.
    pub(super) async fn step(&self, repo: &str, number: u32, title: &str) -> Result<f64> {
        let job = self.job(repo, number).await?;
        let step = step(&job, title)?;
        took(step.started_at, step.finished_at)
    }

    /// How many it took from the beginning of that step until the whole job was stored.
    pub(super) async fn until_stored(&self, repo: &str, number: u32, title: &str) -> Result<f64> {
        let job = self.job(repo, number).await?;
        took(step(&job, title)?.started_at, job.job.finished_at)
    }

    /// A link that logs a browser in.
    pub(super) async fn login_link(&self) -> Result<Url> {
        crate::commands::login::link(&self.api).await
    }

    /// The server's process, while it runs.
    pub(super) fn server_pid(&self) -> Option<u32> {
        self.children.first()?.id()
    }

    /// A round of the baseline on the same Postgres.
    pub(super) async fn pgbench(
        &self,
        script: &str,
        clients: u32,
        time: Duration,
    ) -> Result<Round> {
        pgbench::round(&self.programs, &self.database_url, script, clients, time).await
    }

    /// Prepares tables and rows by Postgres' own client.
    pub(super) async fn sql(&self, statements: &str) -> Result<()> {
        let output = Command::new(self.programs.join("psql"))
            .env("PGOPTIONS", "-c client_min_messages=warning")
            .args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--command", statements])
            .arg(self.database_url.expose_secret())
            .output()
            .await
            .context("psql can not be started")?;
        if !output.status.success() {
            bail!("psql failed: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }

    /// Ends everything: the worker lets go of its containers first.
    pub(super) async fn end(mut self) -> Result<()> {
        for mut child in self.children.drain(..).rev() {
            // What is asked to stop by the end of its input stops as at SIGTERM.
            drop(child.stdin.take());
            child.wait().await?;
        }
        let (spec, held) = self.postgres;
        spec.end(held, &CancellationToken::new()).await;
        self.dir.close().context("the scratch folder can not be removed")
    }
}

/// The step of that title in the job's first attempt.
fn step<'a>(job: &'a WholeJob, title: &str) -> Result<&'a Step> {
    let mut steps = job.attempts.iter().flat_map(|attempt| &attempt.steps);
    let found = steps.find(|step| step.title == title);
    found.with_context(|| format!("there is no step {title:?} in {job:?}"))
}

/// Milliseconds between two times.
fn took(from: DateTime<Utc>, to: Option<DateTime<Utc>>) -> Result<f64> {
    let took = (to.context("it has not ended")? - from).to_std()?;
    Ok(took.as_secs_f64() * 1000.0)
}

/// This same binary as a child that ends with us.
fn slipway(dir: &Path, command: &str) -> Result<Command> {
    let own = std::env::current_exe().context("the path of this binary is unknown")?;
    let log = std::fs::File::create(dir.join("logs").join(command))?;
    let mut child = Command::new(own);
    child
        .arg(command)
        .arg("--stop-with-stdin")
        .env("SLIPWAY_DATA_DIR", dir.join(command))
        .stdin(Stdio::piped())
        .stdout(log.try_clone()?)
        .stderr(log)
        .kill_on_drop(true);
    Ok(child)
}

/// Postgres runs as a user of its own where we are root, and passes through to its folder.
fn pass_through(dir: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o711))?)
}
