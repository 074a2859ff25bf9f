//! What ends a job from outside: its limits, a full log, somebody's word.

use std::time::Duration;

use chrono::Utc;
use slipway_pipelines::wire::JobOutcome;
use tokio::time::Instant;

use super::attempt::Attempt;
use super::control::Control;
use super::engine;
use super::events::Reporter;
use crate::sandbox::Sandbox as _;

/// Between two looks at how much was written.
const MEASURE: Duration = Duration::from_secs(5);
/// Measuring walks all files: it takes at most this part of the time.
const SHARE: u32 = 20;

/// Returns when the job has to stop, with what it came to.
pub(super) async fn watch(attempt: &Attempt<'_>) -> JobOutcome {
    let (work, reporter) = (attempt.work, &attempt.reporter);
    let (plan, limits, control) = (&work.plan, &work.limits, &attempt.held.control);
    // The file may ask for less than the operator gives, never for more.
    let shorter = |own: Option<Duration>, most| own.map_or(most, |own| own.as_secs().min(most));
    let whole = shorter(plan.timeout, limits.timeout_seconds);
    let quiet = shorter(plan.silence, limits.silence_seconds);
    let spent = (Utc::now() - work.started_at).to_std().unwrap_or_default();
    let left = Duration::from_secs(whole).saturating_sub(spent);
    tokio::select! {
        reason = control.reason() => JobOutcome::Canceled { reason },
        () = tokio::time::sleep(left) => errored(format!(
            "The job took longer than its limit of {}.", seconds(whole)
        )),
        () = reporter.log.full().cancelled() => errored(format!(
            "The log limit of {} bytes is reached.", limits.log_bytes
        )),
        () = silence(reporter, control, Duration::from_secs(quiet)) => errored(format!(
            "No output for {}.", seconds(quiet)
        )),
        written = disk(attempt, limits.disk_bytes) => errored(format!(
            "The job wrote {} to disk; its limit is {}.",
            mebibytes(written), mebibytes(limits.disk_bytes)
        )),
    }
}

/// Returns when the containers have written more than they may, with how much that is.
async fn disk(attempt: &Attempt<'_>, most: u64) -> u64 {
    let mut pause = MEASURE;
    loop {
        tokio::time::sleep(pause).await;
        let began = Instant::now();
        match attempt.engine.sandbox.written(attempt.assignment.attempt).await {
            Ok(written) => {
                let written = written + engine::written(attempt).await;
                if written > most {
                    return written;
                }
            }
            Err(error) => tracing::debug!(%error, "a job's disk is not measured"),
        }
        pause = MEASURE.max(began.elapsed() * SHARE);
    }
}

fn seconds(count: u64) -> String {
    format!("{count} second{}", if count == 1 { "" } else { "s" })
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1024 * 1024))
}

async fn silence(reporter: &Reporter, control: &Control, longest: Duration) {
    let mut seen = reporter.log.length();
    let mut since = Instant::now();
    while since.elapsed() < longest {
        tokio::time::sleep(Duration::from_secs(1).min(longest)).await;
        let now = reporter.log.length();
        // What stands still because of us is not silent.
        if now != seen || control.is_frozen() || reporter.log.is_backed_up() {
            seen = now;
            since = Instant::now();
        }
    }
}

fn errored(reason: String) -> JobOutcome {
    JobOutcome::Errored { reason }
}
