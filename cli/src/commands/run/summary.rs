//! What is said at the end of a run: what did not pass and why, and one line of all of it.

use slipway_pipelines::lifecycle::{JobState, RunState};
use slipway_pipelines::wire::{TestOutcome, TestReport};
use slipway_worker::{Artifact, KeptJob};

use super::lines::shown;
use super::record::{Job, Record};
use super::words::{self, Style};
use crate::print;

/// Lines of a step that failed.
const LINES: usize = 20;
/// Tests that are named.
const TESTS: usize = 10;

/// The lines of it.
pub(super) fn lines(record: &Record, state: &RunState, style: Style) -> Vec<String> {
    let mut out = Vec::new();
    for job in &record.jobs {
        match &job.state {
            JobState::Failed { .. } | JobState::Errored { .. } => {
                not_passed(record, job, style, &mut out)
            }
            JobState::Skipped { reason } => {
                let text = format!("– {} skipped: {}", words::named(job), print::safe(reason));
                out.push(style.dim(&text));
            }
            JobState::Waiting
            | JobState::Queued
            | JobState::Running { .. }
            | JobState::Passed
            | JobState::Canceled { .. } => {}
        }
        if let Some(report) = &job.tests {
            tests(job, report, &mut out);
        }
    }
    out.extend(record.artifacts.iter().map(artifact));
    if !out.is_empty() {
        out.insert(0, String::new());
        if out.last().is_some_and(|line| !line.is_empty()) {
            out.push(String::new());
        }
    }
    let line = format!("{} in {}", words::counts(record), words::took(record.began, None));
    out.push(style.bold(&style.of(&as_of_job(state), &line)));
    out
}

fn not_passed(record: &Record, job: &Job, style: Style, out: &mut Vec<String>) {
    let (sign, word) = (words::sign(&job.state), job.state.word());
    let allowed = if job.allow_failure { ", which is allowed" } else { "" };
    let label = words::label(record, job);
    let who = if label.is_empty() { "The job".to_owned() } else { label };
    let reason = print::safe(job.state.reason().unwrap_or_default());
    let head = format!("{sign} {who} {word}{allowed}: {reason}");
    out.push(style.of(&job.state, &head));
    let tail = job.culprit().map(|step| &step.tail).filter(|tail| !tail.is_empty());
    let tail = tail.unwrap_or(&job.tail);
    let lines: Vec<String> = tail.iter().map(|line| shown(line, style.colors)).collect();
    let first = lines.len().saturating_sub(LINES);
    let bar = style.dim("│");
    out.extend(lines[first..].iter().map(|line| format!("  {bar} {line}").trim_end().to_owned()));
    if let Some(log) = &job.log {
        out.push(style.dim(&format!("  its whole log: {}", log.display())));
    }
    if let Some(kept) = &job.kept {
        out.extend(stays(kept));
    }
    out.push(String::new());
}

fn stays(kept: &KeptJob) -> Vec<String> {
    let short = |id: &String| id.chars().take(12).collect::<String>();
    let all: Vec<String> = kept.containers.iter().map(short).collect();
    let KeptJob { folder, network, .. } = kept;
    let first = all.first().cloned().unwrap_or_default();
    vec![
        format!("  look inside: docker exec -it -w {folder} {first} sh"),
        format!("  remove it:   docker rm -fv {}; docker network rm {network}", all.join(" ")),
    ]
}

fn tests(job: &Job, report: &TestReport, out: &mut Vec<String>) {
    let bad: Vec<_> = report
        .cases
        .iter()
        .filter(|case| match case.outcome {
            TestOutcome::Failed | TestOutcome::Errored => true,
            TestOutcome::Passed | TestOutcome::Skipped => false,
        })
        .collect();
    let all = print::plural(report.cases.len(), "test");
    if bad.is_empty() {
        out.push(format!("{}: {all}, none failed", words::named(job)));
        return;
    }
    out.push(format!("{}: {all}, {} failed", words::named(job), bad.len()));
    for case in bad.iter().take(TESTS) {
        let message = words::first_line(&case.message);
        let colon = if message.is_empty() { "" } else { ": " };
        let name = print::safe(&format!("{} {}", case.suite, case.name));
        out.push(format!("  ✗ {}{colon}{message}", name.trim()));
    }
    if bad.len() > TESTS {
        out.push(format!("  … and {} more", bad.len() - TESTS));
    }
}

fn artifact(Artifact { name, files, at, .. }: &Artifact) -> String {
    let (name, files) = (print::safe(name), print::plural(files.len(), "file"));
    match at {
        Some(at) => format!("artifact {name}: {files} in {}", at.display()),
        None => format!("artifact {name}: {files}, not kept (`--artifacts DIR` keeps them)"),
    }
}

/// The state of a job that looks like the run's.
fn as_of_job(state: &RunState) -> JobState {
    match state {
        RunState::Passed => JobState::Passed,
        RunState::Failed => JobState::Failed { reason: String::new() },
        RunState::Errored { reason } => JobState::Errored { reason: reason.clone() },
        RunState::Canceled { reason } => JobState::Canceled { reason: reason.clone() },
        RunState::Skipped { reason } => JobState::Skipped { reason: reason.clone() },
        RunState::Planning | RunState::Queued | RunState::Running { .. } => JobState::Waiting,
    }
}
