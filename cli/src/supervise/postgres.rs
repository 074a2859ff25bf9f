//! The Postgres of `slipway up`: made once, adopted if it still runs, on a socket that only we
//! can reach.

use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use secrecy::SecretString;
use tokio::process::Command;
use url::Url;

use super::child::{Held, Spec, last_sentence, tell};
use super::postgres_programs::{Account, Programs};
use crate::data_dir::{DataDir, make_folder};
use crate::process::Process;

/// The name of a socket has at most 107 bytes, and Postgres adds `/.s.PGSQL.5432`.
const LONGEST_SOCKET_FOLDER: usize = 92;
/// It may have to recover from its journal first.
const READY_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

/// Where its files are and how it is run.
#[derive(Clone, Debug)]
pub(crate) struct Postgres {
    folder: PathBuf,
    log: PathBuf,
    programs: Programs,
    account: Option<Account>,
}

impl Postgres {
    /// Looks for the programs and checks the place.
    pub(crate) fn find(
        data_dir: &DataDir,
        setting: Option<&Path>,
        user: Option<String>,
    ) -> Result<Option<Self>> {
        let folder = data_dir.join("postgres");
        let wanted = std::fs::read_to_string(folder.join("data/PG_VERSION"));
        let wanted = wanted.ok().and_then(|text| text.trim().parse().ok());
        let Some(programs) = Programs::find(setting, wanted)? else { return Ok(None) };
        if folder.as_os_str().len() > LONGEST_SOCKET_FOLDER {
            bail!(
                "the path of {} is too long for Postgres' socket; choose a shorter --data-dir",
                folder.display()
            );
        }
        let account = Account::find(user)?;
        Ok(Some(Self { folder, log: data_dir.join("logs/postgres.log"), programs, account }))
    }

    /// The folder of its programs.
    pub(crate) fn programs(&self) -> &Path {
        self.programs.folder()
    }

    /// How the server reaches it: by a socket in a folder that is ours alone.
    pub(crate) fn url(&self) -> Result<SecretString> {
        let mut url = Url::parse("postgres://slipway@localhost/postgres")?;
        let folder = self.folder.to_str().context("the data dir's path is not UTF-8")?;
        url.query_pairs_mut().append_pair("host", folder);
        Ok(String::from(url).into())
    }

    /// A Postgres that answers: made, started or adopted.
    pub(crate) async fn start(&self) -> Result<(Spec, Held)> {
        self.prepare().await?;
        let spec = self.spec();
        let from = std::fs::metadata(&self.log).map_or(0, |found| found.len());
        let held = match postmaster(&self.data()) {
            Some(process) => {
                tell(&format!("the Postgres of before still runs (process {})", process.pid()));
                Held::Stranger(process)
            }
            None => spec.start()?,
        };
        match self.wait_ready(held).await {
            Some(held) => Ok((spec, held)),
            None => bail!(
                "Postgres does not start: {}; its log is {}",
                last_sentence(&self.log, from).unwrap_or_else(|| "it says nothing".to_owned()),
                self.log.display()
            ),
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    async fn wait_ready(&self, mut held: Held) -> Option<Held> {
        let deadline = Instant::now() + READY_LIMIT;
        while Instant::now() < deadline {
            if is_ready(&self.data(), held.process()) {
                return Some(held);
            }
            if tokio::time::timeout(POLL, held.ended()).await.is_ok() {
                return None;
            }
        }
        None
    }

    fn spec(&self) -> Spec {
        let this = self.clone();
        let command = move || {
            let mut command = this.command("postgres");
            command
                .arg("-D")
                .arg(this.data())
                .arg("-k")
                .arg(&this.folder)
                // No address: a job's container could reach a port.
                .args(["-c", "listen_addresses=", "-c", "unix_socket_permissions=0700"])
                // A dead `up` must find its words in the log, not in a collector's files.
                .args(["-c", "logging_collector=off", "-c", "log_destination=stderr"]);
            command
        };
        Spec {
            name: "postgres",
            command: Box::new(command),
            log: self.log.clone(),
            // Its "fast" shutdown.
            ask: Signal::INT,
            limit: STOP_LIMIT,
            started: Box::new(|_| {}),
        }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.program(program));
        if let Some(account) = &self.account {
            command.uid(account.uid).gid(account.gid);
        }
        // It must be able to read the folder it is started in.
        command.current_dir("/").env("LC_ALL", "C");
        command
    }

    /// Makes the database where there is none: whole or not at all.
    async fn prepare(&self) -> Result<()> {
        make_folder(&self.folder, 0o700)?;
        if let Some(account) = &self.account {
            chown(&self.folder, Some(account.uid), Some(account.gid))
                .with_context(|| format!("{} can not be given away", self.folder.display()))?;
            self.check_reachable(account).await?;
        }
        if self.data().is_dir() {
            return Ok(());
        }
        let unfinished = self.folder.join("data.unfinished");
        if unfinished.is_dir() {
            std::fs::remove_dir_all(&unfinished)
                .with_context(|| format!("{} can not be removed", unfinished.display()))?;
        }
        let made = self
            .command("initdb")
            .arg("-D")
            .arg(&unfinished)
            .args(["-U", "slipway", "-A", "trust", "-E", "UTF8", "--locale=C"])
            .stdin(Stdio::null())
            .output()
            .await
            .context("initdb can not be run")?;
        if !made.status.success() {
            let words = String::from_utf8_lossy(&made.stderr);
            let words = words.lines().rfind(|line| !line.is_empty()).unwrap_or_default();
            bail!("Postgres' files can not be made in {}: {words}", self.folder.display());
        }
        std::fs::rename(&unfinished, self.data())
            .context("the new database can not be put in place")
    }

    async fn check_reachable(&self, account: &Account) -> Result<()> {
        let status = Command::new("test")
            .arg("-w")
            .arg(&self.folder)
            .uid(account.uid)
            .gid(account.gid)
            .current_dir("/")
            .status()
            .await
            .context("test can not be run")?;
        if !status.success() {
            bail!(
                "Postgres runs as the user {}, who can not enter {}; choose a --data-dir that \
                 others can pass through, such as /var/lib/slipway",
                account.name,
                self.folder.display()
            );
        }
        Ok(())
    }
}

/// The Postgres that runs on these files now.
pub(crate) fn postmaster(data: &Path) -> Option<Process> {
    let text = std::fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let pid: u32 = text.lines().next()?.trim().parse().ok()?;
    let process = Process::of(pid)?;
    // After a crash of the machine, the number may be another program's.
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    name.trim().starts_with("postgres").then_some(process)
}

/// Postgres writes its state into the eighth line.
fn is_ready(data: &Path, process: Process) -> bool {
    let text = std::fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
    let pid = text.lines().next().and_then(|line| line.trim().parse::<i32>().ok());
    pid == Some(process.pid()) && text.lines().nth(7).is_some_and(|line| line.trim() == "ready")
}

/// Stops the Postgres of a data dir whose `up` is gone.
pub(crate) async fn stop_orphan(data_dir: &DataDir) {
    if let Some(process) = postmaster(&data_dir.join("postgres/data")) {
        process.stop(Signal::INT, STOP_LIMIT).await;
    }
}
