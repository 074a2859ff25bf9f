//! The way back, when the new version is not what the environment serves well.

use slipway_pipelines::names::CommitSha;
use slipway_pipelines::plan::RollbackPolicy;
use slipway_pipelines::wire::{DeployProgress, Evidence, Finding, Version};
use tokio::time::Instant;

use super::super::DeployOutcome;
use super::super::aws::failure::Failure;
use super::environment::Environment;
use super::events::Ours;
use super::watch::Course;
use super::{Beanstalk, told};

impl Beanstalk<'_> {
    /// Ends the update, goes back if that is asked for, and reports what is true then.
    pub(super) async fn undo(
        &self,
        env: &str,
        label: &str,
        before: &Environment,
        ours: &Ours,
        failure: Failure,
    ) -> DeployOutcome {
        let reason = failure.reason();
        let mut evidence = failure.evidence.clone();
        self.say(&format!("Not healthy: {reason}"));
        // Before anything changes: the way back makes it well, and the causes go.
        evidence.extend(self.evidence(env, ours).await);
        let mut findings = self.causes_of(&failure, &evidence, before, label);
        self.ctx.found(findings.clone());
        let last = match self.back(env, label, before).await {
            Ok(Back::Serves(serving, how)) => {
                let reason = format!("{reason}; {how}");
                DeployProgress::RolledBack { reason, serving, evidence }
            }
            Ok(Back::Told(how)) => {
                DeployProgress::Failed { reason: format!("{reason}; {how}"), evidence }
            }
            Err(failed) => {
                let reason = format!("{reason}; it did not go back either: {}", failed.reason());
                findings.push(failed.finding(&self.options.place()));
                evidence.extend(failed.evidence);
                DeployProgress::Failed { reason, evidence }
            }
        };
        // On the way back other things were waited for, and shown.
        self.ctx.found(findings);
        self.ctx.end(last)
    }

    /// What was found, root cause first, with what is other than before.
    fn causes_of(
        &self,
        failure: &Failure,
        evidence: &[Evidence],
        before: &Environment,
        label: &str,
    ) -> Vec<Finding> {
        let mut root = failure.finding(&self.options.place());
        root.difference = self
            .last_good(label, before)
            .map(|old| format!("the last good version is {old}; this one is {label}"));
        let mut findings = told::with_evidence(root, evidence);
        findings.splice(1..1, failure.others.iter().cloned());
        findings
    }

    async fn back(&self, env: &str, label: &str, before: &Environment) -> Result<Back, Failure> {
        let deadline = Instant::now() + self.options.wait;
        let now = self.abort(env, deadline).await?;
        if self.plan.rollback == RollbackPolicy::Never {
            return Ok(Back::Told(format!("left as it is: {}", now.now())));
        }
        let Some(wanted) = self.last_good(label, before) else {
            let now = now.now();
            return Ok(Back::Told(format!("there is no version before it to go back to: {now}")));
        };
        self.ctx.hop("going back", format!("{env} to {wanted}"));
        // Even where the environment says that it has it: some of its instances may not.
        let (_, ours) = self.update(env, &wanted, deadline).await?;
        let course = Course { env, label: &wanted, ours: &ours, deadline };
        let now = self.follow(&course).await?;
        self.ctx.hop("gone back", now.now());
        let how = format!("{wanted} serves again");
        Ok(match self.known(&wanted) {
            Some(serving) => Back::Serves(serving, how),
            None => Back::Told(format!("{how}, which Slipway did not deploy")),
        })
    }

    /// The last verified version; else what was live before.
    fn last_good(&self, label: &str, before: &Environment) -> Option<String> {
        let verified = self.ctx.previous.and_then(|version| version.label.as_ref());
        let candidates = [verified, before.label.as_ref()];
        candidates.into_iter().flatten().find(|candidate| *candidate != label).cloned()
    }

    /// The version of that label, as far as it tells its commit: ours and Travis' do.
    fn known(&self, label: &str) -> Option<Version> {
        let previous = self.ctx.previous.filter(|one| one.label.as_deref() == Some(label));
        previous.cloned().or_else(|| {
            let commit = label.split('-').find_map(|part| part.parse::<CommitSha>().ok())?;
            Some(Version { commit, digest: None, image: None, label: Some(label.to_owned()) })
        })
    }
}

enum Back {
    /// Seen to serve.
    Serves(Version, String),
    /// What is true instead.
    Told(String),
}
