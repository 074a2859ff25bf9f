//! Runs the git program as a stranger's repository deserves.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::process::Command;

/// Longest time of one git call.
const TIMEOUT: Duration = Duration::from_secs(300);

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
    settings: PathBuf,
}

impl Git {
    /// Lays the settings below `root`.
    pub(super) fn new(root: &Path) -> anyhow::Result<Self> {
        let settings = root.join("gitconfig");
        std::fs::create_dir_all(root)
            .and_then(|()| std::fs::write(&settings, SETTINGS))
            .with_context(|| format!("{} can not be written", settings.display()))?;
        Ok(Self { settings })
    }

    /// Runs `git ARGS` in `dir` and gives its standard output.
    pub(super) async fn run<S: AsRef<OsStr>>(
        &self,
        dir: &Path,
        args: &[S],
    ) -> anyhow::Result<Vec<u8>> {
        let mut command = Command::new("git");
        command
            .args(args)
            .current_dir(dir)
            .env("GIT_CONFIG_GLOBAL", &self.settings)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ASKPASS", "true")
            .env("GIT_LFS_SKIP_SMUDGE", "1")
            // A hook of `git push` may have started the server, and its variables point elsewhere.
            .env_remove("GIT_DIR")
            .env_remove("GIT_WORK_TREE")
            .env_remove("GIT_INDEX_FILE")
            .env_remove("GIT_OBJECT_DIRECTORY")
            .env_remove("GIT_QUARANTINE_PATH")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output = tokio::time::timeout(TIMEOUT, command.output())
            .await
            .context("git took more than five minutes")?
            .context("the git program can not be run: is it installed on the worker?")?;
        if !output.status.success() {
            let error = String::from_utf8_lossy(&output.stderr);
            let last: String = error.trim().replace('\n', "; ").chars().take(400).collect();
            bail!("git said: {last}");
        }
        Ok(output.stdout)
    }
}
