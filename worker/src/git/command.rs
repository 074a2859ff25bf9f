//! Runs the git program as a stranger's repository deserves.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::process::Command;

/// Longest time of one git call.
const TIMEOUT: Duration = Duration::from_secs(300);

/// What the worker's own git may never do, whatever a repository or a home directory says.
const HYGIENE: [&str; 10] = [
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "safe.directory=*",
    "-c",
    "protocol.ext.allow=never",
    "-c",
    "gc.auto=0",
];

/// Runs `git ARGS` in `dir` and gives its standard output.
pub(super) async fn git<S: AsRef<OsStr>>(dir: &Path, args: &[S]) -> anyhow::Result<Vec<u8>> {
    let mut command = Command::new("git");
    command
        .args(HYGIENE)
        .args(args)
        .current_dir(dir)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ASKPASS", "true")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_LFS_SKIP_SMUDGE", "1")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(TIMEOUT, command.output())
        .await
        .context("git took more than five minutes")?
        .context("git can not be run")?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        let last: String = error.trim().chars().take(400).collect();
        bail!("git said: {last}");
    }
    Ok(output.stdout)
}
