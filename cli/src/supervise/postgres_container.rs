//! Postgres in a container, where this machine has no programs of it but has an engine.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use tokio::process::Command;
use tokio::time::Instant;
use url::Url;

use super::child::tell;
use crate::data_dir::{DataDir, make_folder, write_private};

/// The official image; another by the setting `postgres_image`.
const IMAGE: &str = "postgres:17-alpine";
/// Its files, below the data dir.
const FOLDER: &str = "postgres-container";
/// Of a call to the engine; the first one may have to fetch the image.
const LIMIT: Duration = Duration::from_secs(60);
const PULL_LIMIT: Duration = Duration::from_secs(600);
/// The first start makes the database.
const READY_LIMIT: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(250);

/// Its container: one for a data dir, known by its name.
#[derive(Clone, Debug)]
pub(crate) struct PostgresContainer {
    data_dir: DataDir,
    engine: Option<String>,
    image: String,
    name: String,
}

impl PostgresContainer {
    /// Nothing is started yet.
    pub(crate) fn of(data_dir: &DataDir, engine: Option<String>, image: Option<String>) -> Self {
        let sum = Sha256::digest(data_dir.path().as_os_str().as_bytes());
        Self {
            data_dir: data_dir.clone(),
            engine,
            image: image.unwrap_or_else(|| IMAGE.to_owned()),
            name: format!("slipway-postgres-{}", hex::encode(&sum[..6])),
        }
    }

    /// Whether the database of this data dir was made in a container.
    pub(crate) fn has_data(data_dir: &DataDir) -> bool {
        data_dir.join(FOLDER).is_dir()
    }

    /// Whether the engine answers.
    pub(crate) async fn is_possible(&self) -> bool {
        self.docker(&["version", "--format", "{{.Server.Version}}"], LIMIT).await.is_ok()
    }

    /// Runs it, or takes the one that runs; where it is reached.
    pub(crate) async fn start(&self) -> Result<SecretString> {
        let password = self.data_dir.secret_or_new("postgres.password")?;
        match self.docker(&["inspect", "--format", "{{.State.Running}}", &self.name], LIMIT).await {
            Ok(running) if running == "true" => {
                tell(&format!("the Postgres of before still runs (container {})", self.name));
            }
            Ok(_stopped) => {
                self.docker(&["start", &self.name], LIMIT).await?;
            }
            Err(_absent) => self.make(&password).await?,
        }
        let address = self.docker(&["port", &self.name, "5432/tcp"], LIMIT).await?;
        let address = address.lines().next().unwrap_or_default().to_owned();
        self.wait_ready().await?;
        let mut url = Url::parse(&format!("postgres://slipway@{address}/slipway"))
            .with_context(|| format!("{address:?} is no address of the Postgres container"))?;
        let set = url.set_password(Some(password.expose_secret()));
        set.ok().context("the Postgres container's address takes no password")?;
        Ok(String::from(url).into())
    }

    /// Stops and removes it; its files stay in the data dir.
    pub(crate) async fn stop(&self) {
        let known = self.docker(&["inspect", "--format", "{{.Id}}", &self.name], LIMIT).await;
        if known.is_err() {
            return;
        }
        for arguments in [&["stop", "--time", "30", &self.name][..], &["rm", &self.name]] {
            if let Err(error) = self.docker(arguments, LIMIT).await {
                tell(&format!("{error:#}"));
            }
        }
    }

    fn files(&self) -> PathBuf {
        self.data_dir.join(FOLDER)
    }

    async fn make(&self, password: &SecretString) -> Result<()> {
        make_folder(&self.files(), 0o700)?;
        // A file, since arguments are seen by everybody on the machine.
        let environment = self.data_dir.join("postgres.env");
        let text =
            format!("POSTGRES_USER=slipway\nPOSTGRES_PASSWORD={}\n", password.expose_secret());
        write_private(&environment, text.as_bytes())?;
        if self
            .docker(&["image", "inspect", "--format", "{{.Id}}", &self.image], LIMIT)
            .await
            .is_err()
        {
            tell(&format!("no Postgres on this machine: fetching the image {}", self.image));
        }
        let files = format!("{}:/var/lib/postgresql/data", self.files().display());
        let label = format!("slipway.postgres={}", self.data_dir.path().display());
        let made = self
            .docker(
                &[
                    "run",
                    "--detach",
                    "--name",
                    &self.name,
                    "--label",
                    &label,
                    // The engine starts it again when it dies; not after it was stopped.
                    "--restart",
                    "unless-stopped",
                    "--env-file",
                    &environment.display().to_string(),
                    "--volume",
                    &files,
                    "--publish",
                    "127.0.0.1::5432",
                    &self.image,
                ],
                PULL_LIMIT,
            )
            .await;
        let _removed = std::fs::remove_file(&environment);
        if made.is_err() {
            // Only if nothing was made: the folder says that the database is in a container.
            let _still_empty = std::fs::remove_dir(self.files());
        }
        made.map(drop)
    }

    async fn wait_ready(&self) -> Result<()> {
        let deadline = Instant::now() + READY_LIMIT;
        // By its address: while the database is made, it answers on its socket only.
        let ready = ["exec", &self.name, "pg_isready", "-q", "-U", "slipway", "-h", "127.0.0.1"];
        while self.docker(&ready, LIMIT).await.is_err() {
            if Instant::now() >= deadline {
                bail!("Postgres does not answer in its container; see: docker logs {}", self.name);
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    /// Runs the engine's own program; its words, without the line's end.
    async fn docker(&self, arguments: &[&str], limit: Duration) -> Result<String> {
        let output = Command::new("docker")
            .args(self.engine.as_ref().map(|engine| format!("--host={engine}")))
            .args(arguments)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(limit, output)
            .await
            .with_context(|| format!("the engine does not answer within {} s", limit.as_secs()))?
            .context("there is no docker program")?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            bail!("Postgres' container: {}", cause(&words));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }
}

/// The line that says why, among those that only advise.
fn cause(words: &str) -> &str {
    let mut lines = words.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.clone().next().unwrap_or("the engine says nothing");
    lines.find(|line| line.to_ascii_lowercase().contains("error")).unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_told_and_not_the_advice() {
        let words = "Unable to find image 'x' locally\ndocker: Error response from daemon: no \
                     such host.\nSee 'docker run --help'.\n";
        assert_eq!(cause(words), "docker: Error response from daemon: no such host.");
        assert_eq!(cause(""), "the engine says nothing");
    }
}
