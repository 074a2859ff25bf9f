//! What a delivery that started nothing is about: as much of its payload as a page names.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::db::views::branches::IgnoredRow;

/// Longer names of refs are cut: git's own files could not hold them.
const LONGEST: usize = 1024;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Told {
    #[serde(rename = "ref")]
    git_ref: Option<String>,
    after: Option<String>,
    deleted: bool,
    action: Option<String>,
    number: Option<i64>,
}

impl Told {
    /// Of a payload that is no JSON: nothing.
    pub(super) fn read(payload: &[u8]) -> Self {
        serde_json::from_slice(payload).unwrap_or_default()
    }

    /// `main`, `tag v1`, `#12 synchronize`.
    pub(super) fn about(&self) -> Option<String> {
        if let Some(number) = self.number {
            let action = self.action.as_deref().unwrap_or_default();
            return Some(format!("#{number} {action}").trim_end().chars().take(LONGEST).collect());
        }
        let name = self.git_ref.as_deref()?;
        let words = match name.strip_prefix("refs/tags/") {
            Some(tag) => format!("tag {tag}"),
            None => name.strip_prefix("refs/heads/").unwrap_or(name).to_owned(),
        };
        Some(words.chars().take(LONGEST).collect())
    }

    fn deleted_branch(&self) -> Option<&str> {
        let zeros = |after: &String| !after.is_empty() && after.bytes().all(|byte| byte == b'0');
        let gone = self.deleted || self.after.as_ref().is_some_and(zeros);
        self.git_ref.as_deref().filter(|_| gone)?.strip_prefix("refs/heads/")
    }

    fn closed_pull(&self) -> Option<i64> {
        self.number.filter(|_| self.action.as_deref() == Some("closed"))
    }
}

/// What came to an end, each with when that was told last.
#[derive(Debug)]
pub(super) struct Ended(Vec<(Told, DateTime<Utc>)>);

impl Ended {
    pub(super) fn read(rows: &[IgnoredRow]) -> Self {
        Self(rows.iter().map(|row| (Told::read(&row.payload), row.received_at)).collect())
    }

    /// Was the branch deleted after its last run?
    pub(super) fn branch(&self, name: &str, last: DateTime<Utc>) -> bool {
        self.0.iter().any(|(told, at)| *at > last && told.deleted_branch() == Some(name))
    }

    /// Was the pull request closed after its last run?
    pub(super) fn pull(&self, number: i64, last: DateTime<Utc>) -> bool {
        self.0.iter().any(|(told, at)| *at > last && told.closed_pull() == Some(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_says_what_it_is_about() {
        let about = |payload: &str| Told::read(payload.as_bytes()).about();
        for (payload, words) in [
            (r#"{"ref":"refs/heads/main"}"#, Some("main")),
            (r#"{"ref":"refs/tags/v1"}"#, Some("tag v1")),
            (r#"{"action":"closed","number":12}"#, Some("#12 closed")),
            (r#"{"number":"x"}"#, None),
            ("payload=%7B", None),
        ] {
            assert_eq!(about(payload).as_deref(), words, "{payload}");
        }
    }

    #[test]
    fn a_branch_that_ran_after_its_end_is_there_again() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).expect("in range");
        let payload = format!(r#"{{"ref":"refs/heads/topic","after":"{}"}}"#, "0".repeat(40));
        let row = IgnoredRow { payload: payload.into_bytes(), received_at: at(10) };
        let closed = br#"{"action":"closed","number":3}"#.to_vec();
        let closed = IgnoredRow { payload: closed, received_at: at(10) };
        let ended = Ended::read(&[row, closed]);
        assert!(ended.branch("topic", at(9)) && !ended.branch("topic", at(11)));
        assert!(!ended.branch("main", at(9)));
        assert!(ended.pull(3, at(9)) && !ended.pull(3, at(11)) && !ended.pull(4, at(9)));
    }
}
