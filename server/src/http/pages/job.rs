//! A job: its steps with their lines, and what it ran in.

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use slipway_pipelines::ids::AttemptId;

use super::log::{self, Line, Start};
use super::outcome::{Failure, Frame, page};
use crate::db::views::jobs::{self, AttemptRow, JobRow, StepRow};
use crate::db::views::runs::{self, RunRow};
use crate::http::auth::Viewer;
use crate::state::Server;
use crate::store::logs;

/// Lines that a page holds; earlier ones are a link away.
const LINES: usize = 2000;

/// A job's address.
pub(super) type Address = (String, String, String, String);

/// Which part of which attempt to show.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    attempt: Option<String>,
    from: Option<String>,
}

#[derive(Template)]
#[template(path = "job.html")]
struct Page {
    page: Frame,
    run: RunRow,
    job: JobRow,
    attempts: Vec<AttemptRow>,
    shown: i32,
    secrets: Vec<String>,
    steps: Vec<Section>,
    earlier: Option<i64>,
    later: Option<i64>,
    total: i64,
    end: i64,
    next: i64,
}

struct Section {
    step: Option<StepRow>,
    lines: Vec<Line>,
}

impl Section {
    fn open(&self) -> bool {
        self.step.as_ref().is_none_or(|step| step.red() || step.outcome.is_none())
    }
}

/// The run, the job and its attempts, newest first.
pub(super) async fn find(
    server: &Server,
    (owner, name, run, job): &Address,
) -> Result<(RunRow, JobRow, Vec<AttemptRow>), Failure> {
    let repo = format!("{owner}/{name}");
    let run = run.parse().map_err(|_| Failure::NotFound)?;
    let number: i32 = job.parse().map_err(|_| Failure::NotFound)?;
    let run = runs::run(&server.db, &repo, run).await?.ok_or(Failure::NotFound)?;
    let listed = jobs::of_run(&server.db, run.id).await?;
    let job = listed.into_iter().find(|job| job.number == number).ok_or(Failure::NotFound)?;
    let attempts = jobs::attempts(&server.db, job.id).await?;
    Ok((run, job, attempts))
}

fn choose(attempts: &[AttemptRow], asked: &Asked) -> Option<usize> {
    let number = asked.attempt.as_ref().and_then(|text| text.parse().ok());
    number.map_or_else(
        || (!attempts.is_empty()).then_some(0),
        |number: i32| attempts.iter().position(|attempt| attempt.number == number),
    )
}

pub(super) async fn job(
    _viewer: Viewer,
    State(server): State<Arc<Server>>,
    Path(address): Path<Address>,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let (run, job, attempts) = find(&server, &address).await?;
    let title = format!("#{}.{} {} · {}", run.number, job.number, job.name, run.repo);
    let mut view = Page {
        page: Frame::new(title, Some(&run.repo)),
        run,
        job,
        attempts,
        shown: 0,
        secrets: Vec::new(),
        steps: Vec::new(),
        earlier: None,
        later: None,
        total: 0,
        end: 0,
        next: 1,
    };
    let chosen = choose(&view.attempts, &asked).and_then(|at| view.attempts.get(at));
    if let Some(attempt) = chosen {
        let from = asked.from.as_ref().and_then(|text| text.parse::<i64>().ok());
        let start = from.map_or(Start::Before(attempt.log_length, 0), |l| Start::Line(l.max(1)));
        let window = log::window(&server, attempt, start, LINES).await?;
        let (first, last) = (window.lines.first(), window.lines.last());
        view.earlier = first.filter(|line| line.number > 1).map(|line| {
            let step = i64::try_from(LINES).unwrap_or(i64::MAX);
            (line.number - step).max(1)
        });
        view.later =
            last.filter(|line| line.number < attempt.log_lines).map(|line| line.number + 1);
        (view.shown, view.total) = (attempt.number, attempt.log_lines);
        (view.end, view.next) = (attempt.log_length, attempt.log_lines + 1);
        view.secrets = jobs::secret_names(&server.db, attempt.id).await?;
        let steps = jobs::steps(&server.db, attempt.id).await?;
        view.steps = sections(steps, window.lines);
    }
    if view.job.finished_at.is_none() {
        let (run, job) = (&view.run, &view.job);
        let events = format!("/{}/runs/{}/jobs/{}/events", run.repo, run.number, job.number);
        view.page = view.page.live(events);
    }
    page(&view)
}

/// Gives each line to the last step that began at or before it.
fn sections(steps: Vec<StepRow>, lines: Vec<Line>) -> Vec<Section> {
    let mut sections = vec![Section { step: None, lines: Vec::new() }];
    sections.extend(steps.into_iter().map(|step| Section { step: Some(step), lines: Vec::new() }));
    for line in lines {
        let at = sections
            .iter()
            .rposition(|s| s.step.as_ref().is_none_or(|step| step.log_from <= line.offset));
        if let Some(section) = sections.get_mut(at.unwrap_or(0)) {
            section.lines.push(line);
        }
    }
    sections.retain(|section| section.step.is_some() || !section.lines.is_empty());
    sections
}

pub(super) async fn raw(
    _viewer: Viewer,
    State(server): State<Arc<Server>>,
    Path(address): Path<Address>,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let (_, _, attempts) = find(&server, &address).await?;
    let attempt = choose(&attempts, &asked).and_then(|at| attempts.get(at));
    let attempt = AttemptId::from(attempt.ok_or(Failure::NotFound)?.id);
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
