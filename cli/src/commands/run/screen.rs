//! A run on a terminal: what has ended stands above, folded to a line a step; below, in place, what
//! each job does now and the last lines of its log.

use std::io::{self, Write};

use chrono::Utc;
use slipway_pipelines::lifecycle::{JobState, RunState};
use slipway_pipelines::plan::Phase;

use super::lines::{fitted, shown};
use super::record::{Job, Record, Step, Told};
use super::show::Show;
use super::summary;
use super::words::{self, Style};
use crate::print;

/// Lines of the log of one job, at most, and of a job that is alone.
const TAIL: usize = 6;
const TAIL_ALONE: usize = 12;
/// Something moves while nothing is said.
const TURNS: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/// Draws on a terminal.
pub(super) struct Screen<W> {
    out: W,
    style: Style,
    /// Lines that will stay, and are not written yet.
    above: Vec<String>,
    /// How many lines are drawn in place.
    drawn: usize,
    last: Vec<String>,
    turn: usize,
    size: fn() -> (usize, usize),
}

impl<W: Write> Screen<W> {
    /// On `out`, whose rows and columns `size` gives.
    pub(super) fn new(out: W, style: Style, size: fn() -> (usize, usize)) -> Self {
        let (above, last) = (Vec::new(), Vec::new());
        Self { out, style, above, drawn: 0, last, turn: 0, size }
    }

    fn draw(&mut self, record: &Record) -> io::Result<()> {
        let below = self.below(record);
        if below == self.last && self.above.is_empty() {
            return Ok(());
        }
        self.put(below)
    }

    /// All at once: a terminal that knows how shows nothing half done.
    fn put(&mut self, below: Vec<String>) -> io::Result<()> {
        let mut text = "\u{1b}[?2026h".to_owned();
        if self.drawn > 0 {
            text.push_str(&format!("\u{1b}[{}F", self.drawn));
        }
        text.push_str("\u{1b}[J");
        for line in self.above.drain(..).chain(below.iter().cloned()) {
            text.push_str(&line);
            text.push('\n');
        }
        text.push_str("\u{1b}[?2026l");
        self.drawn = below.len();
        self.last = below;
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }

    /// What stands in place now.
    fn below(&self, record: &Record) -> Vec<String> {
        let (rows, columns) = (self.size)();
        let width = columns.saturating_sub(1);
        let running: Vec<&Job> = record
            .jobs
            .iter()
            .filter(|job| matches!(job.state, JobState::Running { .. }))
            .collect();
        // A line for each, one for all together, and one for the cursor.
        let room = rows.saturating_sub(3).max(1);
        let shown_jobs = running.len().min(room);
        let most = if running.len() == 1 { TAIL_ALONE } else { TAIL };
        let tail = (room - shown_jobs).checked_div(shown_jobs).unwrap_or(0).min(most);
        let mut lines = Vec::new();
        for job in &running[..shown_jobs] {
            lines.push(self.head(record, job, width));
            lines.extend(self.tail(job, tail, width));
        }
        let rest = running.len() - shown_jobs;
        let more = if rest > 0 { format!(", {rest} of them not shown") } else { String::new() };
        let time = words::took(record.began, None);
        let all = format!("{}{more} · {time}", words::counts(record));
        lines.push(self.style.dim(&fitted(&all, width)));
        lines
    }

    fn head(&self, record: &Record, job: &Job, width: usize) -> String {
        let turn = self.style.blue(TURNS[self.turn % TURNS.len()]);
        let column = words::column(record, job);
        let (what, began) = match job.running() {
            Some(step) => {
                (format!("{}: {}", step.phase.name(), words::first_line(&step.command)), step.began)
            }
            None => {
                let last = job.steps.last().and_then(|step| step.ended);
                let what = if last.is_some() { "removing what it made" } else { "starting" };
                (what.to_owned(), last.or(job.began).unwrap_or_else(Utc::now))
            }
        };
        let time = words::took(began, None);
        let taken = column.chars().count() + time.chars().count() + 4;
        let what = fitted(&what, width.saturating_sub(taken));
        let blanks = width.saturating_sub(taken + what.chars().count());
        format!(
            "{turn} {}{what}{}  {}",
            self.style.bold(&column),
            " ".repeat(blanks.min(4)),
            self.style.dim(&time)
        )
    }

    fn tail(&self, job: &Job, most: usize, width: usize) -> Vec<String> {
        let Some(step) = job.running() else { return Vec::new() };
        // What the line above says already.
        let command = step.command.lines().next().unwrap_or_default();
        let title = |line: &str| line.strip_prefix("$ ").unwrap_or(line) == command;
        let lines: Vec<String> = step
            .tail
            .iter()
            .map(|line| shown(line, false))
            .filter(|line| !line.trim().is_empty() && !title(line))
            .collect();
        let first = lines.len().saturating_sub(most);
        let fit = |line: &String| format!("  │ {}", fitted(line, width.saturating_sub(4)));
        lines[first..].iter().map(|line| self.style.dim(&fit(line))).collect()
    }

    /// A step that has ended, on one line.
    fn folded(&self, record: &Record, job: &Job, step: usize) -> String {
        let (_, columns) = (self.size)();
        let step = &job.steps[step];
        let column = words::column(record, job);
        let time = words::seconds(step.seconds());
        let exit = match step.exit() {
            Some(code) if code != 0 => format!("  exit {code}"),
            Some(_) | None => String::new(),
        };
        let why = step.reason().map(|reason| format!(" ({})", print::safe(reason)));
        let what = words::first_line(&step.command);
        let what = format!("{what}{}", why.unwrap_or_default());
        let phase = format!("{}: ", step.phase.name());
        let taken = [&column, &phase, &exit, &time].map(|part| part.chars().count());
        let room = columns.saturating_sub(taken.iter().sum::<usize>() + 5);
        let what = fitted(&what, room);
        let (sign, style) = (self.style.sign_of(step), self.style);
        format!("{sign} {column}{}{what}{exit}  {}", style.dim(&phase), style.dim(&time))
    }

    fn job_line(&self, record: &Record, job: &Job) -> String {
        let time = job.began.map(|began| words::took(began, job.ended));
        let time = time.map(|time| format!(" in {time}")).unwrap_or_default();
        let (sign, word) = (words::sign(&job.state), job.state.word());
        let label = words::label(record, job);
        let who = if label.is_empty() { String::new() } else { format!("{label} ") };
        self.style.bold(&self.style.of(&job.state, &format!("{sign} {who}{word}{time}")))
    }
}

/// Preparations that went well and took no time need no line for each job.
fn is_nothing(step: &Step) -> bool {
    step.phase == Phase::Prepare && step.word() == "passed" && step.seconds() < 1.0
}

impl<W: Write + Send> Show for Screen<W> {
    fn told(&mut self, record: &Record, at: usize, told: &Told) -> io::Result<()> {
        let job = &record.jobs[at];
        match told {
            Told::Ended(step) if is_nothing(&job.steps[*step]) => {}
            Told::Ended(step) => self.above.push(self.folded(record, job, *step)),
            // The last line says it where there is one job.
            Told::Job if job.state.is_terminal() && record.jobs.len() > 1 => {
                self.above.push(self.job_line(record, job));
            }
            Told::Job | Told::Began(_) | Told::Line(_) => {}
        }
        Ok(())
    }

    fn tick(&mut self, record: &Record) -> io::Result<()> {
        self.turn += 1;
        self.draw(record)
    }

    fn say(&mut self, record: &Record, sentence: &str) -> io::Result<()> {
        self.above.push(sentence.to_owned());
        self.draw(record)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.put(Vec::new())
    }

    fn end(&mut self, record: &Record, state: &RunState) -> io::Result<()> {
        self.above.extend(summary::lines(record, state, self.style));
        self.put(Vec::new())
    }
}
