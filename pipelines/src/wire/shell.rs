//! A person's terminal in a job's container. Worker and person each hold a WebSocket to the
//! server, which hands on what the other one sends. Binary messages are bytes of the terminal,
//! text messages are [`ShellTyped`] one way and [`ShellTold`] the other.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{AttemptId, JobNumber, RunNumber, ShellId};
use crate::names::RepoName;

/// The first byte of the worker's binary messages: the rest is standard output, or the terminal.
pub const SHELL_STDOUT: u8 = 1;
/// The same: the rest is standard error.
pub const SHELL_STDERR: u8 = 2;

/// `POST /api/worker/v1/shells/claim`: answered with a [`ShellOrder`], or 204 after a while.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShellClaim {
    /// [`PROTOCOL_VERSION`](super::PROTOCOL_VERSION) of the worker.
    pub protocol: u32,
    /// Every failed job that the worker keeps now: whatever is not named is kept no more.
    pub kept: Vec<KeptJob>,
}

/// The container of a failed job, kept for shells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptJob {
    /// Whose it is.
    pub attempt: AttemptId,
    /// Until when, by the worker's clock.
    pub until: DateTime<Utc>,
}

/// Somebody waits for a shell in a job of this worker's: connect to
/// `GET /api/worker/v1/shells/ID`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShellOrder {
    /// Which shell.
    pub shell: ShellId,
    /// In which attempt's container.
    pub attempt: AttemptId,
    /// The repo.
    pub repo: RepoName,
    /// The run's number.
    pub run: RunNumber,
    /// The job's number.
    pub job: JobNumber,
    /// What was asked for.
    pub asked: ShellQuery,
    /// How long it may last.
    pub limits: ShellLimits,
}

/// The query of `GET /api/v1/OWNER/REPO/runs/N/jobs/N/shell`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShellQuery {
    /// Go on from the failed step before anything is typed.
    #[serde(default, rename = "continue")]
    pub go_on: bool,
    /// The size of the person's terminal; none: there is none, commands come through a pipe.
    #[serde(default)]
    pub rows: Option<u16>,
    /// Its columns.
    #[serde(default)]
    pub columns: Option<u16>,
    /// What terminal it is (`TERM`).
    #[serde(default)]
    pub term: Option<String>,
}

/// The size of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShellSize {
    /// Lines.
    pub rows: u16,
    /// Characters of a line.
    pub columns: u16,
}

impl ShellQuery {
    /// The size of the terminal, if there is one.
    #[must_use]
    pub fn size(&self) -> Option<ShellSize> {
        let (rows, columns) = self.rows.zip(self.columns)?;
        Some(ShellSize { rows, columns })
    }

    /// The terminal's name, where it is one: it becomes a variable of a shell.
    #[must_use]
    pub fn terminal(&self) -> &str {
        const MOST: usize = 64;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
        let name = self.term.as_deref().unwrap_or_default();
        if name.is_empty() || name.len() > MOST || !name.chars().all(plain) {
            return "xterm";
        }
        name
    }
}

/// How long a shell may last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShellLimits {
    /// Without a byte either way, in seconds.
    pub idle_seconds: u64,
    /// In all, in seconds.
    pub seconds: u64,
}

/// What a person's side says beside bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ShellTyped {
    /// The terminal has another size now.
    Resize(ShellSize),
    /// There is no more input.
    Eof,
}

/// What the job's side says beside bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ShellTold {
    /// It begins; a sentence says where one is.
    Opened {
        /// For people.
        sentence: String,
    },
    /// A sentence for people, in between.
    Notice {
        /// For people.
        sentence: String,
    },
    /// The shell ended by itself, with this code. Nothing follows.
    Exited {
        /// As a shell has it.
        code: i64,
    },
    /// It was cut off, or never began. Nothing follows.
    Cut {
        /// Why, for people.
        sentence: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminals_name_is_a_word_or_the_usual_one() {
        let named = |term: &str| ShellQuery { term: Some(term.to_owned()), ..Default::default() };
        assert_eq!(named("xterm-256color").terminal(), "xterm-256color");
        for odd in ["", "a b", "$(rm)", "é", &"x".repeat(65)] {
            assert_eq!(named(odd).terminal(), "xterm", "{odd:?}");
        }
    }
}
