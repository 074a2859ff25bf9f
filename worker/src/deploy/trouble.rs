//! What went wrong on the way to a target: a sentence, and the cause where a rule knows it.

use slipway_pipelines::wire::{DeployProgress, Evidence, Finding, FindingCode, FindingVerdict};

use super::{DeployContext, DeployOutcome};

/// Why something did not come about.
#[derive(Debug)]
pub(super) struct Trouble {
    /// One sentence.
    pub(super) reason: String,
    /// None: the file or the engine is at fault in a way that the sentence says whole.
    pub(super) cause: Option<Cause>,
}

/// What a finding is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cause {
    pub(super) code: FindingCode,
    /// It may pass by itself.
    pub(super) passes: bool,
    /// What to do, one sentence.
    pub(super) next: String,
    /// Word for word.
    pub(super) seen: Vec<Evidence>,
    /// The last lines of the log that belongs to it.
    pub(super) log_tail: Option<String>,
}

impl Cause {
    pub(super) fn new(code: FindingCode, next: impl Into<String>) -> Self {
        Self { code, passes: false, next: next.into(), seen: Vec::new(), log_tail: None }
    }

    /// It may pass by itself.
    pub(super) fn passing(self) -> Self {
        Self { passes: true, ..self }
    }

    /// With one more thing seen.
    pub(super) fn seen(mut self, source: impl Into<String>, text: impl Into<String>) -> Self {
        self.seen.push(Evidence { source: source.into(), text: text.into() });
        self
    }

    /// The finding about `subject`, in the words of `reason`.
    pub(super) fn finding(&self, subject: &str, reason: &str) -> Finding {
        let verdict = if self.passes { FindingVerdict::Transient } else { FindingVerdict::Fatal };
        Finding {
            evidence: self.seen.clone(),
            log_tail: self.log_tail.clone(),
            ..Finding::new(self.code, verdict, subject, reason, &*self.next)
        }
    }
}

impl Trouble {
    pub(super) fn new(reason: impl Into<String>, cause: Cause) -> Self {
        Self { reason: reason.into(), cause: Some(cause) }
    }
}

impl From<String> for Trouble {
    fn from(reason: String) -> Self {
        Self { reason, cause: None }
    }
}

impl From<Trouble> for String {
    fn from(trouble: Trouble) -> Self {
        trouble.reason
    }
}

impl DeployContext<'_> {
    /// Reports the cause, if it is known, and that the deploy failed of it.
    pub(super) fn fail(&self, subject: &str, trouble: Trouble) -> DeployOutcome {
        let Trouble { reason, cause } = trouble;
        if let Some(cause) = cause {
            self.found(vec![cause.finding(subject, &reason)]);
        }
        self.end(DeployProgress::Failed { reason, evidence: Vec::new() })
    }
}
