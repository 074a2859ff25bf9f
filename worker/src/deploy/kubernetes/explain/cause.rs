//! A cause before equal ones are put together.

use chrono::{DateTime, Utc};
use serde_json::Value;
use slipway_pipelines::wire::{Evidence, Finding, FindingCode, FindingVerdict};

use super::read::{event_count, event_times, text};
use super::seen::{LogKey, Seen};

/// Why one object is not what it should be. Equal pods have equal sentences.
#[derive(Clone, Debug)]
pub(super) struct Cause {
    pub code: FindingCode,
    pub verdict: FindingVerdict,
    pub sentence: String,
    pub next: String,
    pub since: Option<DateTime<Utc>>,
    pub count: u32,
    pub evidence: Vec<Evidence>,
    pub log: Option<LogKey>,
}

impl Cause {
    pub(super) fn new(
        code: FindingCode,
        verdict: FindingVerdict,
        sentence: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self {
            code,
            verdict,
            sentence: sentence.into(),
            next: next.into(),
            since: None,
            count: 1,
            evidence: Vec::new(),
            log: None,
        }
    }

    pub(super) fn fatal(code: FindingCode, sentence: impl Into<String>, next: &str) -> Self {
        Self::new(code, FindingVerdict::Fatal, sentence, next)
    }

    pub(super) fn transient(code: FindingCode, sentence: impl Into<String>, next: &str) -> Self {
        Self::new(code, FindingVerdict::Transient, sentence, next)
    }

    pub(super) fn waiting(code: FindingCode, sentence: impl Into<String>, next: &str) -> Self {
        Self::new(code, FindingVerdict::Waiting, sentence, next)
    }

    /// With a text of the cluster, word for word; an empty one says nothing.
    pub(super) fn with(mut self, source: impl Into<String>, said: &str) -> Self {
        if !said.is_empty() && self.evidence.iter().all(|seen| seen.text != said) {
            self.evidence.push(Evidence { source: source.into(), text: said.to_owned() });
        }
        self
    }

    /// With an event: its text, its count and its times.
    pub(super) fn event(mut self, event: &Value) -> Self {
        self.count = self.count.max(event_count(event));
        let since = event_times(event).1;
        self.since = [self.since, since].into_iter().flatten().min();
        self.with(format!("event {}", text(event, "/reason")), text(event, "/message"))
    }

    /// With a condition of a status.
    pub(super) fn condition(mut self, condition: &Value) -> Self {
        self.since = self.since.or_else(|| super::read::time(condition, "/lastTransitionTime"));
        let said = format!("{}: {}", text(condition, "/reason"), text(condition, "/message"));
        self.with(format!("condition {}", text(condition, "/type")), said.trim_matches([':', ' ']))
    }

    pub(super) fn log(mut self, key: LogKey) -> Self {
        self.log = Some(key);
        self
    }

    pub(super) fn since(mut self, since: Option<DateTime<Utc>>) -> Self {
        self.since = self.since.or(since);
        self
    }

    /// What is shown of it.
    pub(super) fn finding(self, subject: String, seen: &Seen) -> Finding {
        let log_tail = self.log.as_ref().and_then(|key| seen.logs.get(key)).cloned();
        Finding {
            since: self.since,
            count: self.count,
            evidence: self.evidence,
            log_tail: log_tail.filter(|text| !text.trim().is_empty()),
            ..Finding::new(self.code, self.verdict, subject, self.sentence, self.next)
        }
    }
}
