//! Why a deploy to AWS is not live, as one sentence and as a finding.

use chrono::{DateTime, Utc};
use slipway_pipelines::wire::{Evidence, Finding, FindingCode, FindingVerdict};

use super::ask::Refusal;

/// Why it is not deployed.
#[derive(Clone, Debug)]
pub(in super::super) struct Failure {
    /// Which cause.
    pub(in super::super) code: FindingCode,
    /// It may pass by itself.
    pub(in super::super) passing: bool,
    /// What it is about; none: the whole target.
    subject: Option<String>,
    /// What is wrong, without a full stop.
    what: String,
    /// What to do about it.
    next: Option<String>,
    /// What to do, where the sentence does not say it.
    hint: Option<&'static str>,
    /// Verbatim.
    pub(in super::super) evidence: Vec<Evidence>,
    /// When it was seen first at the target.
    pub(in super::super) since: Option<DateTime<Utc>>,
    /// How often the target told it.
    pub(in super::super) count: u32,
    /// What else was found, less likely the cause.
    pub(in super::super) others: Vec<Finding>,
}

/// What to do where no rule knows better.
const READ_ON: &str = "read what AWS said, then deploy again";

impl From<String> for Failure {
    fn from(what: String) -> Self {
        Self::new(FindingCode::Unexplained, what)
    }
}

impl From<&str> for Failure {
    fn from(what: &str) -> Self {
        Self::from(what.to_owned())
    }
}

impl Failure {
    /// Of this cause.
    pub(in super::super) fn new(code: FindingCode, what: impl Into<String>) -> Self {
        Self {
            code,
            passing: false,
            subject: None,
            what: what.into(),
            next: None,
            hint: None,
            evidence: Vec::new(),
            since: None,
            count: 1,
            others: Vec::new(),
        }
    }

    /// With what to do.
    pub(in super::super) fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// With what to do, for the finding alone.
    pub(in super::super) fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// About this.
    pub(in super::super) fn about(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// It may pass by itself.
    pub(in super::super) fn passing(mut self) -> Self {
        self.passing = true;
        self
    }

    /// With what AWS said.
    pub(in super::super) fn seen(mut self, action: &str, refusal: &Refusal) -> Self {
        let code =
            if refusal.code.is_empty() { String::new() } else { format!("{}: ", refusal.code) };
        let text = format!("{code}{}", refusal.message);
        self.evidence.push(Evidence { source: format!("AWS on {action}"), text });
        self
    }

    /// The same with a longer sentence in front.
    pub(in super::super) fn because(mut self, change: impl FnOnce(&str) -> String) -> Self {
        self.what = change(&self.what);
        self
    }

    /// One sentence, without its full stop.
    pub(in super::super) fn reason(&self) -> String {
        match &self.next {
            Some(next) => format!("{}: {next}", self.what),
            None => self.what.clone(),
        }
    }

    /// For the explainer; `place` is what it is about where nothing nearer is known.
    pub(in super::super) fn finding(&self, place: &str) -> Finding {
        let verdict = if self.passing { FindingVerdict::Transient } else { FindingVerdict::Fatal };
        let subject = self.subject.as_deref().unwrap_or(place);
        let next = self.next.as_deref().or(self.hint).unwrap_or(READ_ON);
        Finding {
            since: self.since,
            count: self.count,
            evidence: self.evidence.clone(),
            ..Finding::new(self.code, verdict, subject, &self.what, next)
        }
    }
}
