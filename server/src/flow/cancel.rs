//! Somebody stops a run, or one job of it.

use serde_json::json;
use slipway_pipelines::ids::{JobId, RunId};
use slipway_pipelines::lifecycle::{JobEvent, JobState, RunEvent, RunState};

use super::{FlowError, deploys, schedule};
use crate::db::{assignments, audit, jobs, repos, runs};
use crate::state::Server;

/// Cancels what has not started, and asks the workers to stop the rest; canceling a run that is
/// over is a conflict.
///
/// # Errors
/// [`FlowError::NotFound`], or [`FlowError::Conflict`] when the run is over.
pub async fn cancel(server: &Server, id: RunId, actor: &str) -> Result<(), FlowError> {
    let reason = format!("canceled by {actor}");
    let mut tx = server.db.begin().await?;
    assignments::cancel(&mut tx, id, &reason).await?;
    let run = runs::lock(&mut tx, id).await?;
    let views = jobs::views(&mut tx, id).await?;
    let stopped = deploys::stop(&mut tx, id, None, &reason).await?;
    // With fast_finish jobs go on after the run has its verdict, and a deployment waits for its
    // approval: those can be stopped still.
    let over = run.state.is_terminal() && views.iter().all(|view| view.state.is_terminal());
    if over && stopped == 0 {
        let state = run.state.word();
        return Err(FlowError::Conflict(format!("run {} is {state} already", run.number)));
    }
    runs::cancel(&mut tx, id, &reason).await?;
    let repo = repos::by_id(&mut tx, run.repo).await?;
    for view in views {
        match view.state {
            JobState::Waiting | JobState::Queued => {
                let next = view.state.apply(JobEvent::Cancel { reason: reason.clone() })?;
                jobs::change(&mut tx, view.id, id, &view.state, &next).await?;
            }
            // The worker stops it and says so; if it does not, the reaper speaks for it.
            JobState::Running { .. } => {}
            JobState::Passed
            | JobState::Failed { .. }
            | JobState::Errored { .. }
            | JobState::Canceled { .. }
            | JobState::Skipped { .. } => {}
        }
    }
    if run.state == RunState::Planning {
        schedule::change_run(server, &mut tx, id, RunEvent::Cancel { reason }).await?;
    } else {
        schedule::advance(server, &mut tx, id).await?;
    }
    if stopped > 0 {
        schedule::to_github(server, &mut tx, id).await?;
    }
    let detail = json!({ "run": run.number, "deployments": stopped });
    audit::write(&mut tx, actor, "run.cancel", repo.name.as_str(), detail).await?;
    tx.commit().await?;
    Ok(())
}

/// Cancels one job: before it starts at once, else through its worker.
///
/// # Errors
/// [`FlowError::NotFound`], or [`FlowError::Conflict`] when the job is over.
pub async fn cancel_job(server: &Server, id: JobId, actor: &str) -> Result<(), FlowError> {
    let reason = format!("canceled by {actor}");
    let mut tx = server.db.begin().await?;
    // As everywhere: assignment, job, run.
    if let Some(assignment) = assignments::lock_of_job(&mut tx, id).await? {
        assignments::cancel_one(&mut tx, assignment, &reason).await?;
    }
    let job = jobs::lock(&mut tx, id).await?;
    let stopped = deploys::stop(&mut tx, job.run, Some(id), &reason).await?;
    match job.state {
        JobState::Waiting | JobState::Queued => {
            let next = job.state.apply(JobEvent::Cancel { reason })?;
            jobs::change(&mut tx, id, job.run, &job.state, &next).await?;
            schedule::advance(server, &mut tx, job.run).await?;
        }
        JobState::Running { .. } => {}
        JobState::Passed
        | JobState::Failed { .. }
        | JobState::Errored { .. }
        | JobState::Canceled { .. }
        | JobState::Skipped { .. }
            if stopped > 0 => {}
        JobState::Passed
        | JobState::Failed { .. }
        | JobState::Errored { .. }
        | JobState::Canceled { .. }
        | JobState::Skipped { .. } => {
            let state = job.state.word();
            return Err(FlowError::Conflict(format!("job {} is {state} already", job.number)));
        }
    }
    if stopped > 0 {
        schedule::to_github(server, &mut tx, job.run).await?;
    }
    let run = runs::look(&mut tx, job.run).await?;
    let repo = repos::by_id(&mut tx, run.repo).await?;
    let detail = json!({ "run": run.number, "job": job.number, "deployments": stopped });
    audit::write(&mut tx, actor, "job.cancel", repo.name.as_str(), detail).await?;
    tx.commit().await?;
    Ok(())
}
