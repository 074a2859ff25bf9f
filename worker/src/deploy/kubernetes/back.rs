//! The way back: what was applied for the last verified version is applied again.

use std::time::Duration;

use slipway_pipelines::plan::RollbackPolicy;
use slipway_pipelines::wire::{DeployProgress, Version};
use tokio::time::Instant;

use super::super::DeployOutcome;
use super::course::{Course, Follow, Stop, digest_of};
use super::objects::Object;
use super::read::Document;
use super::rendered;

/// A way back has at least so long, however late it is.
const AT_LEAST: Duration = Duration::from_secs(5 * 60);

impl Course<'_> {
    /// Goes back if that is asked for and possible, and reports what is true then.
    pub(super) async fn undo(mut self, stop: Stop, touched: bool) -> DeployOutcome {
        let lost = matches!(stop, Stop::Lost(_));
        let (reason, evidence) = self.told(stop, true);
        let failed = |how: &str| DeployProgress::Failed {
            reason: format!("{reason}{how}"),
            evidence: evidence.clone(),
        };
        let last = if lost {
            failed("; what is true in the cluster is not known, so nothing more was done there")
        } else if !touched {
            failed("")
        } else if self.plan.rollback == RollbackPolicy::Never {
            failed("; left as it is")
        } else if let (Some(previous), Some(rendered)) =
            (self.ctx.previous, self.ctx.previous_rendered)
        {
            self.deadline = self.deadline.max(Instant::now() + AT_LEAST);
            match self.back(previous, rendered).await {
                Ok(()) => {
                    let short = previous.commit.short();
                    let reason = format!("{reason}; {short} serves again");
                    let serving = previous.clone();
                    DeployProgress::RolledBack { reason, serving, evidence: evidence.clone() }
                }
                Err(stop) => {
                    let (again, more) = self.told(stop, false);
                    let reason = format!("{reason}; it did not go back either: {again}");
                    let evidence = evidence.iter().cloned().chain(more).collect();
                    DeployProgress::Failed { reason, evidence }
                }
            }
        } else {
            failed("; there is no verified version before it to go back to")
        };
        self.ctx.end(last)
    }

    /// Applies what was rendered for that version, and follows it.
    async fn back(&self, to: &Version, rendered: &str) -> Result<(), Stop> {
        self.ctx.hop("going back", format!("to {}", to.commit.short()));
        let (objects, _) = self.again(to, rendered).await?;
        let applied = self.apply_all(&objects).await.map_err(|(stop, _)| stop)?;
        // The findings on the page are those of the version that failed: they stay.
        self.followed(&applied, Follow { previous_rendered: None, quiet: true }).await
    }

    /// The objects of that version, as this deployment applies them, and the Secrets, which stay.
    pub(super) async fn again(
        &self,
        to: &Version,
        rendered: &str,
    ) -> Result<(Vec<Object>, Vec<Document>), Stop> {
        let (documents, secrets) = rendered::read(rendered)?;
        if !secrets.is_empty() {
            let names: Vec<_> = secrets.iter().map(Document::name).collect();
            let names = names.join(", ");
            self.ctx.say(&format!("Secrets stay as they are, their values are not kept: {names}"));
        }
        let mut objects = self.settled(documents).await?;
        let stamp = self.stamp(to.commit.as_str());
        let digest = to.image.as_deref().and_then(digest_of);
        for object in &mut objects {
            stamp.put(&mut object.document.value, digest);
        }
        Ok((objects, secrets))
    }
}
