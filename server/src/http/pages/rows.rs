//! How rows of the database read on a page.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::format::{badge, now, short, took, when};
use crate::db::views::deploys::DeployRow;
use crate::db::views::jobs::{AttemptRow, JobRow, StepRow};
use crate::db::views::queue::{DeliveryRow, WaitingRow, WorkerRow};
use crate::db::views::runs::RunRow;

impl RunRow {
    pub(super) fn badge(&self) -> String {
        badge(&self.state)
    }
    pub(super) fn when(&self) -> String {
        when(self.created_at)
    }
    pub(super) fn took(&self) -> String {
        took(self.started_at, self.finished_at)
    }
    pub(super) fn short(&self) -> &str {
        short(&self.commit_sha)
    }
    pub(super) fn open(&self) -> bool {
        self.finished_at.is_none()
    }
    pub(super) fn subject(&self) -> &str {
        if self.subject.is_empty() { "(no message)" } else { &self.subject }
    }
    fn seconds(&self) -> i64 {
        let from = self.started_at.unwrap_or(self.created_at);
        (self.finished_at.unwrap_or_else(now) - from).num_seconds().max(1)
    }
}

/// The last runs as bars, oldest left: height is duration, colour (and the title) the state.
pub(super) fn trend(runs: &[RunRow]) -> String {
    let longest = runs.iter().map(RunRow::seconds).max().unwrap_or(1);
    let mut svg = String::from(
        "<svg class=\"trend\" viewBox=\"0 0 160 24\" role=\"img\" aria-label=\"the last runs\">",
    );
    for (at, run) in runs.iter().take(20).enumerate() {
        let height = (run.seconds() * 20 / longest).max(3);
        let (x, y) = (152 - at * 8, 24 - height);
        let (state, number) = (&run.state, run.number);
        let _infallible = write!(
            svg,
            "<rect class=\"r-{state}\" x=\"{x}\" y=\"{y}\" width=\"6\" height=\"{height}\" rx=\"1\">\
             <title>{number}: {state}</title></rect>"
        );
    }
    svg.push_str("</svg>");
    svg
}

impl JobRow {
    pub(super) fn badge(&self) -> String {
        badge(&self.state)
    }
    pub(super) fn took(&self) -> String {
        took(self.started_at, self.finished_at)
    }
    pub(super) fn when(&self) -> String {
        when(self.started_at.unwrap_or(self.created_at))
    }
    pub(super) fn red(&self) -> bool {
        matches!(self.state.as_str(), "failed" | "errored")
    }
    pub(super) fn unstarted(&self) -> bool {
        matches!(self.state.as_str(), "waiting" | "queued")
    }
    /// Its waiting and its running over the time of the whole run.
    pub(super) fn bar(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> String {
        let whole = (to - from).num_milliseconds().max(1);
        let at =
            |time: DateTime<Utc>| ((time - from).num_milliseconds() * 1000 / whole).clamp(0, 1000);
        let end = at(self.finished_at.unwrap_or(to));
        let (born, start) = (at(self.created_at), self.started_at.map_or(end, at));
        let wait = (start - born).max(0);
        let run = if self.started_at.is_some() { (end - start).max(4) } else { 0 };
        let state = &self.state;
        format!(
            "<svg class=\"bar\" viewBox=\"0 0 1000 8\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
             <rect class=\"wait\" x=\"{born}\" y=\"3\" width=\"{wait}\" height=\"2\"/>\
             <rect class=\"r-{state}\" x=\"{start}\" y=\"0\" width=\"{run}\" height=\"8\"/></svg>"
        )
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

/// One thing on the way of a deployment.
#[derive(Debug)]
pub(super) struct Note {
    pub(super) name: String,
    pub(super) text: String,
}

fn notes(value: &Value, name: &str, text: &str) -> Vec<Note> {
    let field = |item: &Value, key: &str| {
        item.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().map(|item| Note { name: field(item, name), text: field(item, text) }).collect()
}

fn commit(version: &Value) -> &str {
    version.get("commit").and_then(Value::as_str).map_or("–", short)
}

impl DeployRow {
    pub(super) fn badge(&self) -> String {
        badge(&self.state)
    }
    pub(super) fn when(&self) -> String {
        when(self.created_at)
    }
    pub(super) fn took(&self) -> String {
        took(Some(self.created_at), self.finished_at)
    }
    pub(super) fn commit(&self) -> &str {
        commit(&self.version)
    }
    pub(super) fn digest(&self) -> &str {
        self.version.get("digest").and_then(Value::as_str).unwrap_or("–")
    }
    pub(super) fn before(&self) -> Option<&str> {
        self.previous.as_ref().map(commit)
    }
    pub(super) fn hops(&self) -> Vec<Note> {
        notes(&self.hops, "name", "detail")
    }
    pub(super) fn evidence(&self) -> Vec<Note> {
        notes(&self.evidence, "source", "text")
    }
    /// An address is a link only if it is one a browser may follow.
    pub(super) fn link(&self) -> Option<&str> {
        let url = self.url.as_deref()?;
        (url.starts_with("https://") || url.starts_with("http://")).then_some(url)
    }
}

impl WorkerRow {
    pub(super) fn seen(&self) -> String {
        when(self.last_seen_at)
    }
}

impl WaitingRow {
    pub(super) fn badge(&self) -> String {
        badge(&self.state)
    }
    pub(super) fn since(&self) -> String {
        when(self.since)
    }
    pub(super) fn waits_for(&self) -> String {
        if self.state == "queued" {
            "a free slot of a worker".to_owned()
        } else {
            format!("the stages before {:?}", self.stage_name)
        }
    }
}

impl DeliveryRow {
    pub(super) fn badge(&self) -> String {
        badge(&self.state)
    }
    pub(super) fn when(&self) -> String {
        when(self.received_at)
    }
}
