//! A service on its way from an old version to a new one: the switch, and the way back. Each way
//! ends with one verdict, reported here.

use std::time::Duration;

use bollard::models::{ContainerSummary, ContainerSummaryStateEnum};
use slipway_pipelines::plan::{ContainerDeploy, DeployPlan, RollbackPolicy};
use slipway_pipelines::wire::{DeployProgress, Version};
use tokio::time::Instant;

use super::engine::{self, name_of};
use super::forwarder::{Forwarder, written};
use super::health::{Unhealthy, Watch};
use super::names::{COMMIT, Service};
use super::trouble::Trouble;
use super::{DeployContext, DeployOutcome};

/// How long a new version must stay healthy where the file does not say.
const SOAK: Duration = Duration::from_secs(5);

pub(super) struct Change<'a> {
    pub(super) ctx: &'a DeployContext<'a>,
    pub(super) plan: &'a DeployPlan,
    pub(super) target: &'a ContainerDeploy,
    pub(super) service: &'a Service,
    pub(super) forwarder: &'a Forwarder<'a>,
    /// The container that has the traffic before.
    pub(super) old: Option<&'a str>,
    /// The new version has to be healthy by then.
    pub(super) deadline: Instant,
}

impl Change<'_> {
    pub(super) fn watch<'w>(&'w self, container: &'w str) -> Watch<'w> {
        Watch {
            docker: self.ctx.docker,
            forwarder: self.forwarder,
            container,
            check: self.target.health.as_ref(),
            deadline: self.deadline,
        }
    }

    /// Gives the traffic to the new version, and takes it back unless that stays healthy.
    pub(super) async fn switch(
        &self,
        new: &str,
        version: Version,
    ) -> Result<DeployOutcome, Trouble> {
        let before = self.forwarder.ports().await?;
        if let Err(trouble) = self.forwarder.point(new, &written(&self.target.ports)).await {
            return self.not_switched(trouble.into(), Some(new)).await;
        }
        self.ctx.hop("switched", new);
        let applied = DeployProgress::Applied { version: version.clone(), url: self.url() };
        (self.ctx.progress)(applied);
        self.settle(new, &before, version).await
    }

    /// The new version has the traffic: it stays there if it stays healthy.
    pub(super) async fn settle(
        &self,
        new: &str,
        ports_before: &str,
        version: Version,
    ) -> Result<DeployOutcome, Trouble> {
        match self.watch(new).soak(self.plan.soak.unwrap_or(SOAK)).await {
            Ok(answer) => self.ctx.hop("soaked", answer),
            Err(unhealthy) if self.plan.rollback == RollbackPolicy::Never => {
                self.explain(&unhealthy);
                let reason = format!("{}; left as it is", unhealthy.reason);
                let evidence = unhealthy.evidence;
                return Ok(self.ctx.end(DeployProgress::Failed { reason, evidence }));
            }
            Err(unhealthy) => {
                if let Some(old) = self.old {
                    self.revive(old).await?;
                    self.forwarder.point(old, ports_before).await?;
                    self.ctx.hop("switched back", old);
                }
                return self.not_switched(unhealthy, Some(new)).await;
            }
        }
        if let Err(reason) = engine::keep_running(self.ctx.docker, new).await {
            // Not every engine can; the version serves all the same.
            self.ctx.say(&format!("It will not be started again when it ends: {reason}"));
        }
        // The verdict first: a version that does not heed its signal takes its time to stop.
        let outcome = self.ctx.end(DeployProgress::Live { version, url: self.url() });
        if let Err(reason) = self.retire(new).await {
            self.ctx.say(&format!("The version before was not put away: {reason}"));
        }
        Ok(outcome)
    }

    /// The new version is out, and the old one, if any, has the traffic.
    pub(super) async fn not_switched(
        &self,
        unhealthy: Unhealthy,
        new: Option<&str>,
    ) -> Result<DeployOutcome, Trouble> {
        self.explain(&unhealthy);
        let Unhealthy { reason, evidence, cause: _ } = unhealthy;
        if let Some(new) = new {
            engine::remove(self.ctx.docker, new).await?;
        }
        let Some(old) = self.old else {
            // Nothing serves, so nothing may hold the ports.
            self.forwarder.remove().await?;
            engine::forget_network(self.ctx.docker, self.service).await;
            return Ok(self.ctx.end(DeployProgress::Failed { reason, evidence }));
        };
        let last = match self.serving(old).await? {
            Some(serving) => {
                let reason = format!("{reason}; {} still serves", serving.commit.short());
                DeployProgress::RolledBack { reason, serving, evidence }
            }
            None => {
                let reason = format!("{reason}; the version before it does not run either");
                DeployProgress::Failed { reason, evidence }
            }
        };
        Ok(self.ctx.end(last))
    }

    /// Tells the cause, and what is other than at the version that was live before.
    fn explain(&self, unhealthy: &Unhealthy) {
        let Some(cause) = &unhealthy.cause else { return };
        let subject = format!("service {}", self.target.name);
        let mut finding = cause.finding(&subject, &unhealthy.reason);
        finding.difference = self.ctx.previous.map(|previous| {
            let (from, to) = (previous.commit.short(), self.ctx.commit.short());
            format!("{from} was live; this is {to}: git log {from}..{to}")
        });
        self.ctx.found(vec![finding]);
    }

    /// It may have ended or been stopped meanwhile; whether it runs is looked at afterwards.
    async fn revive(&self, old: &str) -> Result<(), Trouble> {
        if self.serving(old).await?.is_none() {
            engine::run(self.ctx.docker, old).await?;
        }
        Ok(())
    }

    /// What the running container `name` is.
    async fn serving(&self, name: &str) -> Result<Option<Version>, String> {
        let all = engine::versions(self.ctx.docker, self.service).await?;
        let one = all.iter().find(|one| name_of(one) == name);
        let runs = |one: &&ContainerSummary| one.state == Some(ContainerSummaryStateEnum::RUNNING);
        Ok(one.filter(runs).and_then(|one| self.version_of(one)))
    }

    fn version_of(&self, one: &ContainerSummary) -> Option<Version> {
        let commit = one.labels.as_ref()?.get(COMMIT)?.parse().ok()?;
        if let Some(previous) = self.ctx.previous.filter(|previous| previous.commit == commit) {
            return Some(previous.clone());
        }
        Some(Version {
            commit,
            digest: one.image_id.clone(),
            image: one.image.clone(),
            label: None,
        })
    }

    /// The version before is stopped and kept; what is older goes.
    async fn retire(&self, live: &str) -> Result<(), String> {
        for one in engine::versions(self.ctx.docker, self.service).await? {
            let name = name_of(&one);
            if Some(name) == self.old {
                engine::stop(self.ctx.docker, name).await?;
            } else if name != live {
                engine::remove(self.ctx.docker, name).await?;
            }
        }
        Ok(())
    }

    fn url(&self) -> Option<String> {
        self.target.ports.first().map(|port| format!("http://127.0.0.1:{}/", port.host))
    }
}
