//! Following a run: a line for each thing that changes, until nothing does.

use std::collections::HashMap;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use slipway_pipelines::names::RepoName;
use slipway_pipelines::wire::api::{Run, WholeRun};
use tokio::time::Instant;

use super::show;
use crate::api::{Api, patiently};
use crate::commands::attempts;
use crate::print;

/// It could not be followed: none of the codes that tell how a run ended.
const NOT_FOLLOWED: u8 = 10;
const POLL: Duration = Duration::from_millis(500);
/// A push is told to the server by a hook, and decided soon after.
const APPEARS_WITHIN: Duration = Duration::from_secs(60);

/// The newest run of a commit; waited for.
pub(super) async fn of_commit(api: &Api, repo: &RepoName, commit: &str) -> Result<i32> {
    let deadline = Instant::now() + APPEARS_WITHIN;
    while Instant::now() < deadline {
        let path = format!("{repo}/runs?limit=100");
        let runs: Vec<Run> = patiently(async || api.get(&path).await).await?;
        if let Some(run) = runs.iter().find(|run| run.commit.starts_with(commit)) {
            return Ok(run.number);
        }
        tokio::time::sleep(POLL).await;
    }
    bail!("no run of {commit} began within {} s", APPEARS_WITHIN.as_secs())
}

/// Prints what happens until the run and its deployments have ended.
pub(in crate::commands) async fn follow(
    api: &Api,
    repo: &RepoName,
    number: i32,
) -> Result<ExitCode> {
    let path = format!("{repo}/runs/{number}");
    let mut whole = first(api, &path, number).await?;
    print::line(&show::head(&whole.run));
    print::line(&format!("  {}", api.page(&path)));
    let mut told = Told::default();
    loop {
        told.news(&whole);
        if whole.run.is_over() && !whole.deployments.iter().any(|one| one.moves()) {
            break;
        }
        tokio::time::sleep(POLL).await;
        whole = patiently(async || api.get(&path).await).await?;
    }
    show::problems(&whole.run);
    print::line(&show::verdict(&whole.run));
    Ok(ExitCode::from(code(&whole.run.state)))
}

/// What could not be followed is said, and has an exit code of its own.
pub(in crate::commands) fn watched(followed: Result<ExitCode>) -> ExitCode {
    followed.unwrap_or_else(|error| {
        crate::complain(&error);
        ExitCode::from(NOT_FOLLOWED)
    })
}

/// The exit code that tells how a run or a job ended.
pub(in crate::commands) fn code(state: &str) -> u8 {
    match state {
        "passed" | "skipped" => 0,
        "failed" => 1,
        "errored" => 2,
        "canceled" => 3,
        _ => NOT_FOLLOWED,
    }
}

async fn first(api: &Api, path: &str, number: i32) -> Result<WholeRun> {
    let deadline = Instant::now() + APPEARS_WITHIN;
    loop {
        if let Some(whole) = patiently(async || api.find(path).await).await? {
            return Ok(whole);
        }
        if Instant::now() >= deadline {
            bail!("run {number} did not begin within {} s", APPEARS_WITHIN.as_secs());
        }
        tokio::time::sleep(POLL).await;
    }
}

/// The last line told of each thing.
#[derive(Default)]
struct Told(HashMap<String, String>);

impl Told {
    fn news(&mut self, whole: &WholeRun) {
        if !whole.run.is_over() {
            self.tell("run".to_owned(), whole.run.state.clone());
        }
        for job in &whole.jobs {
            // What waits for a stage is told when it no longer does.
            if job.state != "waiting" {
                let line = attempts::of_job(whole.run.number, job);
                self.tell(format!("job {}", job.number), line);
            }
        }
        for deployment in whole.deployments.iter().rev() {
            self.tell(deployment.id.to_string(), show::of_deployment(deployment));
        }
    }

    fn tell(&mut self, thing: String, line: String) {
        if self.0.get(&thing) != Some(&line) {
            print::line(&format!("  {line}"));
            self.0.insert(thing, line);
        }
    }
}
