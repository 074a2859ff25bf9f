//! Another attempt of a job, because its file asks for it (`retry:`).

use std::time::Duration;

use slipway_pipelines::ids::AttemptId;
use slipway_pipelines::lifecycle::{Ending, JobEvent};
use slipway_pipelines::wire::JobOutcome;

use super::FlowError;
use crate::db::assignments::{self, Again, Assignment};
use crate::db::jobs::{self, Job};
use crate::db::{Tx, attempts};

/// Before the next try: whatever ended the last one gets time to pass.
pub(super) const PAUSE: Duration = Duration::from_secs(1);
/// The longest pause before a try after something that was not the job's fault.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Puts the job back into the queue if its file wants that after this end of an attempt, and says
/// whether it did. The attempt itself has ended already.
pub(super) async fn after(
    tx: &mut Tx,
    job: &Job,
    assignment: &Assignment,
    attempt: AttemptId,
    outcome: &JobOutcome,
) -> Result<bool, FlowError> {
    if job.plan.order.retry.is_none() {
        return Ok(false);
    }
    let ending = Ending::of(outcome, &attempts::steps(tx, attempt).await?);
    if !wanted(job, assignment, &ending) || attempts::began_deploy(tx, attempt).await? {
        return Ok(false);
    }
    again(tx, job, assignment, &ending, false).await?;
    Ok(true)
}

/// The same after a lost attempt, which has begun no deploy.
pub(super) async fn after_loss(
    tx: &mut Tx,
    job: &Job,
    assignment: &Assignment,
) -> Result<bool, FlowError> {
    let ending = Ending::Infrastructure;
    if !wanted(job, assignment, &ending) {
        return Ok(false);
    }
    again(tx, job, assignment, &ending, true).await?;
    Ok(true)
}

/// What somebody wants stopped is not tried again.
fn wanted(job: &Job, assignment: &Assignment, ending: &Ending) -> bool {
    let tried = u32::try_from(assignment.retried).unwrap_or(u32::MAX);
    let policy = job.plan.order.retry.as_ref();
    assignment.cancel.is_none() && policy.is_some_and(|policy| policy.wants(tried, ending))
}

async fn again(
    tx: &mut Tx,
    job: &Job,
    assignment: &Assignment,
    ending: &Ending,
    lost: bool,
) -> Result<(), FlowError> {
    let next = job.state.apply(JobEvent::TryAgain { attempt: assignment.attempt })?;
    jobs::change(tx, job.id, job.run, &job.state, &next).await?;
    jobs::start_anew(tx, job.id).await?;
    let delay = pause(assignment.retried, ending);
    tracing::info!(job = %job.id, attempt = %assignment.attempt, ?ending, "the job is tried again");
    assignments::requeue(tx, assignment.id, Again { lost, asked: true, delay }).await
}

/// A registry or network that is away needs longer each time; a flaky test does not.
fn pause(retried: i32, ending: &Ending) -> Duration {
    match ending {
        Ending::Settled | Ending::Commands { .. } => PAUSE,
        Ending::Infrastructure => {
            let times = u32::try_from(retried).unwrap_or(u32::MAX).min(4);
            (PAUSE * 5_u32.pow(times)).min(LONGEST_PAUSE)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_where_the_machine_is_to_blame_and_are_bounded() {
        let seconds = |retried| pause(retried, &Ending::Infrastructure).as_secs();
        assert_eq!([0, 1, 2, 3, 9].map(seconds), [1, 5, 25, 60, 60]);
        assert_eq!(pause(7, &Ending::Commands { codes: vec![1] }), PAUSE);
    }
}
