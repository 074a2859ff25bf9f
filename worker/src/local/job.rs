//! One job of a run without a server.

use chrono::Utc;
use slipway_pipelines::ids::{AttemptId, AttemptNumber, RunNumber};
use slipway_pipelines::lifecycle::JobView;
use slipway_pipelines::plan::{EnvVar, JobPlan, SecretScope};
use slipway_pipelines::wire::{
    Assignment, GitSource, JobOutcome, JobWork, Secret, SecretText, Trust, Work,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::run::Whole;
use super::sink::LocalSink;
use super::{CANCELED, KeptJob, NO_DEPLOYS, News};
use crate::job::{Here, Outside, alone};
use crate::sandbox::Sandbox as _;
use crate::script::quoted;

impl Whole {
    /// Runs one job to its end.
    pub(super) async fn job(&self, view: &JobView, cancel: CancellationToken) -> JobOutcome {
        let Some(plan) = self.run.plan.jobs.iter().find(|plan| plan.number == view.number) else {
            return JobOutcome::Errored { reason: "It is not in the plan.".to_owned() };
        };
        let assignment = self.assignment(view, plan);
        let sink = LocalSink::new();
        let blobs = self.store.of(view.number, &self.telling);
        let here = Here { folder: &self.folder, no_deploys: NO_DEPLOYS };
        let outside = Outside { sink: &sink, blobs: &blobs, here: Some(here) };
        let canceled = async {
            cancel.cancelled().await;
            CANCELED.to_owned()
        };
        let running = async {
            let stays = || self.stays(&sink);
            let ended = alone(&self.worker, &assignment, outside, canceled, stays).await;
            sink.close();
            ended
        };
        let (ended, ()) = tokio::join!(Box::pin(running), sink.tell(view.number, &self.telling));
        if self.stays(&sink) {
            self.kept(view, assignment.attempt).await;
        }
        match (sink.outcome(), ended) {
            (Some(outcome), _) => outcome,
            (None, Ok(())) => JobOutcome::Errored { reason: "It has no end.".to_owned() },
            (None, Err(error)) => JobOutcome::Errored { reason: format!("{error:#}.") },
        }
    }

    fn stays(&self, sink: &LocalSink) -> bool {
        self.run.keep_failed
            && match sink.outcome() {
                Some(JobOutcome::Failed { .. } | JobOutcome::Errored { .. }) => true,
                Some(JobOutcome::Passed | JobOutcome::Canceled { .. }) | None => false,
            }
    }

    async fn kept(&self, view: &JobView, attempt: AttemptId) {
        let Some(engine) = &self.worker.engine else { return };
        let Ok(mut containers) = engine.sandbox.of_attempt(attempt).await else { return };
        // Those beside the job's own come first; people want its own.
        containers.reverse();
        if !containers.is_empty() {
            let kept = KeptJob {
                job: view.number,
                containers,
                network: engine.sandbox.network(),
                folder: self.build_dir.clone(),
            };
            self.telling.tell(News::Kept(kept)).await;
        }
    }

    fn assignment(&self, view: &JobView, plan: &JobPlan) -> Assignment {
        let mut plan = plan.clone();
        // The last word is that of who types.
        plan.env.extend(
            self.run
                .env
                .iter()
                .map(|EnvVar { name, value }| EnvVar { name: name.clone(), value: quoted(value) }),
        );
        let fork = self.run.trigger.event.is_fork();
        let work = JobWork {
            keep_failed_seconds: 0,
            job: view.id,
            number: view.number,
            stage_name: view.stage_name.clone(),
            secrets: if fork { Vec::new() } else { self.secrets(&plan.secrets) },
            trust: if fork { Trust::Fork } else { Trust::Trusted },
            limits: self.run.limits.clone().within(&plan.machine.resources),
            url: String::new(),
            started_at: Utc::now(),
            plan,
        };
        Assignment {
            attempt: AttemptId::from(Uuid::now_v7()),
            number: AttemptNumber(1),
            // Nobody is called with it.
            token: SecretText::new(String::new()),
            lease_seconds: 0,
            repo: self.run.repo.clone(),
            run: self.id,
            run_number: RunNumber(1),
            source: GitSource {
                url: self.run.origin.clone().unwrap_or_default(),
                credential: None,
            },
            trigger: self.run.trigger.clone(),
            work: Work::Job(Box::new(work)),
        }
    }

    fn secrets(&self, scope: &SecretScope) -> Vec<Secret> {
        let asked = |secret: &&Secret| match scope {
            SecretScope::All => true,
            SecretScope::Named { names } => names.contains(&secret.name),
        };
        self.run.secrets.iter().filter(asked).cloned().collect()
    }
}
