//! A run: the answer first, then where the time went.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use slipway_pipelines::language::Diagnostic;

use super::format::now;
use super::log::{self, Start, Window};
use super::outcome::{Failure, Frame, page};
use crate::db::views::deploys::{self, DeployFilter, DeployRow};
use crate::db::views::jobs::{self, JobRow, StepRow};
use crate::db::views::runs::{self, RunRow};
use crate::http::auth::Viewer;
use crate::state::Server;

/// Enough of a red command's end to see why.
const LAST_LINES: usize = 20;

#[derive(Template)]
#[template(path = "run.html")]
struct Page {
    page: Frame,
    run: RunRow,
    jobs: Vec<(JobRow, String)>,
    diagnostics: Vec<Diagnostic>,
    deployments: Vec<DeployRow>,
    first: Option<First>,
}

/// The first failing command.
struct First {
    job: i32,
    step: Option<StepRow>,
    reason: String,
    log: Window,
}

pub(super) async fn run(
    _viewer: Viewer,
    State(server): State<Arc<Server>>,
    Path((owner, name, number)): Path<(String, String, String)>,
) -> Result<Response, Failure> {
    let repo = format!("{owner}/{name}");
    let number = number.parse().map_err(|_| Failure::NotFound)?;
    let run = runs::run(&server.db, &repo, number).await?.ok_or(Failure::NotFound)?;
    let listed = jobs::of_run(&server.db, run.id).await?;
    let filter = DeployFilter { run: Some(run.id), ..DeployFilter::default() };
    let deployments = deploys::list(&server.db, &repo, &filter).await?;
    let red = listed.iter().find(|job| job.red() && !job.allow_failure);
    let first = match red {
        Some(job) => Some(first(&server, job).await?),
        None => None,
    };
    let diagnostics = serde_json::from_value(run.diagnostics.clone())
        .map_err(|error| Failure::Internal(error.into()))?;
    let mut frame = Frame::new(format!("#{number} {} · {repo}", run.subject()), Some(&repo));
    if run.open() {
        frame = frame.live(format!("/{repo}/runs/{number}/events"));
    }
    let (from, to) = (run.created_at, run.finished_at.unwrap_or_else(now));
    let jobs = listed.into_iter().map(|job| {
        let bar = job.bar(from, to);
        (job, bar)
    });
    page(&Page { page: frame, jobs: jobs.collect(), run, diagnostics, deployments, first })
}

async fn first(server: &Server, job: &JobRow) -> Result<First, Failure> {
    let reason = job.reason.clone().unwrap_or_default();
    let mut first = First { job: job.number, step: None, reason, log: Window::default() };
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
