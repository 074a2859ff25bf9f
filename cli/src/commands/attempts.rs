//! Jobs with their attempts on the terminal.

use anyhow::{Context, Result};
use slipway_pipelines::names::RepoName;
use slipway_pipelines::wire::api::{Attempt, Job, WholeJob, WholeRun};

use crate::api::Api;
use crate::print;

/// The jobs of a run, a line each.
pub(super) async fn list(api: &Api, repo: &RepoName, run: i32, json: bool) -> Result<()> {
    let whole: Option<WholeRun> = api.find(&format!("{repo}/runs/{run}")).await?;
    let whole = whole.with_context(|| format!("{repo} has no run {run}"))?;
    if json {
        return print::json(&whole.jobs);
    }
    for job in &whole.jobs {
        print::line(&of_job(run, job));
    }
    Ok(())
}

/// `job 12.1  build  passed in 12 s (on attempt 2 of 3)`
pub(super) fn of_job(run: i32, job: &Job) -> String {
    let mut text = format!("job {run}.{}  {}  {}", job.number, print::safe(&job.name), job.state);
    if let (Some(from), Some(to)) = (job.started_at, job.finished_at) {
        text.push_str(&format!(" in {}", print::duration(from, to)));
    }
    if let Some(tries) = tries(job) {
        let on = if job.state == "passed" { "on " } else { "" };
        text.push_str(&format!(" ({on}{tries})"));
    }
    if job.allow_failure && matches!(job.state.as_str(), "failed" | "errored") {
        text.push_str(" (allowed)");
    }
    if let Some(reason) = &job.reason {
        text.push_str(&format!(": {}", print::safe(reason)));
    }
    text
}

/// `attempt 2 of 3`, where there was more than one.
fn tries(job: &Job) -> Option<String> {
    let most = job.retries.saturating_add(1);
    match job.attempt {
        ..=1 => None,
        // Attempts that were lost are not counted among those that the file asks for.
        attempt if attempt > most => Some(format!("attempt {attempt}")),
        attempt => Some(format!("attempt {attempt} of {most}")),
    }
}

/// `attempt 2 of 3: the first failed because make exited with 1.`
pub(super) fn again(whole: &WholeJob) -> Option<String> {
    let tries = tries(&whole.job)?;
    let before = whole.attempts.iter().rev().nth(1)?;
    let which = if before.attempt.number == 1 { "the first" } else { "the one before" };
    let how = match before.attempt.state.as_str() {
        "lost" => "was lost because",
        "failed" => "failed because",
        _ => "could not be done because",
    };
    let why = before.attempt.reason.as_deref().unwrap_or("of a reason that nobody gave");
    Some(format!("{tries}: {which} {how}: {}", print::safe(why)))
}

/// `attempt 1  failed in 3 s on worker-a: make exited with 1.`
pub(super) fn of_attempt(attempt: &Attempt) -> String {
    let mut text = format!("attempt {}  {}", attempt.number, attempt.state);
    if let Some(to) = attempt.finished_at {
        text.push_str(&format!(" in {}", print::duration(attempt.started_at, to)));
    }
    text.push_str(&format!(" on {}", print::safe(&attempt.worker)));
    if let Some(reason) = &attempt.reason {
        text.push_str(&format!(": {}", print::safe(reason)));
    }
    text
}
