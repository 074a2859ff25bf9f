//! A failed job's container stays for a while, for whoever wants to look into it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use slipway_pipelines::wire::{Assignment, JobOutcome, Work};

use super::attempt::Attempt;
use super::keep_rooms::Room;
use super::prepare::{Ready, sentence};
use crate::runner::Worker;
use crate::sandbox::Sandbox as _;

/// Between two looks at how much a kept container has written: what its job left running goes on.
const MEASURE: Duration = Duration::from_secs(15);

/// The job's container is up: people may have a shell in it from here on.
pub(super) fn open(attempt: &Attempt<'_>, ready: &Ready) {
    let room = Room::new(
        ready.container.clone(),
        ready.program_dir.clone(),
        attempt.build_dir.clone(),
        ready.program.steps.clone(),
    );
    attempt.worker.rooms.open(attempt.assignment.attempt, room);
}

/// The job is over: its container stays if it failed and its repo wants that, and the log says so.
pub(super) async fn decide(attempt: &Attempt<'_>, outcome: &JobOutcome) {
    let (rooms, id) = (&attempt.worker.rooms, attempt.assignment.attempt);
    let Some(room) = rooms.find(id) else { return };
    let (word, reason) = (word(outcome), sentence(outcome));
    let over = if reason.is_empty() {
        format!("The job {word}.")
    } else {
        format!("The job {word}: {reason}")
    };
    let seconds = attempt.work.keep_failed_seconds;
    let until = Utc::now() + Duration::from_secs(seconds.into());
    let wanted = seconds > 0 && is_failure(outcome);
    let lives = || attempt.engine.sandbox.is_running(&room.container);
    if wanted && lives().await.unwrap_or(false) {
        let how = how(attempt, until);
        if rooms.keep(id, until, &format!("{over} {how}")) {
            attempt.reporter.say(&format!("\n{how}"));
            attempt.held.control.end();
            return;
        }
    }
    rooms.close(id, &over);
}

fn how(attempt: &Attempt<'_>, until: DateTime<Utc>) -> String {
    let Assignment { repo, run_number, .. } = attempt.assignment;
    let (number, until) = (attempt.work.number, until.format("%H:%M UTC"));
    format!(
        "Its container is kept until {until}. A shell in it: slipway job shell {repo} \
         {run_number}.{number}"
    )
}

fn is_failure(outcome: &JobOutcome) -> bool {
    match outcome {
        JobOutcome::Failed { .. } | JobOutcome::Errored { .. } => true,
        JobOutcome::Passed | JobOutcome::Canceled { .. } => false,
    }
}

fn word(outcome: &JobOutcome) -> &'static str {
    match outcome {
        JobOutcome::Passed => "passed",
        JobOutcome::Failed { .. } => "failed",
        JobOutcome::Errored { .. } => "errored",
        JobOutcome::Canceled { .. } => "was canceled",
    }
}

/// Holds what is kept of an attempt until its time is over and nobody is in it, or it has to go.
/// Returns at once if nothing is kept. `told`: the server knows how the job ended.
pub(super) async fn hold(worker: &Worker, assignment: &Assignment, told: bool) {
    let (rooms, id) = (&worker.rooms, assignment.attempt);
    let Some(room) = rooms.find(id) else { return };
    let (Some(until), Work::Job(work), true) = (room.until(), &assignment.work, told) else {
        rooms.close(id, "The job is not this worker's any more.");
        return;
    };
    let left = (until - Utc::now()).to_std().unwrap_or_default();
    let over = async {
        tokio::time::sleep(left).await;
        room.empty().await;
    };
    tokio::select! {
        () = over => {}
        why = room.ended() => tracing::info!(attempt = %id, why, "a kept container goes"),
        () = disk(worker, assignment, work.limits.disk_bytes) => {
            tracing::warn!(attempt = %id, "a kept container wrote more than its job may");
        }
        () = worker.kill.cancelled() => {}
    }
    rooms.close(id, "The container was kept for its time, and goes now.");
}

async fn disk(worker: &Worker, assignment: &Assignment, most: u64) {
    let Some(engine) = &worker.engine else { return std::future::pending().await };
    loop {
        tokio::time::sleep(MEASURE).await;
        let written = engine.sandbox.written(assignment.attempt).await;
        if written.is_ok_and(|written| written > most) {
            return;
        }
    }
}
