//! How deployments read on a page.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::findings::{self, Shown};
use super::format::{badge, duration, first_upper, short, tone, took, when};
use crate::db::views::deploys::DeployRow;

/// One thing on the way of a deployment.
#[derive(Debug)]
pub(super) struct Note {
    pub(super) name: String,
    pub(super) text: String,
    /// How long after the beginning.
    pub(super) at: String,
}

fn notes(value: &Value, name: &str, text: &str, begun: DateTime<Utc>) -> Vec<Note> {
    let field = |item: &Value, key: &str| {
        item.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let after = |item: &Value| {
        let at = DateTime::parse_from_rfc3339(item.get("at")?.as_str()?).ok()?;
        Some(format!("+{}", duration((at.to_utc() - begun).num_seconds())))
    };
    let note = |item: &Value| Note {
        name: field(item, name),
        text: field(item, text),
        at: after(item).unwrap_or_default(),
    };
    value.as_array().map(Vec::as_slice).unwrap_or_default().iter().map(note).collect()
}

/// The end of a log tells most; in bytes.
const LONGEST_EVIDENCE: usize = 16 * 1024;

pub(super) fn shorten(text: &mut String) {
    let Some(over) = text.len().checked_sub(LONGEST_EVIDENCE).filter(|over| *over > 0) else {
        return;
    };
    let from = text.char_indices().map(|(at, _)| at).find(|at| *at >= over).unwrap_or(0);
    // From a whole line on, unless that leaves nothing.
    let line = text.get(from..).and_then(|rest| rest.find('\n')).map_or(from, |at| from + at + 1);
    let from = if line < text.len() { line } else { from };
    text.replace_range(..from, &format!("({from} bytes before this are left out here)\n"));
}

fn commit(version: &Value) -> &str {
    version.get("commit").and_then(Value::as_str).unwrap_or("–")
}

impl DeployRow {
    pub(super) fn badge(&self) -> String {
        badge(self.word())
    }
    pub(super) fn border(&self) -> String {
        format!("b-{}", tone(self.word()))
    }
    /// What went live stays so in the history; that something else serves now must be seen.
    fn word(&self) -> &str {
        if self.state == "live" && !self.live { "was_live" } else { &self.state }
    }
    pub(super) fn when(&self) -> String {
        when(self.created_at)
    }
    pub(super) fn took(&self) -> String {
        took(Some(self.created_at), self.finished_at)
    }
    pub(super) fn lasted(&self) -> String {
        let verb = if self.finished_at.is_some() { "took" } else { "going on for" };
        format!("{verb} {}", self.took())
    }
    pub(super) fn commit(&self) -> &str {
        short(commit(&self.version))
    }
    pub(super) fn whole_commit(&self) -> &str {
        commit(&self.version)
    }
    pub(super) fn digest(&self) -> &str {
        self.version.get("digest").and_then(Value::as_str).unwrap_or("–")
    }
    pub(super) fn before(&self) -> Option<&str> {
        self.previous.as_ref().map(commit).map(short)
    }
    pub(super) fn hops(&self) -> Vec<Note> {
        notes(&self.hops, "name", "detail", self.created_at)
    }
    pub(super) fn evidence(&self) -> Vec<Note> {
        let mut evidence = notes(&self.evidence, "source", "text", self.created_at);
        evidence.iter_mut().for_each(|note| shorten(&mut note.text));
        evidence
    }
    /// Somebody is asked whether it may begin.
    pub(super) fn is_asked(&self) -> bool {
        self.state == "waiting" && self.needs_approval && self.approved_by.is_none()
    }
    /// Who agreed, and when.
    pub(super) fn approved(&self) -> Option<String> {
        let by = self.approved_by.as_deref()?;
        Some(format!(
            "approved by {by}{}",
            self.approved_at.map_or_else(String::new, |at| {
                format!(" at {}", at.format("%Y-%m-%d %H:%M UTC"))
            })
        ))
    }
    pub(super) fn findings(&self) -> Vec<Shown> {
        findings::read(&self.findings)
    }
    /// The root cause, in a list: its code and its sentence.
    pub(super) fn cause(&self) -> Option<(String, String)> {
        let first = self.findings().into_iter().next()?;
        let finding = first.finding();
        let sentence = format!("{}: {}", finding.subject, finding.sentence);
        Some((finding.code.word().to_owned(), sentence))
    }
    /// What is other than at the version that was live before: name, before, now.
    pub(super) fn changes(&self) -> Vec<(&'static str, String, String)> {
        let Some(previous) = &self.previous else { return Vec::new() };
        let field = |version: &Value, key: &str| {
            version.get(key).and_then(Value::as_str).unwrap_or("–").to_owned()
        };
        [("Commit", "commit"), ("Image digest", "digest"), ("Label", "label")]
            .into_iter()
            .map(|(name, key)| (name, field(previous, key), field(&self.version, key)))
            .filter(|(_, before, now)| before != now)
            .collect()
    }
    /// GitHub's page of the commits between the two.
    pub(super) fn compare(&self) -> Option<String> {
        let forge = self.forge.as_deref()?.trim_end_matches(".git");
        let previous = self.previous.as_ref().map(commit)?;
        let is_address = forge.starts_with("https://") || forge.starts_with("http://");
        (is_address && previous != self.whole_commit())
            .then(|| format!("{forge}/compare/{previous}...{}", self.whole_commit()))
    }
    /// The label that the target knows the version by.
    pub(super) fn label(&self) -> Option<&str> {
        self.version.get("label").and_then(Value::as_str)
    }
    /// Where it goes, as the file says it: what is a variable there stays one here.
    pub(super) fn target(&self) -> Vec<(&'static str, &str)> {
        let provider = self.plan.get("provider");
        let field = |key: &str| provider?.get(key)?.as_str();
        let kind = match field("provider") {
            Some("elasticbeanstalk") => Some("AWS Elastic Beanstalk"),
            other => other,
        };
        [
            ("Provider", kind),
            ("Application", field("app")),
            ("AWS environment", field("env")),
            ("Region", field("region")),
            ("Bucket", field("bucket")),
            ("Registry", field("repository")),
            ("Service", field("name")),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }

    /// What the state means, in a sentence.
    pub(super) fn verdict(&self) -> &'static str {
        match self.state.as_str() {
            "waiting" if self.is_asked() => "It waits until somebody approves it.",
            "waiting" => "It waits until the deployment before it is over.",
            "approved" => "It may start; its worker is about to.",
            "running" => "The target is being changed.",
            "verifying" => "The target was changed; it must stay healthy before it counts as live.",
            "live" if self.live => "It became healthy and stayed so; it serves now.",
            "live" => "It became healthy and stayed so; a later deployment took its place.",
            "failed" => "It did not become healthy, and nothing of it serves.",
            "rolled_back" => "It did not become healthy and was rolled back.",
            "unknown" => "Its worker was lost in the middle; the target is being looked at.",
            "superseded" => "A newer one took its place before it started.",
            _ => "",
        }
    }

    /// The reason as a sentence of its own.
    pub(super) fn why(&self) -> Option<String> {
        let reason = self.reason.as_deref()?;
        Some(format!("{}.", first_upper(reason.trim_end_matches('.'))))
    }

    /// The end of the way so far: where it goes on, or where it stopped.
    pub(super) fn last_hop(&self) -> String {
        let text = match self.state.as_str() {
            "live" if self.live => "serves since then",
            "live" => "served until the next",
            "rolled_back" | "failed" => "here it stopped",
            "superseded" => "it never started",
            "waiting" => "not started",
            "unknown" => "nobody knows yet",
            _ => "next",
        };
        format!("{}<b></b><span class=\"detail quiet\">{text}</span>", icon_of(self.word()))
    }

    /// An address is a link only if it is one a browser may follow.
    pub(super) fn link(&self) -> Option<&str> {
        let url = self.url.as_deref()?;
        (url.starts_with("https://") || url.starts_with("http://")).then_some(url)
    }
}

/// The badge without its word, which the heading has said.
fn icon_of(state: &str) -> String {
    let badge = badge(state);
    badge.split_once("</svg>").map_or_else(String::new, |(icon, _)| format!("{icon}</svg></span>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_long_evidence_the_end_is_shown_and_that_is_said() {
        let mut short = "all of it".to_owned();
        shorten(&mut short);
        assert_eq!(short, "all of it");
        let mut long = format!("{}the end", "ä".repeat(LONGEST_EVIDENCE));
        shorten(&mut long);
        assert!(long.starts_with("(1639") && long.ends_with("äthe end"), "{}", &long[..60]);
        assert!(long.len() < LONGEST_EVIDENCE + 60);
    }
}
