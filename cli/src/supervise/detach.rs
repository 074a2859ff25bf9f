//! `up --detach`: the same `up` in the background, left alone once it is ready.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::time::Instant;

use super::child::{last_sentence, open_log};
use super::running::Running;
use crate::data_dir::DataDir;

/// A first start makes a database.
const READY_LIMIT: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(100);

/// Starts this program again with `arguments` and waits until it is ready; the line it printed.
pub(crate) async fn start(data_dir: &DataDir, arguments: &[String]) -> Result<String> {
    // Not in the data dir: that is not yet checked to be one.
    let log = tempfile::Builder::new().prefix("slipway-up-").suffix(".log").tempfile()?;
    let program = std::env::current_exe().context("this program's own path is unknown")?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(open_log(log.path())?)
        .stderr(open_log(log.path())?)
        // Ctrl-C of this terminal is not for it.
        .process_group(0)
        .spawn()
        .context("slipway can not be started in the background")?;
    let deadline = Instant::now() + READY_LIMIT;
    loop {
        if let Some(status) = child.try_wait()? {
            bail!("{}", last_sentence(log.path(), 0).unwrap_or_else(|| status.to_string()));
        }
        let running = Running::read(data_dir).ok().flatten();
        if running.is_some_and(|now| now.ready && now.up.is(child.id())) {
            let text = std::fs::read_to_string(log.path())?;
            return Ok(text.trim_end().to_owned());
        }
        if Instant::now() >= deadline {
            bail!(
                "it is not ready after {} s; its logs are in {}",
                READY_LIMIT.as_secs(),
                data_dir.join("logs").display()
            );
        }
        tokio::time::sleep(POLL).await;
    }
}
