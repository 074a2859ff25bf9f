//! How the explainer's findings read on a page.

use serde_json::Value;
use slipway_pipelines::wire::{Finding, FindingVerdict};

use super::deploy_rows::shorten;
use super::format::{count, when};

/// One finding, ready to be shown.
#[derive(Debug)]
pub(super) struct Shown(Finding);

/// What was stored, root cause first. One that this server can not read is left out: the reason
/// and the evidence of the deployment stand beside it.
pub(super) fn read(stored: &Value) -> Vec<Shown> {
    let all = stored.as_array().map(Vec::as_slice).unwrap_or_default();
    let read = all.iter().filter_map(|one| serde_json::from_value(one.clone()).ok());
    read.map(|mut finding: Finding| {
        finding.evidence.iter_mut().for_each(|seen| shorten(&mut seen.text));
        if let Some(log) = &mut finding.log_tail {
            shorten(log);
        }
        Shown(finding)
    })
    .collect()
}

impl Shown {
    pub(super) fn finding(&self) -> &Finding {
        &self.0
    }

    /// The verdict as word, shape and colour.
    pub(super) fn badge(&self) -> String {
        let (tone, shape) = match self.0.verdict {
            FindingVerdict::Fatal => ("bad", "failed"),
            FindingVerdict::Transient => ("warn", "running"),
            FindingVerdict::Waiting => ("mute", "waiting"),
        };
        format!(
            "<span class=\"s c-{tone}\"><svg class=\"ic\" aria-hidden=\"true\">\
             <use href=\"#i-{shape}\"/></svg>{}</span>",
            super::format::first_upper(self.0.verdict.word())
        )
    }

    /// `3,120 times`; none where once says nothing.
    pub(super) fn times(&self) -> Option<String> {
        (self.0.count > 1).then(|| format!("{} times", count(self.0.count.into())))
    }

    pub(super) fn since(&self) -> Option<String> {
        self.0.since.map(when)
    }

    /// What can be unfolded, in words; none: there is nothing.
    pub(super) fn folded(&self) -> Option<String> {
        let seen = match self.0.evidence.len() {
            0 => None,
            1 => Some("What was seen, word for word".to_owned()),
            many => Some(format!("What was seen, word for word ({many})")),
        };
        match (seen, self.0.log_tail.is_some()) {
            (Some(seen), true) => Some(format!("{seen}, and the log's end")),
            (None, true) => Some("The log's end".to_owned()),
            (seen, false) => seen,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_finding_of_a_later_version_is_left_out_and_the_others_stay() {
        let stored = json!([
            { "code": "made-up-tomorrow", "subject": "x", "verdict": "fatal", "sentence": "x",
              "count": 1, "next": "x" },
            { "code": "crash-loop", "subject": "web", "verdict": "fatal", "sentence": "it ends",
              "count": 3120, "next": "read the log", "log_tail": "oh no",
              "evidence": [{ "source": "event", "text": "Back-off" }] },
        ]);
        let shown = read(&stored);
        assert_eq!(shown.len(), 1);
        assert_eq!(shown[0].times().as_deref(), Some("3,120 times"));
        let folded = "What was seen, word for word, and the log's end";
        assert_eq!(shown[0].folded().as_deref(), Some(folded));
        assert!(read(&json!(null)).is_empty());
    }
}
