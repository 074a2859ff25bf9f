//! A run as lines of text: each begins with its job. For files, and for who wants to read it all.

use std::io::{self, Write};

use slipway_pipelines::lifecycle::{JobState, RunState};

use super::lines::shown;
use super::record::{Record, Told};
use super::show::Show;
use super::summary;
use super::words::{self, Style};
use crate::print;

/// Writes all lines of all jobs.
pub(super) struct Plain<W> {
    pub(super) out: W,
    pub(super) style: Style,
}

impl<W: Write + Send> Show for Plain<W> {
    fn told(&mut self, record: &Record, at: usize, told: &Told) -> io::Result<()> {
        let (job, style) = (&record.jobs[at], self.style);
        let column = style.dim(&words::column(record, job));
        match told {
            Told::Job => match &job.state {
                JobState::Running { .. } | JobState::Waiting | JobState::Queued => Ok(()),
                JobState::Passed
                | JobState::Failed { .. }
                | JobState::Errored { .. }
                | JobState::Canceled { .. }
                | JobState::Skipped { .. } => {
                    let reason =
                        job.state.reason().map(|reason| format!(": {}", print::safe(reason)));
                    let time = job.began.map(|began| words::took(began, job.ended));
                    let time = time.map(|time| format!(" in {time}")).unwrap_or_default();
                    let (sign, word) = (words::sign(&job.state), job.state.word());
                    let text = format!("{sign} {word}{time}{}", reason.unwrap_or_default());
                    writeln!(self.out, "{column}{}", style.of(&job.state, &text))
                }
            },
            // The log says what begins.
            Told::Began(_) => Ok(()),
            Told::Ended(step) => {
                let step = &job.steps[*step];
                let (phase, command) = (step.phase.name(), words::first_line(&step.command));
                let time = words::seconds(step.seconds());
                let text = style.dim(&format!("{phase}: {command}  {time}"));
                writeln!(self.out, "{column}{} {text}", style.sign_of(step))
            }
            Told::Line(line) => {
                let line = shown(line, style.colors);
                let line = format!("{column}{} {line}", style.dim("│"));
                writeln!(self.out, "{}", line.trim_end())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn say(&mut self, _record: &Record, sentence: &str) -> io::Result<()> {
        writeln!(self.out, "{sentence}")?;
        self.out.flush()
    }

    fn end(&mut self, record: &Record, state: &RunState) -> io::Result<()> {
        let lines = summary::lines(record, state, self.style);
        lines.iter().try_for_each(|line| writeln!(self.out, "{line}"))?;
        self.out.flush()
    }
}
