//! A verify attempt: a worker was lost in the middle of a deploy, so what is true there now?

use std::collections::BTreeMap;
use std::sync::Arc;

use slipway_pipelines::wire::{Assignment, AttemptEvent, JobOutcome, VerifyWork};

use super::events::Reporter;
use super::identity::OfDeployment;
use super::outside::EventSink;
use crate::deploy::{DeployContext, verify as look};
use crate::runner::Worker;
use crate::script::trigger_environment;

/// Looks, and reports the verdict.
pub(super) async fn verify(
    worker: &Worker,
    assignment: &Assignment,
    work: &VerifyWork,
    sink: &dyn EventSink,
    reporter: Arc<Reporter>,
) -> JobOutcome {
    let Some(engine) = &worker.engine else {
        let reason = "This worker has no container engine and can not look at the target.";
        return JobOutcome::Errored { reason: reason.to_owned() };
    };
    let deployment = work.deployment;
    let progress = |progress| {
        let at = chrono::Utc::now();
        reporter.event(AttemptEvent::Deployment { deployment, progress, at });
    };
    let identity = OfDeployment { sink, deployment };
    let ctx = DeployContext {
        docker: &engine.docker,
        repo: &assignment.repo,
        deployment,
        commit: &work.version.commit,
        env: trigger_environment(assignment),
        secrets: &work.secrets,
        images: &BTreeMap::new(),
        tree: None,
        aws: &worker.aws,
        identity: Some(&identity),
        previous: work.previous.as_ref(),
        previous_rendered: work.previous_rendered.as_deref(),
        promoted: None,
        ambient: work.ambient,
        log: reporter.log.as_ref(),
        progress: &progress,
    };
    // Whatever the verdict, it was found: that is what this attempt was for.
    let _told_by_progress = Box::pin(look(&ctx, work)).await;
    JobOutcome::Passed
}
