//! One child: started, watched, started again when it dies, stopped when it is time.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::Signal;
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::process::Process;

/// Pause before a child is started again: this at first, twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A child that ran this long was well: the next pause is the first again.
const WELL: Duration = Duration::from_secs(60);
/// A log larger than this is put aside when a child starts.
const LARGEST_LOG: u64 = 16 * 1024 * 1024;

/// How a child is started and stopped.
pub(crate) struct Spec {
    /// For people: `server`.
    pub(crate) name: &'static str,
    /// Makes the command; its standard streams are set here.
    pub(crate) command: Box<dyn Fn() -> Command + Send + Sync>,
    /// Its standard output and error.
    pub(crate) log: PathBuf,
    /// Asks it to end.
    pub(crate) ask: Signal,
    /// How long it may take to end.
    pub(crate) limit: Duration,
    /// Told each time it was started.
    pub(crate) started: Box<dyn Fn(Process) + Send + Sync>,
}

/// A process that runs: our child, or one that an `up` before us started.
pub(crate) enum Held {
    /// Ours; its standard input is closed when this goes.
    Child {
        /// The handle.
        child: Box<Child>,
        /// Which it is.
        process: Process,
        /// Held apart, since waiting for a child closes its own.
        stdin: Option<ChildStdin>,
    },
    /// Adopted.
    Stranger(Process),
}

impl Spec {
    /// Starts it.
    pub(crate) fn start(&self) -> Result<Held> {
        let log = open_log(&self.log)?;
        let mut command = (self.command)();
        command
            // Ends when we end, however we end: so a child can stop by itself.
            .stdin(Stdio::piped())
            .stdout(log.try_clone().context("the log can not be opened")?)
            .stderr(log)
            // Ctrl-C of a terminal is for us: we stop them in their order.
            .process_group(0);
        let mut child =
            command.spawn().with_context(|| format!("{} can not be started", self.name))?;
        let process = child.id().and_then(Process::of);
        let process = process.with_context(|| format!("{} ended at once", self.name))?;
        (self.started)(process);
        let stdin = child.stdin.take();
        Ok(Held::Child { child: Box::new(child), process, stdin })
    }

    /// Keeps it running until `stop`, then ends it; `force` makes that quick.
    pub(crate) async fn keep(
        self,
        mut held: Held,
        stop: CancellationToken,
        force: CancellationToken,
    ) {
        let mut pause = FIRST_PAUSE;
        loop {
            let since = Instant::now();
            let how = tokio::select! {
                how = held.ended() => how,
                () = stop.cancelled() => {
                    self.end(held, &force).await;
                    return;
                }
            };
            if since.elapsed() > WELL {
                pause = FIRST_PAUSE;
            }
            tell(&format!(
                "{} stopped ({how}); starting it again in {} s; its log is {}",
                self.name,
                pause.as_secs(),
                self.log.display()
            ));
            held = loop {
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = stop.cancelled() => return,
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
                match self.start() {
                    Ok(held) => break held,
                    Err(error) => {
                        tell(&format!("{error:#}; trying again in {} s", pause.as_secs()))
                    }
                }
            };
        }
    }

    /// Asks it to end, waits, and ends it.
    pub(crate) async fn end(&self, mut held: Held, force: &CancellationToken) {
        let process = held.process();
        if let Held::Child { stdin, .. } = &mut held {
            drop(stdin.take());
        }
        process.signal(self.ask);
        tokio::select! {
            _how = held.ended() => return,
            () = tokio::time::sleep(self.limit) => {
                tell(&format!("{} did not end within {} s", self.name, self.limit.as_secs()));
            }
            () = force.cancelled() => {}
        }
        // Postgres takes this as "at once": it recovers from its journal next time.
        process.signal(if self.ask == Signal::INT { Signal::QUIT } else { Signal::KILL });
        if tokio::time::timeout(Duration::from_secs(5), held.ended()).await.is_err() {
            process.signal(Signal::KILL);
        }
    }
}

impl Held {
    /// Which process it is.
    pub(crate) fn process(&self) -> Process {
        match self {
            Self::Child { process, .. } | Self::Stranger(process) => *process,
        }
    }

    /// Waits until it has ended and says how.
    pub(crate) async fn ended(&mut self) -> String {
        match self {
            Self::Child { child, .. } => match child.wait().await {
                Ok(status) => words(status),
                Err(error) => error.to_string(),
            },
            Self::Stranger(process) => {
                while process.runs() {
                    tokio::time::sleep(Duration::from_millis(250)).await;
                }
                "it is gone".to_owned()
            }
        }
    }
}

fn words(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}

/// Opens a log to go on at its end.
pub(crate) fn open_log(path: &Path) -> Result<File> {
    if std::fs::metadata(path).is_ok_and(|found| found.len() > LARGEST_LOG) {
        let mut aside = path.as_os_str().to_owned();
        aside.push(".1");
        std::fs::rename(path, aside)
            .with_context(|| format!("{} can not be put aside", path.display()))?;
    }
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("{} can not be written", path.display()))
}

/// The last sentence a child wrote for people, since `from`.
pub(crate) fn last_sentence(log: &Path, from: u64) -> Option<String> {
    let bytes = std::fs::read(log).ok()?;
    let new = bytes.get(usize::try_from(from).ok()?..)?;
    let text = String::from_utf8_lossy(new);
    let line = text.lines().rev().find(|line| !line.trim().is_empty())?;
    Some(line.trim().trim_start_matches("slipway: ").to_owned())
}

/// Where [`tell`] also writes, once it is known.
static LOG: OnceLock<PathBuf> = OnceLock::new();

/// From now on, what is told is kept in this file too: nobody watches a detached `up`.
pub(crate) fn keep_told(log: PathBuf) {
    let _kept = LOG.set(log);
}

/// Says something to whoever watches `up`.
#[expect(clippy::print_stderr, reason = "a command speaks to its user")]
pub(crate) fn tell(sentence: &str) {
    eprintln!("slipway: {sentence}");
    if let Some(mut log) = LOG.get().and_then(|log| open_log(log).ok()) {
        let now = chrono::Utc::now().format("%Y-%m-%dT%H:%M:%SZ");
        // It has been said already.
        let _written = writeln!(log, "{now} {sentence}");
    }
}
