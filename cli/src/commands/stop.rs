//! When a process that stays is told to stop: a signal, or its supervisor's end.

use std::io::Read;

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// What a shell answers for a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// Canceled at the first SIGTERM or Ctrl-C; a second one ends the process at once.
pub(crate) fn on_signals(with_stdin: bool) -> Result<CancellationToken> {
    let stop = CancellationToken::new();
    on_each(vec![stop.clone()], with_stdin)?;
    Ok(stop)
}

/// The first canceled at the first SIGTERM or Ctrl-C, the second at the second; a third one ends the
/// process at once.
pub(crate) fn on_two_signals(with_stdin: bool) -> Result<(CancellationToken, CancellationToken)> {
    let (stop, force) = (CancellationToken::new(), CancellationToken::new());
    on_each(vec![stop.clone(), force.clone()], with_stdin)?;
    Ok((stop, force))
}

/// Cancels one token a signal, in order; the next signal ends the process.
fn on_each(tokens: Vec<CancellationToken>, with_stdin: bool) -> Result<()> {
    let mut signals = Signals::listen()?;
    let stop = tokens.first().cloned().unwrap_or_default();
    tokio::spawn(async move {
        for token in tokens {
            signals.next().await;
            token.cancel();
        }
        signals.next().await;
        std::process::exit(INTERRUPTED);
    });
    if with_stdin {
        let told = stop.clone();
        // A thread, since no runtime can wait for standard input and still end in time.
        std::thread::spawn(move || {
            let mut scratch = [0_u8; 256];
            while std::io::stdin().read(&mut scratch).is_ok_and(|read| read > 0) {}
            told.cancel();
        });
    }
    Ok(())
}

/// SIGTERM and SIGINT, from now on.
pub(crate) struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    /// Takes them over from their defaults.
    pub(crate) fn listen() -> Result<Self> {
        let of = |kind| signal(kind).context("signals can not be listened for");
        Ok(Self {
            terminate: of(SignalKind::terminate())?,
            interrupt: of(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _told = self.terminate.recv() => {}
            _told = self.interrupt.recv() => {}
        }
    }
}
