//! A run: the answer first, then where the time went.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, Utc};
use slipway_pipelines::ids::RunId;
use slipway_pipelines::language::Diagnostic;
use slipway_pipelines::plan::Dropped;

use super::bars;
use super::format::{clock, duration, now};
use super::left::{self, Left};
use super::log::{self, Start, Window};
use super::outcome::{Failure, Frame, page};
use super::waits::{self, Asked};
use crate::db::views::deploys::{self, DeployFilter, DeployRow};
use crate::db::views::jobs::{self, JobRow, StepRow};
use crate::db::views::queue::{self, WorkerRow};
use crate::db::views::runs::{self, RunRow};
use crate::error::FlowError;
use crate::flow::{cancel, restart};
use crate::http::auth::Viewer;
use crate::state::Server;

/// Enough of a red command's end to see why.
const LAST_LINES: usize = 16;

/// The order in which a summary counts.
const STATES: [&str; 8] =
    ["failed", "errored", "running", "queued", "waiting", "canceled", "skipped", "passed"];

#[derive(Template)]
#[template(path = "run.html")]
struct Page {
    page: Frame,
    run: RunRow,
    waits: Option<String>,
    live: Vec<DeployRow>,
    first: Option<First>,
    diagnostics: Vec<Diagnostic>,
    dropped: Vec<Dropped>,
    unheard: Option<Unheard>,
    counts: Vec<(&'static str, usize)>,
    half: String,
    whole: String,
    stages: Vec<Stage>,
    deployments: Vec<DeployRow>,
    left: Left,
    newer: bool,
    origin: Option<i32>,
}

/// Why GitHub has not heard yet, and when it is told again.
struct Unheard {
    why: String,
    again: String,
}

/// Jobs that start together.
struct Stage {
    name: String,
    jobs: Vec<ListedJob>,
}

struct ListedJob {
    row: JobRow,
    bar: String,
    text: Option<String>,
}

/// The first failing command.
struct First {
    job: i32,
    name: String,
    step: Option<StepRow>,
    reason: String,
    log: Window,
}

/// A run's address.
pub(super) type Address = (String, String, String);

async fn find(server: &Server, (owner, name, number): &Address) -> Result<RunRow, Failure> {
    let number = number.parse().map_err(|_| Failure::NotFound)?;
    let run = runs::run(&server.db, &format!("{owner}/{name}"), number).await?;
    run.ok_or(Failure::NotFound)
}

pub(super) async fn run(
    viewer: Viewer,
    State(server): State<Arc<Server>>,
    Path(address): Path<Address>,
) -> Result<Response, Failure> {
    let run = find(&server, &address).await?;
    let listed = jobs::of_run(&server.db, run.id).await?;
    let filter = DeployFilter { run: Some(run.id), ..DeployFilter::default() };
    let deployments = deploys::list(&server.db, &run.repo, &filter).await?;
    let filter = DeployFilter { run: Some(run.id), only_live: true, ..DeployFilter::default() };
    let live = deploys::list(&server.db, &run.repo, &filter).await?;
    let red = listed.iter().filter(|job| job.red() && !job.allow_failure);
    let first = match red.min_by_key(|job| (job.finished_at, job.number)) {
        Some(job) => Some(first(&server, job).await?),
        None => None,
    };
    let told = runs::told(&server.db, run.id).await?;
    let (repo, number) = (&run.repo, run.number);
    let title = format!("{} #{number} {} · {repo}", run.reason_word(), run.subject());
    let mut frame = Frame::of(&viewer, title, Some(repo)).tab("runs");
    if run.open() {
        frame = frame.live(format!("/{repo}/runs/{number}/events")).refresh(10);
    }
    let asks = listed.iter().any(|job| job.state == "queued") || run.state == "planning";
    let workers = if asks { queue::workers(&server.db).await? } else { Vec::new() };
    let (from, to) = (run.created_at, run.finished_at.unwrap_or_else(now));
    let seconds = (to - from).num_seconds();
    let around = runs::around(&server.db, run.id).await?;
    let view = Page {
        waits: run_waits(&run, &listed, &workers),
        newer: around.newer,
        origin: around.origin,
        counts: counts(&listed),
        half: duration(seconds / 2),
        whole: duration(seconds),
        stages: stages(listed, &workers, (from, to)),
        page: frame,
        live,
        first,
        unheard: unheard(&told),
        diagnostics: told.diagnostics.0,
        dropped: told.dropped.map(|dropped| dropped.0).unwrap_or_default(),
        deployments,
        left: left::of(&server, run.id, None).await?,
        run,
    };
    page(&view)
}

/// What is under way is no news; what was refused is.
fn unheard(told: &runs::Told) -> Option<Unheard> {
    let (why, at) = (told.unheard.clone()?, told.told_again_at?);
    Some(Unheard { why: why.trim_end_matches('.').to_owned(), again: clock(at) })
}

fn run_waits(run: &RunRow, jobs: &[JobRow], workers: &[WorkerRow]) -> Option<String> {
    let none = workers.iter().all(|worker| worker.silent);
    let what = match run.state.as_str() {
        "planning" if none => "waits for a worker: none is connected".to_owned(),
        "queued" => {
            let first = jobs.iter().find(|job| job.state == "queued");
            waits::queued(first.map_or(Asked::NOTHING, Asked::from), workers)
        }
        _ => return None,
    };
    Some(format!("It {what}."))
}

fn counts(jobs: &[JobRow]) -> Vec<(&'static str, usize)> {
    let of = |state: &str| jobs.iter().filter(|job| job.state == state).count();
    STATES.iter().map(|state| (*state, of(state))).filter(|(_, count)| *count > 0).collect()
}

fn stages(
    jobs: Vec<JobRow>,
    workers: &[WorkerRow],
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Vec<Stage> {
    let texts: Vec<Option<String>> = jobs.iter().map(|job| text(job, &jobs, workers)).collect();
    let mut stages: Vec<Stage> = Vec::new();
    for (row, text) in jobs.into_iter().zip(texts) {
        let bar = bars::track(&row, from, to);
        match stages.iter_mut().find(|stage| stage.name == row.stage_name) {
            Some(stage) => stage.jobs.push(ListedJob { row, bar, text }),
            None => {
                let name = row.stage_name.clone();
                stages.push(Stage { name, jobs: vec![ListedJob { row, bar, text }] });
            }
        }
    }
    stages
}

fn text(job: &JobRow, all: &[JobRow], workers: &[WorkerRow]) -> Option<String> {
    let text = match job.state.as_str() {
        "queued" => Some(waits::queued(job.into(), workers)),
        "waiting" => Some(waits::waiting(job, all)),
        _ => job.reason.clone(),
    };
    match (job.tries(), text) {
        (Some(tries), Some(text)) => Some(format!("{tries}; {text}")),
        (tries, text) => tries.or(text),
    }
}

async fn first(server: &Server, job: &JobRow) -> Result<First, Failure> {
    let reason = job.reason.clone().unwrap_or_default();
    let (number, name) = (job.number, job.name.clone());
    let mut first = First { job: number, name, step: None, reason, log: Window::default() };
    let Some(attempt) = jobs::attempts(&server.db, job.id).await?.into_iter().next() else {
        return Ok(first);
    };
    first.step = jobs::steps(&server.db, attempt.id).await?.into_iter().find(StepRow::red);
    if let Some(step) = &first.step {
        let to = step.log_to.unwrap_or(attempt.log_length);
        first.log =
            log::window(server, &attempt, Start::Before(to, step.log_from), LAST_LINES).await?;
    }
    Ok(first)
}

/// The button of an open run. A run that ended meanwhile shows so.
pub(super) async fn cancel(
    viewer: Viewer,
    State(server): State<Arc<Server>>,
    Path(address): Path<Address>,
) -> Result<Response, Failure> {
    let run = find(&server, &address).await?;
    match cancel::cancel(&server, RunId::from(run.id), &viewer.actor).await {
        Ok(()) | Err(FlowError::Conflict(_)) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(Redirect::to(&format!("/{}/runs/{}", run.repo, run.number)).into_response())
}

/// The button of a run that is over: the same commit again, as a new run.
pub(super) async fn restart(
    viewer: Viewer,
    State(server): State<Arc<Server>>,
    Path(address): Path<Address>,
) -> Result<Response, Failure> {
    let run = find(&server, &address).await?;
    let number = restart::restart(&server, RunId::from(run.id), &viewer.actor).await?;
    Ok(Redirect::to(&format!("/{}/runs/{number}", run.repo)).into_response())
}
