//! A Postgres of a story's own, so that the story may kill it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::Process;

/// A cluster below a folder of the story's.
#[derive(Debug)]
pub struct Postgres {
    dir: PathBuf,
    bin: PathBuf,
    process: Process,
}

impl Postgres {
    /// Makes the cluster and starts it; it listens on a socket in `dir` only.
    ///
    /// # Errors
    /// When there are no binaries or it does not start.
    pub fn create(dir: &Path) -> Result<Self> {
        let bin = binaries()?;
        std::fs::create_dir_all(dir)?;
        if root() {
            run(Command::new("chown").arg("postgres").arg(dir))?;
        }
        let data = dir.join("data");
        run(unprivileged(&bin.join("initdb"))
            .arg("-D")
            .arg(&data)
            .args(["-A", "trust", "-U", "postgres"]))?;
        let process = start(dir, &bin)?;
        Ok(Self { dir: dir.to_owned(), bin, process })
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://postgres@localhost/postgres?host={}", self.dir.display())
    }

    /// Kills all its processes at once.
    ///
    /// # Errors
    /// When it ended by itself before.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()
    }

    /// Starts it again after [`Self::kill`]; answers once it takes connections.
    ///
    /// # Errors
    /// When it can not be started.
    pub fn start_again(&mut self) -> Result<()> {
        self.process = start(&self.dir, &self.bin)?;
        Ok(())
    }
}

/// Starts it until it answers. After a kill the first tries may fail: processes of the last one
/// end a moment after their parent, and it does not start beside them.
fn start(dir: &Path, bin: &Path) -> Result<Process> {
    let deadline = Instant::now() + Duration::from_secs(60);
    while Instant::now() < deadline {
        let mut command = unprivileged(&bin.join("postgres"));
        command.arg("-D").arg(dir.join("data")).arg("-k").arg(dir);
        command.args(["-c", "listen_addresses="]);
        let mut process = Process::start("Postgres", &mut command, &dir.join("log"))?;
        while process.runs()? && Instant::now() < deadline {
            let mut ready = Command::new(bin.join("pg_isready"));
            if ready.args(["-q", "-h"]).arg(dir).status()?.success() {
                return Ok(process);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    anyhow::bail!("Postgres in {} does not start; see its log", dir.display())
}

fn binaries() -> Result<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .context("there are no Postgres binaries; run `make setup`")?
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    found.sort();
    found.pop().context("there are no Postgres binaries; run `make setup`")
}

fn root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Postgres refuses to run as root. `setpriv` becomes the program, so that its pid is ours to kill.
fn unprivileged(program: &Path) -> Command {
    if !root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
    command
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("{command:?} can not be started"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {said}");
    Ok(())
}
