//! A job: its steps with their lines, and what it ran in.

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use slipway_pipelines::ids::{AttemptId, JobId};

use super::find::{self, Found};
use super::format::{clock, count, first_upper};
use super::left::{self, Left};
use super::log::{self, Start};
use super::outcome::{Failure, Frame, page};
use super::steps::{Section, sections};
use super::waits;
use crate::db::shells;
use crate::db::views::jobs::{self, AttemptRow, JobRow, ServiceRow, StepRow};
use crate::db::views::queue;
use crate::db::views::runs::{self, RunRow};
use crate::http::auth::Viewer;
use crate::state::Server;
use crate::store::logs;

/// A log of at most so many lines is on the page as a whole; of a longer one as many around the
/// line that was asked for, or that is written now.
const LINES: usize = 250;

/// Of a longer log that is over: the end of the failure fits on a screen.
const LAST_LINES: usize = 50;

/// A job's address.
pub(super) type Address = (String, String, String, String);

/// Which part of which attempt to show.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    attempt: Option<String>,
    from: Option<String>,
    /// A text to look for in the whole log.
    find: Option<String>,
}

#[derive(Template)]
#[template(path = "job.html")]
struct Page {
    page: Frame,
    run: RunRow,
    job: JobRow,
    waits: Option<String>,
    /// Until when its container is kept.
    kept: Option<String>,
    /// How often it was tried, and why again.
    tries: Option<String>,
    attempts: Vec<AttemptRow>,
    live: bool,
    log: Log,
    found: Option<Found>,
    left: Left,
}

/// What one attempt left.
#[derive(Default)]
struct Log {
    shown: i32,
    worker: Option<String>,
    flaw: Option<String>,
    total: String,
    asked: String,
    steps: Vec<Section>,
    services: Vec<ServiceRow>,
    built: Vec<(String, String)>,
    secrets: Vec<String>,
    /// Where the live stream goes on.
    end: i64,
    next: i64,
}

/// The run, all its jobs, and the place of the one in the address among them.
async fn find_among(
    server: &Server,
    (owner, name, run, job): &Address,
) -> Result<(RunRow, Vec<JobRow>, usize), Failure> {
    let repo = format!("{owner}/{name}");
    let run = run.parse().map_err(|_| Failure::NotFound)?;
    let number: i32 = job.parse().map_err(|_| Failure::NotFound)?;
    let run = runs::run(&server.db, &repo, run).await?.ok_or(Failure::NotFound)?;
    let listed = jobs::of_run(&server.db, run.id).await?;
    let at = listed.iter().position(|job| job.number == number).ok_or(Failure::NotFound)?;
    Ok((run, listed, at))
}

/// The run, the job and its attempts, newest first.
pub(super) async fn whole(
    server: &Server,
    address: &Address,
) -> Result<(RunRow, JobRow, Vec<AttemptRow>), Failure> {
    let (run, mut listed, at) = find_among(server, address).await?;
    let job = listed.swap_remove(at);
    let attempts = jobs::attempts(&server.db, job.id).await?;
    Ok((run, job, attempts))
}

/// The attempt asked for, else the latest.
pub(super) fn choose<'a>(
    attempts: &'a [AttemptRow],
    asked: Option<&str>,
) -> Option<&'a AttemptRow> {
    match asked.and_then(|text| text.parse::<i32>().ok()) {
        None => attempts.first(),
        Some(number) => attempts.iter().find(|attempt| attempt.number == number),
    }
}

pub(super) async fn job(
    viewer: Viewer,
    State(server): State<Arc<Server>>,
    Path(address): Path<Address>,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let (run, mut listed, at) = find_among(&server, &address).await?;
    let waits = match listed.get(at) {
        Some(job) => waits_for(&server, job, &listed).await?,
        None => None,
    };
    let job = listed.swap_remove(at);
    let kept = shells::kept_until(&server.db, JobId::from(job.id)).await?.map(clock);
    let attempts = jobs::attempts(&server.db, job.id).await?;
    let chosen = choose(&attempts, asked.attempt.as_deref());
    let log = match chosen {
        Some(attempt) => read(&server, attempt, asked.from.as_deref()).await?,
        None => Log::default(),
    };
    let wanted = asked.find.filter(|text| !text.is_empty());
    let found = match chosen.zip(wanted) {
        Some((attempt, text)) => Some(find::find(&server, attempt, &text).await?),
        None => None,
    };
    let title =
        format!("{} {}.{} {} · {}", job.reason_word(), run.number, job.number, job.name, run.repo);
    let mut frame = Frame::of(&viewer, title, Some(&run.repo)).tab("runs");
    // An older attempt is at rest while a newer one runs.
    let latest = attempts.first().is_none_or(|attempt| attempt.number == log.shown);
    let live = !job.over() && latest;
    if !job.over() {
        let events = format!("/{}/runs/{}/jobs/{}/events", run.repo, run.number, job.number);
        frame = if latest { frame.live(events).refresh(30) } else { frame };
    }
    let left = left::of(&server, run.id, Some(job.number)).await?;
    let tries = tries(&job, &attempts);
    page(&Page { page: frame, run, job, waits, kept, tries, attempts, live, log, found, left })
}

/// `Attempt 2 of 3: the first failed because …`
fn tries(job: &JobRow, attempts: &[AttemptRow]) -> Option<String> {
    let tries = first_upper(&job.tries()?);
    // Newest first: the one before the latest.
    let before = attempts.get(1)?;
    let which = if before.number == 1 { "the first" } else { "the one before" };
    let how = match before.state.as_str() {
        "failed" => "failed",
        "lost" => "was lost",
        _ => "could not be done",
    };
    let why = before.reason.as_deref().unwrap_or_default();
    Some(format!("{tries}: {which} {how}: {why}"))
}

async fn waits_for(
    server: &Server,
    job: &JobRow,
    listed: &[JobRow],
) -> Result<Option<String>, Failure> {
    let what = match job.state.as_str() {
        "queued" => {
            let before = queue::before(&server.db, job.id).await?;
            let what = waits::queued(job.into(), &queue::workers(&server.db).await?);
            match before {
                0 => what,
                1 => format!("{what}; one job is before it"),
                _ => format!("{what}; {before} jobs are before it"),
            }
        }
        "waiting" => waits::waiting(job, listed),
        _ => return Ok(None),
    };
    Ok(Some(format!("It {what}.")))
}

async fn read(server: &Server, attempt: &AttemptRow, from: Option<&str>) -> Result<Log, Failure> {
    let steps = jobs::steps(&server.db, attempt.id).await?;
    let asked = from.and_then(|text| text.trim().parse::<i64>().ok()).map(|line| line.max(1));
    let short = attempt.log_lines <= i64::try_from(LINES).unwrap_or(0);
    let (start, limit) = match asked {
        // Some lines before, so that one sees where one is.
        Some(line) => (Start::Line((line - 20).max(1)), LINES),
        None if short => (Start::Line(1), LINES + 1),
        None => {
            let limit = if attempt.finished_at.is_some() { LAST_LINES } else { LINES };
            (Start::Before(end_of_interest(&steps, attempt), 0), limit)
        }
    };
    let window = log::window(server, attempt, start, limit).await?;
    let offsets: Vec<i64> = steps.iter().map(|step| step.log_from).collect();
    let first_lines = log::lines_at(server, attempt, &offsets).await?;
    let last = window.lines.last().map_or(0, |line| line.number).max(attempt.log_lines);
    let steps = sections(steps, &first_lines, last, window.lines, asked.is_some());
    Ok(Log {
        shown: attempt.number,
        worker: Some(attempt.worker.clone()),
        flaw: attempt.log_flaw.clone(),
        total: count(last),
        asked: asked.map(|line| line.to_string()).unwrap_or_default(),
        steps,
        services: jobs::services(&server.db, attempt.id).await?,
        built: jobs::built(&server.db, attempt.id).await?,
        secrets: jobs::secret_names(&server.db, attempt.id).await?,
        end: attempt.log_length,
        next: attempt.log_lines + 1,
    })
}

/// The page opens where this byte is: the end of the first red step, else the end of the log.
fn end_of_interest(steps: &[StepRow], attempt: &AttemptRow) -> i64 {
    let red = steps.iter().find(|step| step.red());
    red.and_then(|step| step.log_to).unwrap_or(attempt.log_length)
}

pub(super) async fn raw(
    _viewer: Viewer,
    State(server): State<Arc<Server>>,
    Path(address): Path<Address>,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let (_, _, attempts) = whole(&server, &address).await?;
    let attempt = choose(&attempts, asked.attempt.as_deref()).ok_or(Failure::NotFound)?;
    let attempt = AttemptId::from(attempt.id);
    // Piece by piece: a log may be larger than what we want in memory.
    let pieces = futures::stream::try_unfold(0_u64, move |at| {
        let server = Arc::clone(&server);
        async move {
            let (piece, _, _) = logs::read(&server, attempt, at, u64::MAX).await?;
            let next = at + piece.len() as u64;
            Ok::<_, crate::error::FlowError>((!piece.is_empty()).then_some((piece, next)))
        }
    });
    let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    Ok((kind, Body::from_stream(pieces)).into_response())
}

/// Which lines of which attempt.
#[derive(Debug, Deserialize)]
pub(super) struct Part {
    attempt: Option<String>,
    from: i64,
    to: i64,
}

/// Some lines as HTML, at most 1,000: what a page fetches where somebody scrolls.
pub(super) async fn lines(
    _viewer: Viewer,
    State(server): State<Arc<Server>>,
    Path(address): Path<Address>,
    part: Result<Query<Part>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Failure> {
    const MOST: i64 = 1000;
    let Query(part) = part.map_err(|_| Failure::NotFound)?;
    let (_, _, attempts) = whole(&server, &address).await?;
    let attempt = choose(&attempts, part.attempt.as_deref()).ok_or(Failure::NotFound)?;
    let from = part.from.max(1);
    let limit = usize::try_from((part.to - from + 1).clamp(0, MOST)).unwrap_or(0);
    let window = log::window(&server, attempt, Start::Line(from), limit).await?;
    let kind = [(header::CACHE_CONTROL, "no-store")];
    Ok((kind, axum::response::Html(log::html(&window.lines))).into_response())
}
