//! The explainer's findings, as lines of text.

use slipway_pipelines::wire::Finding;

use crate::print;

/// The lines of all findings, root cause first.
pub(crate) fn lines(findings: &[Finding]) -> Vec<String> {
    findings.iter().flat_map(of).collect()
}

fn of(finding: &Finding) -> Vec<String> {
    let mut about = format!("  {} [{}]", finding.code.word(), finding.verdict.word());
    if finding.count > 1 {
        about.push_str(&format!(" {} times", finding.count));
    }
    if let Some(since) = finding.since {
        about.push_str(&format!(", first {}", print::ago(since)));
    }
    let mut lines = vec![
        about,
        format!("    {}: {}", print::safe(&finding.subject), print::safe(&finding.sentence)),
        format!("    next: {}", print::safe(&finding.next)),
    ];
    if let Some(difference) = &finding.difference {
        lines.push(format!("    since the last good one: {}", print::safe(difference)));
    }
    for seen in &finding.evidence {
        lines.push(format!("    {}:", print::safe(&seen.source)));
        lines.extend(print::safe_lines(&seen.text).map(|line| format!("      {line}")));
    }
    if let Some(log) = &finding.log_tail {
        lines.push("    last lines of the log:".to_owned());
        lines.extend(print::safe_lines(log).map(|line| format!("      {line}")));
    }
    lines
}

#[cfg(test)]
mod tests {
    use slipway_pipelines::wire::{FindingCode, FindingVerdict};

    use super::*;

    #[test]
    fn a_finding_reads_from_cause_to_evidence() {
        let mut finding = Finding::new(
            FindingCode::CrashLoop,
            FindingVerdict::Fatal,
            "14/30 pods of Deployment web",
            "the container exits with 1",
            "Read the log.",
        )
        .seen("event", "Back-off restarting failed container\u{1b}[31m");
        finding.count = 12;
        finding.log_tail = Some("no database\nbye\n".to_owned());
        finding.difference = Some("the image is another".to_owned());
        let expected = [
            "  crash-loop [fatal] 12 times",
            "    14/30 pods of Deployment web: the container exits with 1",
            "    next: Read the log.",
            "    since the last good one: the image is another",
            "    event:",
            "      Back-off restarting failed container [31m",
            "    last lines of the log:",
            "      no database",
            "      bye",
        ];
        assert_eq!(lines(&[finding]), expected);
    }
}
