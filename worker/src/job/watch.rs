//! What ends a job from outside: its limits, a full log, somebody's word.

use std::time::Duration;

use chrono::Utc;
use slipway_pipelines::wire::{JobOutcome, JobWork};
use tokio::time::Instant;

use super::control::Control;
use super::events::Reporter;

/// Returns when the job has to stop, with what it came to.
pub(super) async fn watch(work: &JobWork, reporter: &Reporter, control: &Control) -> JobOutcome {
    let whole = work
        .plan
        .timeout
        .map_or(work.limits.timeout_seconds, |own| own.as_secs().min(work.limits.timeout_seconds));
    let spent = (Utc::now() - work.started_at).to_std().unwrap_or_default();
    let left = Duration::from_secs(whole).saturating_sub(spent);
    tokio::select! {
        reason = control.reason() => JobOutcome::Canceled { reason },
        () = tokio::time::sleep(left) => errored(format!(
            "The job took longer than its limit of {whole} seconds."
        )),
        () = reporter.log.full().cancelled() => errored(format!(
            "The log limit of {} bytes is reached.", work.limits.log_bytes
        )),
        () = silence(reporter, control, Duration::from_secs(work.limits.silence_seconds)) => errored(format!(
            "No output for {} seconds.", work.limits.silence_seconds
        )),
    }
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
