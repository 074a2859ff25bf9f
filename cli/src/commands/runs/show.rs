//! A run on the terminal.

use chrono::Utc;
use slipway_pipelines::names::RepoName;
use slipway_pipelines::wire::api::{Deployment, Report, Run, WholeRun};

use crate::api::Api;
use crate::commands::attempts;
use crate::print;
use crate::views::short;

/// Everything of a run.
pub(super) fn whole(api: &Api, repo: &RepoName, whole: &WholeRun) {
    print::line(&head(&whole.run));
    print::line(&format!("  {}", api.page(&format!("{repo}/runs/{}", whole.run.number))));
    problems(&whole.run);
    for job in &whole.jobs {
        print::line(&format!("  {}", attempts::of_job(whole.run.number, job)));
    }
    for deployment in whole.deployments.iter().rev() {
        print::line(&format!("  {}", of_deployment(deployment)));
    }
    for dropped in &whole.dropped {
        let (name, reason) = (print::safe(&dropped.name), print::safe(&dropped.reason));
        print::line(&format!("  {name} is not in it: {reason}"));
    }
    if let Some(words) = whole.github.as_ref().and_then(behind) {
        print::line(&format!("  {words}"));
    }
    print::line(&verdict(&whole.run));
}

/// `GitHub has not heard yet: 401, the token is refused; it is told again at 12:31:05 UTC`
fn behind(report: &Report) -> Option<String> {
    if !report.behind {
        return None;
    }
    let why = report.last_error.as_deref().map(|error| format!(": {}", print::safe(error)));
    let again = report.next_try_at.format("%H:%M:%S UTC");
    Some(format!(
        "GitHub has not heard yet{}; it is told again at {again}",
        why.unwrap_or_default()
    ))
}

/// `run 12 · Mend the health path · main · 3f2a1c0 · ada`
pub(super) fn head(run: &Run) -> String {
    let parts = [
        format!("run {}", run.number),
        print::cut(&run.subject, 60),
        run.of(),
        short(&run.commit).to_owned(),
        run.actor.clone(),
    ];
    let parts: Vec<String> =
        parts.iter().filter(|part| !part.is_empty()).map(|part| print::safe(part)).collect();
    parts.join(" · ")
}

/// What the compiler had to say.
pub(super) fn problems(run: &Run) {
    for found in &run.diagnostics {
        print::line(&format!(
            "  {}[{}]: {}",
            found.severity.word(),
            print::safe(&found.code),
            print::safe(&found.message)
        ));
        for line in found.excerpt.iter().flat_map(|excerpt| print::safe_lines(excerpt)) {
            print::line(&format!("    {line}"));
        }
        if let Some(help) = &found.help {
            print::line(&format!("    help: {}", print::safe(help)));
        }
    }
}

/// `deployed: http://127.0.0.1:18080 shows 3f2a1c0`, or what else became of it.
pub(crate) fn of_deployment(deployment: &Deployment) -> String {
    let commit = short(deployment.version.commit.as_str());
    let environment = print::safe(&deployment.environment);
    let reason = deployment.reason.as_deref().map(print::safe).unwrap_or_default();
    match deployment.state.as_str() {
        "live" | "superseded" => match &deployment.url {
            Some(url) => format!("deployed: {} shows {commit}", print::safe(url)),
            None => format!("deployed: {environment} has {commit}"),
        },
        "rolled_back" => format!("rolled back: {reason}"),
        "failed" => format!("deployment to {environment} failed: {reason}"),
        "unknown" => format!("deployment to {environment} is being looked into: {reason}"),
        _ => format!("deployment of {commit} to {environment}  {}", deployment.word()),
    }
}

/// `run 12 passed in 31 s`
pub(super) fn verdict(run: &Run) -> String {
    let mut text = format!("run {} {}", run.number, run.state);
    if let Some(from) = run.started_at {
        let word = if run.is_over() { "in" } else { "for" };
        let to = run.finished_at.unwrap_or_else(Utc::now);
        text.push_str(&format!(" {word} {}", print::duration(from, to)));
    }
    if let Some(reason) = &run.reason {
        text.push_str(&format!(": {}", print::safe(reason)));
    }
    text
}
