//! Check runs: what a GitHub App tells, one of each run.

use serde::Deserialize;
use serde_json::{Value, json};
use slipway_pipelines::language::{Diagnostic, Severity};
use slipway_pipelines::lifecycle::RunState;

use super::markdown::text;
use super::reports::{DeployFact, Facts, JobFact};
use super::{Github, GithubError};
use crate::text::cut;

/// GitHub's limit of one request.
const ANNOTATIONS: usize = 50;
/// Of the summary, in bytes; GitHub takes 65535 characters.
const SUMMARY: usize = 60_000;
const TITLE: usize = 250;
/// Of a text that somebody else wrote, in a table's cell.
const CELL: usize = 300;

#[derive(Deserialize)]
struct CheckRun {
    id: i64,
    #[serde(default)]
    external_id: Option<String>,
    #[serde(default)]
    output: Output,
}

#[derive(Default, Deserialize)]
struct Output {
    #[serde(default)]
    annotations_count: u64,
}

#[derive(Deserialize)]
struct Found {
    check_runs: Vec<CheckRun>,
}

impl Github {
    /// The check run of this run, if GitHub has made one: asked after a try whose answer is unknown.
    pub(crate) async fn find_check(&self, facts: &Facts) -> Result<Option<i64>, GithubError> {
        let commit = facts.trigger.reported_commit();
        let path = format!("/commits/{commit}/check-runs?filter=all&per_page=100");
        let found: Found = self.get_of(&facts.repo, &path).await?;
        let id = facts.id.to_string();
        let mut runs = found.check_runs.into_iter();
        Ok(runs.find(|run| run.external_id.as_deref() == Some(&id)).map(|run| run.id))
    }

    /// Makes it; answers its number.
    pub(crate) async fn create_check(&self, facts: &Facts) -> Result<i64, GithubError> {
        let mut body = body(facts, true);
        body["head_sha"] = json!(facts.trigger.reported_commit());
        body["external_id"] = json!(facts.id);
        let made: CheckRun = self.post_of(&facts.repo, "/check-runs", &body).await?;
        Ok(made.id)
    }

    /// Tells what is true now.
    pub(crate) async fn update_check(&self, facts: &Facts, id: i64) -> Result<(), GithubError> {
        let path = format!("/check-runs/{id}");
        let mut annotate = facts.state.is_terminal() && annotations(facts).next().is_some();
        if annotate {
            // GitHub adds them to those that are there.
            let there: CheckRun = self.get_of(&facts.repo, &path).await?;
            annotate = there.output.annotations_count == 0;
        }
        let _changed: CheckRun = self.patch_of(&facts.repo, &path, &body(facts, annotate)).await?;
        Ok(())
    }
}

fn body(facts: &Facts, annotate: bool) -> Value {
    let name = if facts.is_pull_request() { "Slipway / pull request" } else { "Slipway" };
    let (status, conclusion) = match &facts.state {
        RunState::Planning | RunState::Queued => ("queued", None),
        RunState::Running { .. } => ("in_progress", None),
        RunState::Passed => ("completed", Some("success")),
        RunState::Failed | RunState::Errored { .. } => ("completed", Some("failure")),
        RunState::Canceled { .. } => ("completed", Some("cancelled")),
        RunState::Skipped { .. } => ("completed", Some("neutral")),
    };
    let title = facts.sentence().replace(|c: char| c.is_control(), " ");
    let mut body = json!({
        "name": name,
        "status": status,
        "details_url": facts.url,
        "output": { "title": cut(title, TITLE), "summary": summary(facts) },
    });
    if let Some(started_at) = facts.started_at {
        body["started_at"] = json!(started_at);
    }
    if let Some(conclusion) = conclusion {
        body["conclusion"] = json!(conclusion);
        if let Some(finished_at) = facts.finished_at {
            body["completed_at"] = json!(finished_at);
        }
    }
    if annotate && facts.state.is_terminal() {
        let annotations: Vec<Value> = annotations(facts).take(ANNOTATIONS).collect();
        if !annotations.is_empty() {
            body["output"]["annotations"] = json!(annotations);
        }
    }
    body
}

fn summary(facts: &Facts) -> String {
    let mut lines = vec![text(&cut(facts.sentence(), CELL)), String::new()];
    if !facts.jobs.is_empty() {
        lines.push("| job | stage | state | time |".to_owned());
        lines.push("| --- | --- | --- | --- |".to_owned());
        lines.extend(facts.jobs.iter().map(|job| row(facts, job)));
        lines.push(String::new());
    }
    lines.extend(facts.deployments.iter().map(deployment));
    if !facts.deployments.is_empty() {
        lines.push(String::new());
    }
    lines.extend(facts.diagnostics.iter().map(problem));
    let count = facts.diagnostics.iter().filter(|diagnostic| diagnostic.span.is_some()).count();
    if count > ANNOTATIONS {
        lines.push(format!("\nThe first {ANNOTATIONS} of {count} are marked in the file."));
    }
    within_limit(&lines)
}

/// Whole lines only: half a row would break the table.
fn within_limit(lines: &[String]) -> String {
    let mut out = String::new();
    for line in lines {
        if out.len() + line.len() > SUMMARY {
            out.push_str("\n\nThere is more; the run's page has all of it.");
            break;
        }
        out.push_str(line);
        out.push('\n');
    }
    out
}

fn row(facts: &Facts, job: &JobFact) -> String {
    let cell = |of: &str| text(&cut(of.to_owned(), CELL));
    let may = if job.allow_failure { " (allowed to fail)" } else { "" };
    let reason = job.reason.as_deref().map(|reason| format!(": {}", cell(reason)));
    format!(
        "| [{}.{}]({}/jobs/{}) {} | {} | {}{may}{} | {} |",
        facts.number,
        job.number,
        facts.url,
        job.number,
        cell(&job.name),
        cell(&job.stage),
        job.state,
        reason.unwrap_or_default(),
        job.seconds.map(time).unwrap_or_default()
    )
}

fn time(seconds: i64) -> String {
    if seconds < 60 {
        return format!("{seconds} s");
    }
    format!("{} min {} s", seconds / 60, seconds % 60)
}

fn deployment(deployment: &DeployFact) -> String {
    let state = match deployment.state.as_str() {
        "rolled_back" => "rolled back",
        "unknown" => "not known to be live",
        other => other,
    };
    let mut line = format!("- {}: {state}", text(&deployment.environment));
    let version = &deployment.version;
    let label = version.label.as_deref().unwrap_or_else(|| version.commit.short());
    line.push_str(&format!(", version {}", text(label)));
    if let Some(url) = &deployment.url {
        line.push_str(&format!(", at {}", text(url)));
    }
    if let Some(reason) = &deployment.reason {
        line.push_str(&format!(": {}", text(&cut(reason.clone(), CELL))));
    }
    line
}

fn problem(diagnostic: &Diagnostic) -> String {
    let place = diagnostic.span.map(|span| format!("line {}: ", span.line)).unwrap_or_default();
    let message = text(&cut(diagnostic.message.clone(), CELL));
    format!("- {place}{}: {message}", diagnostic.severity.word())
}

fn annotations(facts: &Facts) -> impl Iterator<Item = Value> {
    facts.diagnostics.iter().filter_map(|diagnostic| {
        let span = diagnostic.span?;
        let level = match diagnostic.severity {
            Severity::Note => "notice",
            Severity::Warning => "warning",
            Severity::Error => "failure",
        };
        let help = diagnostic.help.iter().map(|help| format!("\n{help}"));
        let message = std::iter::once(diagnostic.message.clone()).chain(help).collect::<String>();
        Some(json!({
            "path": file(facts, diagnostic),
            "start_line": span.line,
            "end_line": span.line,
            "annotation_level": level,
            "title": cut(diagnostic.code.clone(), TITLE),
            "message": cut(message, 4000),
        }))
    })
}

/// The file that a diagnostic is about: its excerpt names it, the plan of a bad file can not.
fn file<'a>(facts: &'a Facts, diagnostic: &'a Diagnostic) -> &'a str {
    let excerpt = diagnostic.excerpt.as_deref().unwrap_or_default();
    let named = excerpt.lines().find_map(|line| {
        let place = line.trim_start().strip_prefix("--> ")?;
        Some(place.rsplitn(3, ':').last()?.trim())
    });
    named.or(facts.file.as_deref()).unwrap_or(".ci.yml")
}

#[cfg(test)]
mod tests {
    use slipway_pipelines::language::{FileIndex, Span};

    use super::super::reports::tests::{facts, job};
    use super::*;

    #[test]
    fn a_check_is_green_only_for_a_run_that_passed() {
        let green = body(&facts(RunState::Passed, vec![job(1, "passed", None)]), true);
        assert_eq!(green["status"], "completed");
        assert_eq!(green["conclusion"], "success");
        for open in [RunState::Planning, RunState::Queued] {
            let open = body(&facts(open, vec![job(1, "queued", None)]), true);
            assert_eq!((&open["status"], &open["conclusion"]), (&json!("queued"), &Value::Null));
        }
        let errored = RunState::Errored { reason: "no file".to_owned() };
        assert_eq!(body(&facts(errored, vec![]), true)["conclusion"], "failure");
    }

    #[test]
    fn texts_of_strangers_stay_texts() {
        let mut evil = job(1, "failed", Some("a | b\n<script>"));
        evil.name = "[x](http://evil)".to_owned();
        let body = body(&facts(RunState::Failed, vec![evil]), true);
        let summary = body["output"]["summary"].as_str().expect("a summary");
        assert!(summary.contains(r"\[x\]\(http://evil\)"), "{summary}");
        assert!(summary.contains(r"failed: a \| b \<script\> | 1 min 1 s |"), "{summary}");
    }

    #[test]
    fn problems_are_marked_in_the_file_they_are_in_and_no_more_than_github_takes() {
        let one = Diagnostic {
            severity: Severity::Error,
            code: "unknown-key".to_owned(),
            path: "scirpt".to_owned(),
            span: Some(Span { start: 0, end: 1, line: 7, column: 1, file: FileIndex::MAIN }),
            file: None,
            message: "there is no key scirpt".to_owned(),
            help: Some("write script".to_owned()),
            excerpt: Some("error: x\n  --> sub/.ci.yml:7:1\n".to_owned()),
        };
        let mut facts = facts(RunState::Errored { reason: "bad".to_owned() }, vec![]);
        facts.file = None;
        facts.diagnostics = vec![one; 60];
        let body = body(&facts, true);
        let annotations = body["output"]["annotations"].as_array().expect("annotations");
        assert_eq!(annotations.len(), 50);
        assert_eq!(annotations[0]["path"], "sub/.ci.yml");
        assert_eq!(annotations[0]["start_line"], 7);
        let summary = body["output"]["summary"].as_str().expect("a summary");
        assert!(summary.contains("The first 50 of 60"), "{summary}");
        let open = super::body(&self::facts(RunState::Planning, vec![]), true);
        assert_eq!(open["output"]["annotations"], Value::Null, "told once, at the end");
    }

    #[test]
    fn a_thousand_jobs_fit_by_whole_lines() {
        let jobs = (1..1000).map(|n| job(n, "failed", Some(&"x".repeat(400)))).collect();
        let summary = summary(&facts(RunState::Failed, jobs));
        assert!(summary.len() < 65_535 && summary.contains("the run's page has all of it"));
    }
}
