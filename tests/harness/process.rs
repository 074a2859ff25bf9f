//! The real binary as processes that a story may kill.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

/// The binary that the same build made.
///
/// # Errors
/// When it is not there: build the whole workspace, as `make test` does.
pub fn slipway() -> Result<PathBuf> {
    let test = std::env::current_exe().context("the test's own path is unknown")?;
    let target = test.parent().and_then(|deps| deps.parent()).context("no target folder")?;
    let binary = target.join("slipway");
    ensure!(binary.exists(), "{} is not built; run the tests by `make test`", binary.display());
    Ok(binary)
}

/// A process that is killed when the story ends, however it ends.
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: &'static str,
}

impl Process {
    /// Starts it; what it prints goes to `log`, after what is there.
    ///
    /// # Errors
    /// When it can not be started.
    pub fn start(name: &'static str, command: &mut Command, log: &std::path::Path) -> Result<Self> {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("{name} can not be started"))?;
        Ok(Self { child, name })
    }

    /// Has it not ended yet?
    ///
    /// # Errors
    /// When the system does not say.
    pub fn runs(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Ends it at once, as a power cut would (SIGKILL).
    ///
    /// # Errors
    /// When it ended by itself before: the story is about something else then.
    pub fn kill(&mut self) -> Result<()> {
        let ended = self.child.try_wait()?;
        ensure!(ended.is_none(), "{} ended by itself: {ended:?}", self.name);
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to end (SIGTERM) and waits until it did.
    ///
    /// # Errors
    /// When it does not end well.
    pub fn stop(&mut self) -> Result<()> {
        let pid = i32::try_from(self.child.id())?;
        let pid = rustix::process::Pid::from_raw(pid).context("a process has a pid")?;
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        let status = self.child.wait()?;
        ensure!(status.success(), "{} ended with {status}", self.name);
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _it_may_be_gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}
