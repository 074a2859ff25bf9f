//! The order of jobs: the same function decides as on a server.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::Utc;
use slipway_pipelines::ids::{AttemptNumber, JobId, JobNumber};
use slipway_pipelines::lifecycle::{JobEvent, JobState, JobView, RunEvent, RunState, ready_jobs};
use slipway_pipelines::wire::JobOutcome;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::run::Whole;
use super::{CANCELED, News, Stop};

/// Each job has one.
const ATTEMPT: AttemptNumber = AttemptNumber(1);

/// Jobs on their way.
struct Jobs {
    whole: Arc<Whole>,
    views: Vec<JobView>,
    running: JoinSet<JobOutcome>,
    /// Whose a task is.
    tasks: HashMap<Id, JobNumber>,
}

/// Runs all jobs in their order; gives what they came to.
pub(super) async fn run(whole: &Arc<Whole>, stop: &Stop) -> RunState {
    let (running, tasks) = (JoinSet::new(), HashMap::new());
    let mut jobs = Jobs { whole: Arc::clone(whole), views: views(whole), running, tasks };
    loop {
        let canceled = stop.cancel.is_cancelled();
        if canceled {
            jobs.cancel_waiting().await;
        }
        let readiness = ready_jobs(&jobs.views);
        for id in readiness.start {
            jobs.change(id, JobEvent::BecameReady).await;
        }
        for (id, reason) in readiness.skip {
            jobs.change(id, JobEvent::Skip { reason }).await;
        }
        if let Some(verdict) = readiness.verdict {
            let event = match canceled {
                true => RunEvent::Cancel { reason: CANCELED.to_owned() },
                false => RunEvent::JobsDone { verdict },
            };
            let ended = RunState::Queued.apply(event);
            return ended.unwrap_or_else(|error| RunState::Errored { reason: error.to_string() });
        }
        if !canceled {
            jobs.fill(&stop.cancel).await;
        }
        if let Some(ended) = jobs.running.join_next_with_id().await {
            jobs.ended(ended).await;
        }
    }
}

fn views(whole: &Whole) -> Vec<JobView> {
    let stages = &whole.run.plan.stages;
    let stage_name = |at: i32| {
        let stage = usize::try_from(at).ok().and_then(|at| stages.get(at));
        stage.map(|stage| stage.name.clone()).unwrap_or_default()
    };
    let view = |job: &slipway_pipelines::plan::JobPlan| JobView {
        id: JobId::from(Uuid::now_v7()),
        number: job.number,
        name: job.name.clone(),
        stage: job.stage,
        stage_name: stage_name(job.stage.0),
        allow_failure: job.allow_failure,
        needs: job.order.needs.clone(),
        state: JobState::Waiting,
    };
    whole.run.plan.jobs.iter().map(view).collect()
}

impl Jobs {
    async fn cancel_waiting(&mut self) {
        let waits = |view: &&JobView| matches!(view.state, JobState::Waiting | JobState::Queued);
        let waiting: Vec<JobId> = self.views.iter().filter(waits).map(|view| view.id).collect();
        for id in waiting {
            self.change(id, JobEvent::Cancel { reason: CANCELED.to_owned() }).await;
        }
    }

    /// Starts what is queued, as far as there is room.
    async fn fill(&mut self, cancel: &CancellationToken) {
        let most = self.whole.run.jobs_at_once.max(1);
        while self.running.len() < most {
            let next = self.views.iter().find(|view| view.state == JobState::Queued).cloned();
            let Some(next) = next else { return };
            let (attempt, worker, at) = (ATTEMPT, self.whole.worker.id, Utc::now());
            self.change(next.id, JobEvent::Claimed { attempt, worker, at }).await;
            let (whole, cancel) = (Arc::clone(&self.whole), cancel.clone());
            let number = next.number;
            let job = async move { Box::pin(whole.job(&next, cancel)).await };
            let task = self.running.spawn(job);
            self.tasks.insert(task.id(), number);
        }
    }

    async fn ended(&mut self, ended: Result<(Id, JobOutcome), JoinError>) {
        let (task, outcome) = match ended {
            Ok(ended) => ended,
            Err(error) => {
                // That is ours to mend; what it left is removed with the run.
                let reason = format!("It broke down inside Slipway: {error}.");
                (error.id(), JobOutcome::Errored { reason })
            }
        };
        let number = self.tasks.remove(&task);
        let view = self.views.iter().find(|view| Some(view.number) == number);
        if let Some(id) = view.map(|view| view.id) {
            self.change(id, JobEvent::Finished { attempt: ATTEMPT, outcome }).await;
        }
    }

    async fn change(&mut self, id: JobId, event: JobEvent) {
        let Some(view) = self.views.iter_mut().find(|view| view.id == id) else { return };
        match view.state.apply(event) {
            Ok(state) => {
                view.state = state.clone();
                let job = view.number;
                self.whole.telling.tell(News::Job { job, state }).await;
            }
            Err(error) => tracing::error!(%error, "a job's state stays"),
        }
    }
}
