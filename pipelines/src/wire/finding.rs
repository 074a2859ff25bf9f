//! What the explainer found: why a version is not live, root cause first.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Evidence;
use super::finding_code::FindingCode;

/// One cause, with what was seen of it. What happened to many equal things is one finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Which cause it is.
    pub code: FindingCode,
    /// What it is about, for people: `Deployment web`, `14/30 pods of Deployment web`.
    pub subject: String,
    /// What it means for the deployment.
    pub verdict: FindingVerdict,
    /// One sentence, with the numbers: `5 more pods ask for 500m cpu each; node1 has 200m left`.
    pub sentence: String,
    /// When it was seen first at the target.
    #[serde(default)]
    pub since: Option<DateTime<Utc>>,
    /// How often the target told it; 1 where it does not count.
    pub count: u32,
    /// Word for word, with its source.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
    /// The last lines of the log that belongs to it.
    #[serde(default)]
    pub log_tail: Option<String>,
    /// What is other than at the last verified deployment, where that may be the cause.
    #[serde(default)]
    pub difference: Option<String>,
    /// What to do next, one sentence.
    pub next: String,
}

/// What a finding means for its deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingVerdict {
    /// It can not become live without a change.
    Fatal,
    /// It may pass by itself.
    Transient,
    /// It waits for something or somebody.
    Waiting,
}

impl FindingVerdict {
    /// The word that is shown.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Fatal => "fatal",
            Self::Transient => "transient",
            Self::Waiting => "waiting",
        }
    }
}

impl Finding {
    /// A finding of this code with nothing seen yet.
    #[must_use]
    pub fn new(
        code: FindingCode,
        verdict: FindingVerdict,
        subject: impl Into<String>,
        sentence: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self {
            code,
            subject: subject.into(),
            verdict,
            sentence: sentence.into(),
            since: None,
            count: 1,
            evidence: Vec::new(),
            log_tail: None,
            difference: None,
            next: next.into(),
        }
    }

    /// The same with one more thing seen.
    #[must_use]
    pub fn seen(mut self, source: impl Into<String>, text: impl Into<String>) -> Self {
        self.evidence.push(Evidence { source: source.into(), text: text.into() });
        self
    }
}
