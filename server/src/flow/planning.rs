//! A plan becomes jobs, in one transaction. The worker's word is checked again.

use slipway_pipelines::ids::RunId;
use slipway_pipelines::lifecycle::{RunEvent, RunState};
use slipway_pipelines::names::{CommitSha, WorkerLabel};
use slipway_pipelines::plan::{Dialect, JobPlan, Plan, Trigger, TriggerEvent};
use slipway_pipelines::wire::{PlanReport, PlanResult};

use super::{FlowError, room, schedule};
use crate::db::{Tx, jobs, runs, workers};
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
    let (event, plan) = match plan {
        Some(plan) => runnable(tx, event, plan).await?,
        None => (event, None),
    };
    runs::planned(tx, id, &trigger, plan.as_ref(), &report.diagnostics).await?;
    for job in plan.iter().flat_map(|plan| &plan.jobs) {
        let stage = usize::try_from(job.stage.0).unwrap_or(usize::MAX);
        let stages = plan.as_ref().map(|plan| plan.stages.as_slice()).unwrap_or_default();
        let name = stages.get(stage).map_or("", |stage| &stage.name);
        jobs::create(tx, id, name, job, memory_mib(server, job)).await?;
    }
    schedule::change_run(server, tx, id, event).await?;
    schedule::advance(server, tx, id).await
}

/// What a job counts where workers share their memory out: what it asks for, as far as the
/// operator gives it. None that it asks for: nothing, and a worker gives it an equal share.
fn memory_mib(server: &Server, job: &JobPlan) -> i32 {
    let asked = job.machine.resources.memory;
    asked.map_or(0, |memory| room::rounded_mib(memory.min(server.config.limits.memory_bytes)))
}

/// Travis leaves out what no machine of its own can run; so a file of Travis' does here. Another
/// file's jobs wait, and say for which worker.
async fn runnable(
    tx: &mut Tx,
    event: RunEvent,
    plan: &Plan,
) -> Result<(RunEvent, Option<Plan>), FlowError> {
    let foreign = plan.jobs.iter().any(|job| job.machine.requires().is_some());
    if Dialect::of(&plan.file) == Dialect::Ci || !foreign {
        return Ok((event, Some(plan.clone())));
    }
    let labels = workers::known_labels(tx).await?;
    let labels: Vec<WorkerLabel> = labels.iter().filter_map(|it| it.parse().ok()).collect();
    let kept = plan.clone().keep_runnable(&labels);
    let nothing = "no worker can run any of its jobs: they are for other processors";
    let event = match kept {
        Some(_) => event,
        None => RunEvent::NothingToDo { reason: nothing.to_owned() },
    };
    Ok((event, kept))
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
    if !ordered || !staged {
        return Some("the plan's jobs or stages are out of order".to_owned());
    }
    let count = i32::try_from(plan.jobs.len()).unwrap_or(i32::MAX);
    let sound = |job: &JobPlan| {
        job.order.needs.iter().all(|need| (1..=count).contains(&need.0) && *need != job.number)
    };
    let unsound = plan.jobs.iter().find(|job| !sound(job))?;
    Some(format!("the job {} needs one that the plan does not have", unsound.number))
}
