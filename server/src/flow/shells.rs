//! Shells: who may have one, where, and what the audit says of it.

use std::time::Duration;

use serde_json::json;
use slipway_pipelines::ids::{JobId, RepoId, ShellId, WorkerId};
use slipway_pipelines::lifecycle::JobState;
use slipway_pipelines::wire::{KeptJob, ShellOrder, ShellQuery};

use super::FlowError;
use crate::db::repos::Repo;
use crate::db::shells::{self, Place};
use crate::db::{audit, jobs, notify, runs, workers};
use crate::state::Server;

/// Shells at once in one job.
const MOST: i64 = 4;
/// A worker that did not take a shell is offered it again.
const OFFER_AGAIN: Duration = Duration::from_secs(3);
/// A server that holds an end says so every few seconds; one that did not for so long is gone.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Asks for a shell in this job's container.
///
/// # Errors
/// [`FlowError::Conflict`] with a sentence where there is no container, or it has enough of them.
pub(crate) async fn request(
    server: &Server,
    id: ShellId,
    (repo, job): (&Repo, JobId),
    actor: &str,
    asked: &ShellQuery,
) -> Result<(), FlowError> {
    let mut tx = server.db.begin().await?;
    let Some(place) = shells::place(&mut tx, job).await? else {
        let keeps = shells::keep_failed(&mut tx, repo.id).await? > 0;
        let known = jobs::lock(&mut tx, job).await?;
        let run = runs::look(&mut tx, known.run).await?;
        let name = format!("{}.{}", run.number, known.number);
        return Err(FlowError::Conflict(nowhere(&known.state, &name, repo, keeps)));
    };
    if asked.go_on && !place.kept {
        let sentence = "The job still runs: only one that has failed can go on from there.";
        return Err(FlowError::Conflict(sentence.to_owned()));
    }
    if shells::count(&mut tx, place.attempt).await? >= MOST {
        let sentence = format!("There are {MOST} shells in this job already.");
        return Err(FlowError::Conflict(sentence));
    }
    shells::create(&mut tx, id, repo.id, &place, actor, asked).await?;
    let known = jobs::lock(&mut tx, job).await?;
    let run = runs::look(&mut tx, known.run).await?;
    let Place { kept, .. } = place;
    let detail = json!({
        "shell": id, "run": run.number, "job": known.number, "kept": kept, "continue": asked.go_on,
    });
    audit::write(&mut tx, actor, "job.shell", repo.name.as_str(), detail).await?;
    tx.commit().await?;
    Ok(())
}

/// Why there is no container to be in.
fn nowhere(state: &JobState, name: &str, repo: &Repo, keeps: bool) -> String {
    let word = state.word();
    match state {
        JobState::Waiting | JobState::Queued | JobState::Running { .. } => {
            format!("Job {name} is {word} and has no container yet: try again when it runs.")
        }
        JobState::Passed | JobState::Canceled { .. } | JobState::Skipped { .. } => {
            format!("Job {name} is {word}: only a job that runs, or has failed, has a container.")
        }
        JobState::Failed { .. } | JobState::Errored { .. } if keeps => {
            format!("Job {name} is {word}, and its container is kept no more: run it again.")
        }
        JobState::Failed { .. } | JobState::Errored { .. } => format!(
            "Job {name} is {word}, and its container is gone. To have those of failed jobs kept: \
             slipway repo set {} --keep-failed 30m, and run it again.",
            repo.name
        ),
    }
}

/// A worker says what it keeps.
///
/// # Errors
/// [`FlowError::Fenced`] when another process registered as this worker: register again.
pub(crate) async fn keeps(
    server: &Server,
    worker: WorkerId,
    generation: i32,
    kept: &[KeptJob],
) -> Result<(), FlowError> {
    let mut tx = server.db.begin().await?;
    workers::hold(&mut tx, worker, generation).await?.ok_or(FlowError::Fenced)?;
    let mut changed = shells::keeps(&mut tx, worker, kept).await?;
    changed.sort_unstable();
    changed.dedup();
    for run in changed {
        notify(&mut tx, "slipway_run", &run.to_string()).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// The shell that waits for this worker, if one does.
///
/// # Errors
/// [`FlowError::Fenced`] when another process registered as this worker: register again.
pub(crate) async fn offer(
    server: &Server,
    worker: WorkerId,
    generation: i32,
) -> Result<Option<ShellOrder>, FlowError> {
    let mut tx = server.db.begin().await?;
    workers::hold(&mut tx, worker, generation).await?.ok_or(FlowError::Fenced)?;
    let Some(waiting) = shells::offer(&mut tx, worker, OFFER_AGAIN).await? else {
        return Ok(None);
    };
    tx.commit().await?;
    Ok(Some(ShellOrder {
        shell: waiting.id,
        attempt: waiting.attempt,
        repo: waiting.repo.parse()?,
        run: waiting.run,
        job: waiting.job,
        asked: waiting.asked,
        limits: server.config.shells,
    }))
}

/// The worker holds its end.
///
/// # Errors
/// [`FlowError::NotFound`] when the shell does not wait for this worker, or no more.
pub(crate) async fn open(
    server: &Server,
    id: ShellId,
    worker: WorkerId,
    generation: i32,
) -> Result<RepoId, FlowError> {
    let mut tx = server.db.begin().await?;
    workers::hold(&mut tx, worker, generation).await?.ok_or(FlowError::Fenced)?;
    let repo = shells::open(&mut tx, id, worker).await?.ok_or(FlowError::NotFound)?;
    tx.commit().await?;
    Ok(repo)
}

/// The shell is over, for this reason. Saying it again changes nothing.
///
/// # Errors
/// When Postgres does not take it: [`tick`] closes it later.
pub(crate) async fn close(server: &Server, id: ShellId, reason: &str) -> Result<(), FlowError> {
    let mut tx = server.db.begin().await?;
    let Some(closed) = shells::close(&mut tx, id, reason).await? else { return Ok(()) };
    let detail = json!({
        "shell": id, "run": closed.run, "job": closed.job, "seconds": closed.seconds,
        "reason": reason,
    });
    audit::write(&mut tx, &closed.actor, "job.shell.end", &closed.repo, detail).await?;
    tx.commit().await?;
    Ok(())
}

/// Closes what nobody holds any more.
pub(crate) async fn tick(server: &Server) -> Result<(), FlowError> {
    for id in shells::forsaken(&server.db, PATIENCE).await? {
        close(server, id, "the server that held it ended").await?;
    }
    Ok(())
}
