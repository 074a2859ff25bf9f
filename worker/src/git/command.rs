//! Runs the git program as a stranger's repository deserves.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use tokio::time::error::Elapsed;

use super::access::Access;
use super::explain::{GitError, Kind, explain};

/// Longest time of one git call.
const TIMEOUT: Duration = Duration::from_secs(300);
/// Pauses before a host that has trouble is asked again.
const AGAIN: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];

/// What the worker's own git may never do, whatever a repository says. A file, and not `-c`:
/// the programs that git starts for a fetch read files, but not the command line of their parent.
/// The operator's own settings stand before: proxies and credential helpers belong to them.
const SETTINGS: &str = "\
[include]
\tpath = ~/.gitconfig
[core]
\thooksPath = /dev/null
\tfsmonitor = false
[safe]
\tdirectory = *
[protocol \"ext\"]
\tallow = never
[http]
\tlowSpeedLimit = 100
\tlowSpeedTime = 30
[gc]
\tauto = 0
[maintenance]
\tauto = false
[uploadpack]
\tallowAnySHA1InWant = true
[init]
\tdefaultBranch = main
[advice]
\tdetachedHead = false
";

/// The git program with the worker's settings.
pub(super) struct Git {
    root: PathBuf,
    settings: PathBuf,
}

impl Git {
    /// Lays the settings below `root`.
    pub(super) fn new(root: &Path) -> anyhow::Result<Self> {
        let settings = root.join("gitconfig");
        std::fs::create_dir_all(root)
            .and_then(|()| std::fs::write(&settings, SETTINGS))
            .with_context(|| format!("{} can not be written", settings.display()))?;
        Ok(Self { root: root.to_owned(), settings })
    }

    /// Runs `git ARGS` in `dir`, on what is on this machine, and gives its standard output.
    pub(super) async fn run<S: AsRef<OsStr>>(
        &self,
        dir: &Path,
        args: &[S],
    ) -> Result<Vec<u8>, GitError> {
        self.call(dir, args, None).await
    }

    /// The same for what may be long: none if it is more than `most` bytes.
    pub(super) async fn run_at_most<S: AsRef<OsStr>>(
        &self,
        dir: &Path,
        args: &[S],
        most: usize,
    ) -> Result<Option<Vec<u8>>, GitError> {
        let mut child = self
            .command(dir, args, None)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(none)?;
        let mut said = Vec::new();
        let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
        let reading = async {
            if let Some(out) = child.stdout.take() {
                out.take(limit).read_to_end(&mut said).await?;
            }
            // Who says more is not heard to the end, and killed when it is dropped.
            if said.len() > most { Ok(None) } else { child.wait().await.map(Some) }
        };
        let ended = tokio::time::timeout(TIMEOUT, reading).await.map_err(slow)?.map_err(none)?;
        match ended {
            None => Ok(None),
            Some(status) if status.success() => Ok(Some(said)),
            Some(status) => Err(GitError::new(Kind::Final, format!("git ended with {status}"))),
        }
    }

    /// The same with another side, which is asked again if it has trouble.
    pub(super) async fn remote<S: AsRef<OsStr>>(
        &self,
        dir: &Path,
        args: &[S],
        access: &Access,
    ) -> Result<Vec<u8>, GitError> {
        for pause in AGAIN {
            match self.call(dir, args, Some(access)).await {
                Err(error) if error.kind == Kind::Away => tokio::time::sleep(pause).await,
                done => return done,
            }
        }
        self.call(dir, args, Some(access)).await
    }

    async fn call<S: AsRef<OsStr>>(
        &self,
        dir: &Path,
        args: &[S],
        access: Option<&Access>,
    ) -> Result<Vec<u8>, GitError> {
        let output = tokio::time::timeout(TIMEOUT, self.command(dir, args, access).output()).await;
        let output = output.map_err(slow)?.map_err(none)?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(explain(&said, access, &self.root));
        }
        Ok(output.stdout)
    }

    fn command<S: AsRef<OsStr>>(&self, dir: &Path, args: &[S], access: Option<&Access>) -> Command {
        let mut command = Command::new("git");
        command
            .args(args)
            .current_dir(dir)
            .env("GIT_CONFIG_GLOBAL", &self.settings)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ASKPASS", "true")
            .env("GIT_LFS_SKIP_SMUDGE", "1")
            // What it says is read.
            .env("LC_ALL", "C")
            // A hook of `git push` may have started the server, and its variables point elsewhere.
            .env_remove("GIT_DIR")
            .env_remove("GIT_WORK_TREE")
            .env_remove("GIT_INDEX_FILE")
            .env_remove("GIT_OBJECT_DIRECTORY")
            .env_remove("GIT_QUARANTINE_PATH")
            .envs(access.map(Access::environment).unwrap_or_default())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }
}

fn slow(_: Elapsed) -> GitError {
    GitError::new(Kind::Final, "git took more than five minutes")
}

fn none(error: std::io::Error) -> GitError {
    let text = format!("the git program can not be run ({error}): is it on the worker?");
    GitError::new(Kind::Final, text)
}
