//! After a lost worker: what of the deployment is in the cluster. Nothing is applied twice.

use serde_json::Value;
use slipway_pipelines::ids::Id as _;
use slipway_pipelines::wire::{DeployProgress, VerifyWork};

use super::super::DeployOutcome;
use super::apply::applied;
use super::course::{Course, Follow, Stop};
use super::follow::Applied;
use super::objects::Object;
use super::{rendered, stamp};

impl Course<'_> {
    /// Looks, follows what was applied as a whole, and reports the verdict.
    pub(super) async fn verify(self, work: &VerifyWork) -> DeployOutcome {
        let Some(rendered) = work.rendered.as_deref() else {
            return self.lost_early(work);
        };
        let (objects, ours) = match self.looked(rendered).await {
            Ok(found) => found,
            Err(stop) => return self.stopped(stop),
        };
        self.ctx.hop("found", format!("{} of {} objects", ours.len(), objects.len()));
        if ours.is_empty() {
            return self.lost_early(work);
        }
        if ours.len() < objects.len() {
            let missing = objects.iter().filter(|one| !ours.iter().any(|ours| is(ours, one)));
            let missing: Vec<_> = missing.map(Object::subject).collect();
            let reason = format!(
                "the worker was lost before it applied all: {} is missing",
                missing.join(", ")
            );
            return self.undo(Stop::Sentence(reason), true).await;
        }
        let previous_rendered = work.previous_rendered.as_deref();
        let follow = Follow { previous_rendered, quiet: false };
        match self.followed(&ours, follow).await {
            Ok(()) => {
                let version = work.version.clone();
                self.ctx.end(DeployProgress::Live { version, url: None })
            }
            Err(stop) => self.undo(stop, true).await,
        }
    }

    /// Every object of it, and those that this deployment applied.
    async fn looked(&self, rendered: &str) -> Result<(Vec<Object>, Vec<Applied>), Stop> {
        let objects = self.settled(rendered::names(rendered)).await?;
        let found = self.cluster.before(&objects).await?;
        let id = self.ctx.deployment.as_uuid().to_string();
        let of = format!("/metadata/annotations/{}", stamp::DEPLOYMENT.replace('/', "~1"));
        let mut ours = Vec::new();
        for (object, found) in objects.iter().zip(found) {
            let (Some(kind), Some(found)) = (object.kind.clone(), found) else { continue };
            if found.pointer(&of).and_then(Value::as_str) == Some(id.as_str()) {
                ours.push(applied(object, kind, &found, true));
            }
        }
        Ok((objects, ours))
    }

    fn lost_early(&self, work: &VerifyWork) -> DeployOutcome {
        let mut reason = "the worker was lost before it applied anything".to_owned();
        if self.plan.migrate.is_some() {
            reason.push_str("; its migration may have run");
        }
        let last = match &work.previous {
            Some(serving) => DeployProgress::RolledBack {
                reason: format!("{reason}; {} still serves", serving.commit.short()),
                serving: serving.clone(),
                evidence: Vec::new(),
            },
            None => DeployProgress::Failed { reason, evidence: Vec::new() },
        };
        self.ctx.end(last)
    }
}

fn is(ours: &Applied, object: &Object) -> bool {
    ours.name == object.document.name()
        && ours.namespace.as_deref() == object.namespace()
        && ours.api.kind == object.document.kind()
}
