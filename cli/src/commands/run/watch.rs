//! Runs the jobs and shows what happens, until the end or until somebody interrupts.

use std::io::{self, BufWriter, IsTerminal, Write as _};
use std::time::Duration;

use anyhow::Result;
use slipway_pipelines::lifecycle::RunState;
use slipway_worker::{News, Stop, run_local};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::json::{Json, Line};
use super::plain::Plain;
use super::record::Record;
use super::screen::Screen;
use super::show::Show;
use super::words::Style;
use super::{Asked, Format};
use crate::commands::stop::Signals;
use crate::{print, settings};

/// Between two looks of a terminal's reader.
const TICK: Duration = Duration::from_millis(100);
/// News that wait to be shown; then the jobs' output waits.
const NEWS: usize = 256;
/// Said at the first interruption.
const CANCELING: &str = "Canceling. What the jobs made is removed; Ctrl-C again does not wait.";

/// Runs to the end; an error is an errored run.
pub(super) async fn run(asked: Asked) -> RunState {
    let record = Record::new(&asked.run.plan, &asked.logs);
    let show = chosen(asked.format, asked.verbose);
    let mut watch = Watch { record, show, format: asked.format, stop: Stop::default() };
    let (sender, receiver) = mpsc::channel(NEWS);
    let running = tokio::spawn(run_local(asked.run, watch.stop.clone(), sender));
    watch.until_over(receiver).await;
    let state = match running.await {
        Ok(Ok(state)) => state,
        Ok(Err(error)) => RunState::Errored { reason: format!("{error:#}.") },
        Err(error) => RunState::Errored { reason: format!("It broke down: {error}.") },
    };
    watch.end(&state);
    state
}

/// What is said of a run without jobs.
pub(super) fn nothing(format: Format, state: &RunState) -> Result<()> {
    let reason = state.reason().unwrap_or_default();
    match format {
        Format::Json => Json(io::stdout()).line(&Line::run(state, &[]))?,
        Format::Text => match state {
            RunState::Skipped { .. } => {
                print::line(&format!("nothing to do: {}", print::safe(reason)))
            }
            RunState::Planning
            | RunState::Queued
            | RunState::Running { .. }
            | RunState::Passed
            | RunState::Failed
            | RunState::Errored { .. }
            | RunState::Canceled { .. } => {
                writeln!(io::stderr().lock(), "slipway: {}", print::safe(reason))?;
            }
        },
    }
    Ok(())
}

fn chosen(format: Format, verbose: bool) -> Box<dyn Show> {
    let out = io::stdout();
    let terminal = out.is_terminal();
    let dumb = settings::environment("TERM").is_some_and(|term| term == "dumb");
    let colors = terminal && !dumb && settings::environment("NO_COLOR").is_none();
    let style = Style { colors };
    match format {
        Format::Json => Box::new(Json(BufWriter::new(out))),
        Format::Text if terminal && !dumb && !verbose => Box::new(Screen::new(out, style, size)),
        Format::Text => Box::new(Plain { out: BufWriter::new(out), style }),
    }
}

/// Rows and columns.
fn size() -> (usize, usize) {
    /// Of a terminal that does not say.
    const USUAL: (usize, usize) = (24, 80);
    match rustix::termios::tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_row > 0 && size.ws_col > 0 => (size.ws_row.into(), size.ws_col.into()),
        Ok(_) | Err(_) => USUAL,
    }
}

struct Watch {
    record: Record,
    show: Box<dyn Show>,
    format: Format,
    stop: Stop,
}

impl Watch {
    /// Shows what happens until nothing more does.
    async fn until_over(&mut self, mut receiver: mpsc::Receiver<News>) {
        let mut signals = Signals::listen().ok();
        let mut hangup = signal(SignalKind::hangup()).ok();
        let mut ticks = tokio::time::interval(TICK);
        loop {
            let interrupted = async {
                let signal = async {
                    match &mut signals {
                        Some(signals) => signals.next().await,
                        None => std::future::pending().await,
                    }
                };
                let closed = async {
                    match &mut hangup {
                        Some(hangup) => hangup.recv().await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! { () = signal => {}, _closed = closed => {} }
            };
            let shown = tokio::select! {
                news = receiver.recv() => match news {
                    // A long log is not written line by line, and what stands still is seen.
                    Some(news) => self.news(news).and_then(|()| match receiver.is_empty() {
                        true => self.show.flush(),
                        false => Ok(()),
                    }),
                    None => return,
                },
                _at = ticks.tick() => self.show.tick(&self.record),
                () = interrupted => self.interrupted(),
            };
            if shown.is_err() {
                // Nobody looks any more.
                self.stop.cancel.cancel();
            }
        }
    }

    fn news(&mut self, news: News) -> io::Result<()> {
        let Some((at, told)) = self.record.take(news) else { return Ok(()) };
        told.iter().try_for_each(|told| self.show.told(&self.record, at, told))
    }

    fn interrupted(&mut self) -> io::Result<()> {
        if self.stop.cancel.is_cancelled() {
            self.stop.force.cancel();
            return Ok(());
        }
        self.stop.cancel.cancel();
        self.show.say(&self.record, CANCELING)
    }

    fn end(&mut self, state: &RunState) {
        let begun = self.record.jobs.iter().any(|job| job.began.is_some());
        // An error before there was a job has nothing else to say it.
        if let (RunState::Errored { reason }, false) = (state, begun) {
            let _nobody_looks = self.show.clear();
            let _nobody_hears = writeln!(io::stderr().lock(), "slipway: {}", print::safe(reason));
            if self.format == Format::Text {
                return;
            }
        }
        self.record.close(state);
        let _nobody_looks = self.show.end(&self.record, state);
    }
}
