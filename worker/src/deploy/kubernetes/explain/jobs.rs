//! Jobs that failed.

use serde_json::Value;
use slipway_pipelines::wire::FindingCode;

use super::cause::Cause;
use super::read::{condition, number, text};

/// The cause where the cluster gave the job up.
pub(super) fn cause(job: &Value) -> Option<Cause> {
    let told = [condition(job, "Failed"), condition(job, "FailureTarget")];
    let told = told.into_iter().flatten().find(|one| text(one, "/status") == "True")?;
    let cause = if text(told, "/reason") == "DeadlineExceeded" {
        let seconds = number(job, "/spec/activeDeadlineSeconds");
        Cause::fatal(
            FindingCode::JobDeadlineExceeded,
            format!("the job ran longer than its {seconds} seconds"),
            "Raise activeDeadlineSeconds, or make the work shorter.",
        )
    } else {
        let failed = number(job, "/status/failed");
        let limit = job.pointer("/spec/backoffLimit").and_then(Value::as_i64).unwrap_or(6);
        Cause::fatal(
            FindingCode::JobBackoffLimitExceeded,
            format!("{failed} pods of the job failed, and it may try {limit} times again"),
            "Read the log of its pod; deploy again once it is corrected.",
        )
    };
    Some(cause.condition(told))
}
