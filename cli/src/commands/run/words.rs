//! The words, signs and colors of a run for people.

use chrono::{DateTime, Utc};
use slipway_pipelines::lifecycle::JobState;

use super::record::{Job, Record, Step};
use crate::print;

/// Names of jobs stand in a column of at most this width.
const WIDEST: usize = 28;

/// Colors, or none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub(super) colors: bool,
}

impl Style {
    fn with(self, code: &str, text: &str) -> String {
        if self.colors && !text.is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    /// Not what matters.
    pub(super) fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    /// What matters.
    pub(super) fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    /// Something runs.
    pub(super) fn blue(self, text: &str) -> String {
        self.with("36", text)
    }

    /// In the color of a state.
    pub(super) fn of(self, state: &JobState, text: &str) -> String {
        match state {
            JobState::Passed => self.with("32", text),
            JobState::Failed { .. } | JobState::Errored { .. } => self.with("31", text),
            JobState::Canceled { .. } => self.with("33", text),
            JobState::Skipped { .. } => self.dim(text),
            JobState::Waiting | JobState::Queued | JobState::Running { .. } => self.blue(text),
        }
    }

    /// The sign of a step that has ended.
    pub(super) fn sign_of(self, step: &Step) -> String {
        match (step.failed(), step.word()) {
            (true, _) => self.with("31", "✗"),
            (false, "skipped") => self.dim("–"),
            (false, _) => self.with("32", "✓"),
        }
    }
}

/// The sign of a job's state.
pub(super) fn sign(state: &JobState) -> &'static str {
    match state {
        JobState::Passed => "✓",
        JobState::Failed { .. } => "✗",
        JobState::Errored { .. } => "!",
        JobState::Canceled { .. } => "■",
        JobState::Skipped { .. } => "–",
        JobState::Waiting | JobState::Queued | JobState::Running { .. } => "●",
    }
}

/// What a job is called: its number and its name; nothing where it is the only one.
pub(super) fn label(record: &Record, job: &Job) -> String {
    if record.jobs.len() == 1 { String::new() } else { named(job) }
}

/// The same in a column, with the blanks between it and what follows.
pub(super) fn column(record: &Record, job: &Job) -> String {
    if record.jobs.len() == 1 {
        return String::new();
    }
    let width = |job: &Job| named(job).chars().count();
    let widest = record.jobs.iter().map(width).max().unwrap_or(0);
    let label = named(job);
    format!("{label}{}  ", " ".repeat(widest.saturating_sub(label.chars().count())))
}

/// `2 python: 3.12`
pub(super) fn named(job: &Job) -> String {
    print::cut(&format!("{} {}", job.number, print::safe(&job.name)), WIDEST)
}

/// A command on one line.
pub(super) fn first_line(command: &str) -> String {
    let mut lines = command.lines();
    let first = print::safe(lines.next().unwrap_or_default());
    if lines.next().is_some() { format!("{first} …") } else { first }
}

/// `0.4 s`, `31 s`, `2 min 5 s`
pub(super) fn seconds(seconds: f64) -> String {
    if seconds < 9.95 {
        return format!("{seconds:.1} s");
    }
    let millis = chrono::Duration::milliseconds((seconds * 1000.0).round() as i64);
    print::duration(DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH + millis)
}

/// How long something took that may still go on.
pub(super) fn took(began: DateTime<Utc>, ended: Option<DateTime<Utc>>) -> String {
    let millis = (ended.unwrap_or_else(Utc::now) - began).num_milliseconds().max(0);
    seconds(std::time::Duration::from_millis(millis.unsigned_abs()).as_secs_f64())
}

/// `2 jobs passed`, `1 job failed, 3 passed, 2 skipped`
pub(super) fn counts(record: &Record) -> String {
    let of = |is: fn(&JobState) -> bool| record.count(is);
    let allowed = record
        .jobs
        .iter()
        .filter(|job| job.allow_failure)
        .filter(|job| matches!(job.state, JobState::Failed { .. } | JobState::Errored { .. }))
        .count();
    let parts = [
        (of(|state| matches!(state, JobState::Failed { .. })), "failed"),
        (of(|state| matches!(state, JobState::Errored { .. })), "errored"),
        (of(|state| matches!(state, JobState::Canceled { .. })), "canceled"),
        (of(|state| matches!(state, JobState::Running { .. })), "running"),
        (of(|state| matches!(state, JobState::Passed)), "passed"),
        (of(|state| matches!(state, JobState::Waiting | JobState::Queued)), "waiting"),
        (of(|state| matches!(state, JobState::Skipped { .. })), "skipped"),
    ];
    let mut text = String::new();
    for (count, word) in parts.into_iter().filter(|(count, _)| *count > 0) {
        if text.is_empty() {
            text = format!("{} {word}", print::plural(count, "job"));
        } else {
            text.push_str(&format!(", {count} {word}"));
        }
    }
    match allowed {
        0 => text,
        count => format!("{text} ({count} allowed to fail)"),
    }
}
