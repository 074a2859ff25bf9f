//! How rows of the database read on a page.

use serde_json::Value;

use super::bars;
use super::format::{badge, duration, first_upper, memory, now, short, tone, took, when};
use crate::db::views::jobs::{AttemptRow, JobRow, ServiceRow, StepRow};
use crate::db::views::queue::{WaitingRow, WorkerRow};
use crate::db::views::runs::{RunRow, SecretRow};

/// `took 12 s`, `running for 12 s`, `waiting`: the last word of a header's line.
fn lasted(
    state: &str,
    from: Option<chrono::DateTime<chrono::Utc>>,
    to: Option<chrono::DateTime<chrono::Utc>>,
) -> String {
    match (from, to) {
        (Some(_), Some(_)) => format!("took {}", took(from, to)),
        (Some(_), None) => format!("{} for {}", state.replace('_', " "), took(from, to)),
        (None, _) => "never started".to_owned(),
    }
}

impl RunRow {
    pub(super) fn badge(&self) -> String {
        badge(&self.state)
    }
    pub(super) fn border(&self) -> String {
        format!("b-{}", tone(&self.state))
    }
    pub(super) fn when(&self) -> String {
        when(self.created_at)
    }
    pub(super) fn took(&self) -> String {
        took(self.started_at, self.finished_at)
    }
    pub(super) fn lasted(&self) -> String {
        lasted(&self.state, self.started_at.or(Some(self.created_at)), self.finished_at)
    }
    pub(super) fn short(&self) -> &str {
        short(&self.commit_sha)
    }
    pub(super) fn open(&self) -> bool {
        self.finished_at.is_none()
    }
    /// What the reader knows it by: of a pull request its title.
    pub(super) fn subject(&self) -> &str {
        match &self.pull {
            Some(pull) if !pull.title.is_empty() => &pull.title,
            _ if self.subject.is_empty() => "(the message is not known yet)",
            _ => &self.subject,
        }
    }
    /// The event with what it is about goes on with the branch.
    pub(super) fn started_by(&self) -> &'static str {
        match self.event.as_str() {
            "tag" => "tag",
            "pull_request" => "pull request",
            "api" => "asked for, of",
            _ => "push of",
        }
    }
    /// Of a pull request whose merge is built: the commit that its author pushed.
    pub(super) fn head(&self) -> Option<&str> {
        let head = self.pull.as_ref()?.head.as_str();
        (head != self.commit_sha).then(|| short(head))
    }
    /// The pull request at the forge.
    pub(super) fn is_fork(&self) -> bool {
        self.pull.as_ref().is_some_and(|pull| pull.fork)
    }
    /// The reason in a list, where the state alone leaves a question.
    pub(super) fn brief(&self) -> Option<&str> {
        self.reason.as_deref().filter(|_| matches!(self.state.as_str(), "errored" | "skipped"))
    }
    pub(super) fn reason_word(&self) -> String {
        first_upper(&self.state)
    }
    pub(super) fn seconds(&self) -> i64 {
        let from = self.started_at.unwrap_or(self.created_at);
        (self.finished_at.unwrap_or_else(now) - from).num_seconds().max(1)
    }
}

impl SecretRow {
    pub(super) fn when(&self) -> String {
        when(self.updated_at)
    }
}

impl JobRow {
    pub(super) fn badge(&self) -> String {
        badge(&self.state)
    }
    pub(super) fn border(&self) -> String {
        format!("b-{}", if self.allow_failure && self.red() { "mute" } else { tone(&self.state) })
    }
    pub(super) fn took(&self) -> String {
        took(self.started_at, self.finished_at)
    }
    pub(super) fn lasted(&self) -> String {
        match (self.state.as_str(), self.started_at) {
            ("queued" | "waiting", _) => lasted(&self.state, Some(self.created_at), None),
            (_, started) => lasted(&self.state, started, self.finished_at),
        }
    }
    pub(super) fn when(&self) -> String {
        when(self.started_at.unwrap_or(self.created_at))
    }
    pub(super) fn red(&self) -> bool {
        matches!(self.state.as_str(), "failed" | "errored")
    }
    pub(super) fn over(&self) -> bool {
        self.finished_at.is_some()
    }
    pub(super) fn reason_word(&self) -> String {
        first_upper(&self.state)
    }
    /// `attempt 2 of 3`, `passed on attempt 2`: where there was more than one.
    pub(super) fn tries(&self) -> Option<String> {
        let (attempt, most) = (self.attempt, self.retries + 1);
        match (attempt, self.state.as_str()) {
            (..=1, _) => None,
            (_, "passed") => Some(format!("passed on attempt {attempt}")),
            // Attempts that were lost are not counted among those that the file asks for.
            _ if attempt > most => Some(format!("attempt {attempt}")),
            _ => Some(format!("attempt {attempt} of {most}")),
        }
    }
    /// The matrix axes that the name does not tell already.
    pub(super) fn chips(&self) -> Vec<(String, String)> {
        let axes = self.axes.as_ref().and_then(Value::as_array).map(Vec::as_slice);
        let field = |axis: &Value, key: &str| axis.get(key)?.as_str().map(str::to_owned);
        axes.unwrap_or_default()
            .iter()
            .filter_map(|axis| Some((field(axis, "key")?, field(axis, "value")?)))
            .filter(|(_, value)| !self.name.contains(value.as_str()))
            .collect()
    }
}

impl AttemptRow {
    pub(super) fn badge(&self) -> String {
        badge(&self.state)
    }
    pub(super) fn took(&self) -> String {
        took(Some(self.started_at), self.finished_at)
    }
    pub(super) fn when(&self) -> String {
        when(self.started_at)
    }
}

impl StepRow {
    pub(super) fn took(&self) -> String {
        took(Some(self.started_at), self.finished_at)
    }
    fn word(&self) -> Option<&str> {
        self.outcome.as_ref()?.get("outcome")?.as_str()
    }
    fn code(&self) -> Option<i64> {
        self.outcome.as_ref()?.get("code")?.as_i64()
    }
    pub(super) fn red(&self) -> bool {
        self.word() == Some("failed") || self.code().is_some_and(|code| code != 0)
    }
    /// A command of the file; else it is something that Slipway does itself.
    pub(super) fn is_command(&self) -> bool {
        let exited = self.word().is_none_or(|word| word == "exited");
        exited && !matches!(self.phase.as_str(), "prepare" | "images" | "deploy" | "services")
    }
    /// How it ended, in words: empty when it went well.
    pub(super) fn note(&self) -> String {
        if let Some(code) = self.code().filter(|code| *code != 0) {
            return format!("exit {code}");
        }
        let reason = self.outcome.as_ref().and_then(|outcome| outcome.get("reason"));
        reason.and_then(Value::as_str).unwrap_or_default().to_owned()
    }
    pub(super) fn badge(&self) -> String {
        badge(match self.word() {
            None => "running",
            Some("skipped") => "skipped",
            Some(_) if self.red() => "failed",
            Some(_) => "passed",
        })
    }
}

impl ServiceRow {
    pub(super) fn badge(&self) -> String {
        badge(&self.status)
    }
    /// Published ports stand among the services; no service has a blank in its name.
    pub(super) fn title(&self) -> String {
        match self.name.strip_prefix("port ") {
            Some(port) => format!("Port {port}"),
            None => format!("Service {}", self.name),
        }
    }
    /// The sentence, and what the service said last.
    pub(super) fn told(&self) -> (&str, &str) {
        self.detail.split_once('\n').unwrap_or((&self.detail, ""))
    }
}

impl WorkerRow {
    pub(super) fn badge(&self) -> String {
        badge("silent")
    }
    pub(super) fn bar(&self) -> String {
        bars::slots(self)
    }
    /// `amd64 · gpu`: what is true of it, without what every worker is.
    pub(super) fn traits(&self) -> Vec<&str> {
        let labels = self.labels.iter().map(String::as_str);
        labels.filter(|label| *label != "os=linux").collect()
    }
    /// `3 GiB of 8 GiB`, where it counts its memory.
    pub(super) fn memory(&self) -> Option<String> {
        let whole = self.memory_bytes? >> 20;
        Some(format!("{} of {} of memory given out", memory(self.used_mib), memory(whole)))
    }
    pub(super) fn seen(&self) -> String {
        format!("<span>seen {}</span>", when(self.last_seen_at))
    }
}

impl WaitingRow {
    pub(super) fn badge(&self) -> String {
        badge(&self.state)
    }
    pub(super) fn since(&self) -> String {
        format!("<span>since {}</span>", when(self.since))
    }
    pub(super) fn seconds(&self) -> i64 {
        (now() - self.since).num_seconds()
    }
}

/// How long the oldest of them has waited.
pub(super) fn oldest(waiting: &[WaitingRow]) -> Option<String> {
    waiting.iter().map(WaitingRow::seconds).max().map(duration)
}
