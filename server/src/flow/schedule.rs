//! Which jobs may start, and what the jobs of a run come to.

use serde_json::json;
use slipway_pipelines::ids::{JobId, RunId};
use slipway_pipelines::lifecycle::{JobEvent, JobView, RunEvent, RunState, ready_jobs};

use super::FlowError;
use crate::db::assignments::{self, Kind};
use crate::db::runs::{self, Run};
use crate::db::{Tx, github_reports, jobs, notify, outbox, repos};
use crate::state::Server;

/// Moves a run on as far as its jobs allow. Doing it again changes nothing.
pub(crate) async fn advance(server: &Server, tx: &mut Tx, id: RunId) -> Result<(), FlowError> {
    let run = runs::lock(tx, id).await?;
    // With fast_finish jobs that may fail go on after the run has its verdict.
    let over = run.state.is_terminal();
    if run.state == RunState::Planning || over && !run.fast_finish {
        return Ok(());
    }
    let views = jobs::views(tx, id).await?;
    let readiness = ready_jobs(&views);
    for job in &readiness.start {
        change_job(tx, id, &views, *job, JobEvent::BecameReady).await?;
        assignments::create(tx, id, Kind::Job(*job)).await?;
    }
    for (job, reason) in readiness.skip {
        change_job(tx, id, &views, job, JobEvent::Skip { reason }).await?;
    }
    let verdict = if run.fast_finish { readiness.early_verdict } else { readiness.verdict };
    if let Some(verdict) = verdict.filter(|_| !over) {
        let event = match run.cancel {
            Some(reason) => RunEvent::Cancel { reason },
            None => RunEvent::JobsDone { verdict },
        };
        change_run(server, tx, id, event).await?;
    }
    to_github(server, tx, id).await
}

/// There is something to tell GitHub of the run. Call it last: see `db::github_reports`.
pub(crate) async fn to_github(server: &Server, tx: &mut Tx, id: RunId) -> Result<(), FlowError> {
    match &server.github {
        Some(_) => github_reports::want(tx, id).await,
        None => Ok(()),
    }
}

pub(crate) async fn change_job(
    tx: &mut Tx,
    run: RunId,
    views: &[JobView],
    id: JobId,
    event: JobEvent,
) -> Result<(), FlowError> {
    let view = views
        .iter()
        .find(|view| view.id == id)
        .ok_or_else(|| anyhow::anyhow!("job {id} is not of run {run}"))?;
    let next = view.state.apply(event)?;
    jobs::change(tx, id, run, &view.state, &next).await
}

/// Takes a run through `lifecycle`, and tells the world.
pub(crate) async fn change_run(
    server: &Server,
    tx: &mut Tx,
    id: RunId,
    event: RunEvent,
) -> Result<(), FlowError> {
    let mut run = runs::lock(tx, id).await?;
    let next = run.state.apply(event)?;
    runs::change(tx, id, &run.state, &next).await?;
    run.state = next;
    tell(server, tx, &run).await
}

/// Tells the world of a run that has just been created.
pub(crate) async fn announce(server: &Server, tx: &mut Tx, id: RunId) -> Result<(), FlowError> {
    let run = runs::lock(tx, id).await?;
    tell(server, tx, &run).await?;
    notify(tx, "slipway_run", &id.to_string()).await?;
    Ok(())
}

/// Puts the run's state into the outbox, if there is anybody to tell, and lets GitHub know.
async fn tell(server: &Server, tx: &mut Tx, run: &Run) -> Result<(), FlowError> {
    to_github(server, tx, run.id).await?;
    if server.config.notify_url.is_none() {
        return Ok(());
    }
    let repo = repos::by_id(tx, run.repo).await?;
    let payload = json!({
        "repo": repo.name,
        "run": run.number,
        "state": run.state.word(),
        "reason": run.state.reason(),
        "branch": run.trigger.event.branch(),
        "tag": run.trigger.event.tag(),
        "commit": run.trigger.commit,
        "subject": run.trigger.subject(),
        "actor": run.actor,
        "url": run_url(server, repo.name.as_str(), run.number),
    });
    outbox::add(tx, run.id, payload).await
}

/// The run's page.
pub(crate) fn run_url(
    server: &Server,
    repo: &str,
    number: slipway_pipelines::ids::RunNumber,
) -> String {
    let base = server.config.public_url.as_str().trim_end_matches('/');
    format!("{base}/{repo}/runs/{number}")
}
