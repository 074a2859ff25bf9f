//! A plan becomes jobs, in one transaction. The worker's word is checked again.

use slipway_pipelines::ids::RunId;
use slipway_pipelines::lifecycle::{RunEvent, RunState};
use slipway_pipelines::names::CommitSha;
use slipway_pipelines::plan::{Plan, Trigger, TriggerEvent};
use slipway_pipelines::wire::{PlanReport, PlanResult};

use super::{FlowError, schedule};
use crate::db::{Tx, jobs, runs};
use crate::github::skip_mark::skip_mark;
use crate::state::Server;

/// Travis' limit of jobs in one build.
const MAX_JOBS: usize = 200;

/// Stores what planning found; a run that was canceled meanwhile stays so.
pub(crate) async fn store(
    server: &Server,
    tx: &mut Tx,
    id: RunId,
    report: &PlanReport,
) -> Result<(), FlowError> {
    let run = runs::lock(tx, id).await?;
    if run.state != RunState::Planning {
        return Ok(());
    }
    let mut trigger = run.trigger;
    if trigger.message.is_empty() {
        trigger.message = report.message.clone().unwrap_or_default();
    }
    if trigger.author.is_empty() {
        trigger.author = report.author.clone().unwrap_or_default();
    }
    if let Some(merge) = merge_commit(&trigger, report) {
        trigger.commit = merge;
    }
    // Who asks for a run, a re-run or one by the clock wants it whatever the commit says.
    let asked_for = run.is_rerun
        || matches!(trigger.event, TriggerEvent::Api { .. } | TriggerEvent::Cron { .. });
    let mark = if asked_for { None } else { skip_mark(&trigger.message) };
    let (event, plan) = decide(&report.result, mark);
    runs::planned(tx, id, &trigger, plan, &report.diagnostics).await?;
    for job in plan.iter().flat_map(|plan| &plan.jobs) {
        let stage = usize::try_from(job.stage.0).unwrap_or(usize::MAX);
        let name = plan.and_then(|plan| plan.stages.get(stage)).map_or("", |stage| &stage.name);
        jobs::create(tx, id, name, job).await?;
    }
    schedule::change_run(server, tx, id, event).await?;
    schedule::advance(server, tx, id).await
}

/// The merge that the forge made of a pull request. A re-run has one already, and keeps it.
fn merge_commit(trigger: &Trigger, report: &PlanReport) -> Option<CommitSha> {
    let pull = trigger.event.pull_request()?;
    report.merge_commit.clone().filter(|_| trigger.commit == pull.head)
}

fn decide(result: &PlanResult, mark: Option<String>) -> (RunEvent, Option<&Plan>) {
    // A delivery does not always carry the message; the commit does.
    if let Some(mark) = mark {
        return (RunEvent::NothingToDo { reason: format!("the commit message says {mark}") }, None);
    }
    match result {
        PlanResult::Planned { plan } => match flaw(plan) {
            None => (RunEvent::Planned, Some(plan)),
            Some(reason) => (RunEvent::PlanErrored { reason }, None),
        },
        PlanResult::Nothing { reason } => (RunEvent::NothingToDo { reason: reason.clone() }, None),
        PlanResult::Errored { reason } => (RunEvent::PlanErrored { reason: reason.clone() }, None),
    }
}

fn flaw(plan: &Plan) -> Option<String> {
    if plan.jobs.is_empty() {
        return Some("the plan has no job".to_owned());
    }
    if plan.jobs.len() > MAX_JOBS {
        let count = plan.jobs.len();
        return Some(format!("the file asks for {count} jobs; a run has at most {MAX_JOBS}"));
    }
    let ordered = plan.jobs.iter().zip(1..).all(|(job, number)| job.number.0 == number);
    let staged = plan
        .jobs
        .iter()
        .all(|job| usize::try_from(job.stage.0).is_ok_and(|stage| stage < plan.stages.len()));
    (!ordered || !staged).then(|| "the plan's jobs or stages are out of order".to_owned())
}
