//! One deployment on its way: read, tried, applied, followed to its verdict.

use std::time::Duration;

use slipway_pipelines::plan::{DeployPlan, KubernetesDeploy};
use slipway_pipelines::wire::{DeployProgress, Evidence, Finding, FindingCode, Version};
use tokio::time::Instant;

use super::super::{DeployContext, DeployOutcome, longest};
use super::apply::unknown_kind;
use super::ask::Cluster;
use super::connect::connect;
use super::follow::{Applied, Followed, Set, follow};
use super::kinds::Kinds;
use super::objects::{Object, Unfit, settle};
use super::overrides::Chosen;
use super::prune::Sweep;
use super::read::Document;
use super::rendered;
use super::stamp::{Stamp, scope};

/// How long a new version must stay healthy where the file does not say.
const SOAK: Duration = Duration::from_secs(5);

/// Why it does not go on.
#[derive(Debug)]
pub(super) enum Stop {
    /// One sentence.
    Sentence(String),
    /// Root cause first.
    Found(Vec<Finding>),
    /// Nobody knows what is true in the cluster: nothing more is done to it.
    Lost(String),
}

impl From<String> for Stop {
    fn from(sentence: String) -> Self {
        Self::Sentence(sentence)
    }
}

impl From<Finding> for Stop {
    fn from(finding: Finding) -> Self {
        Self::Found(vec![finding])
    }
}

/// How a set is followed.
#[derive(Clone, Copy)]
pub(super) struct Follow<'a> {
    /// What was applied for the last verified version, to tell the difference.
    pub(super) previous_rendered: Option<&'a str>,
    /// Findings stay off the page.
    pub(super) quiet: bool,
}

/// What was read and is to be applied.
pub(super) struct Work {
    pub(super) documents: Vec<Document>,
    pub(super) migration: Option<Document>,
    pub(super) chosen: Chosen,
}

pub(super) struct Course<'a> {
    pub(super) ctx: &'a DeployContext<'a>,
    pub(super) plan: &'a DeployPlan,
    pub(super) target: &'a KubernetesDeploy,
    pub(super) cluster: Cluster<'a>,
    pub(super) kinds: Kinds,
    pub(super) deadline: Instant,
}

impl<'a> Course<'a> {
    pub(super) async fn begin(
        ctx: &'a DeployContext<'a>,
        plan: &'a DeployPlan,
        target: &'a KubernetesDeploy,
    ) -> Result<Self, String> {
        let deadline = Instant::now() + longest(plan);
        let cluster = Cluster::new(ctx, connect(ctx, target).await?);
        Ok(Self { ctx, plan, target, cluster, kinds: Kinds::default(), deadline })
    }

    /// Brings the work into the cluster and reports the verdict.
    pub(super) async fn deploy(self, work: Work) -> DeployOutcome {
        let image = work.chosen.image.clone();
        let version = Version {
            commit: self.ctx.commit.clone(),
            digest: image.as_deref().and_then(digest_of).map(str::to_owned),
            image,
            label: None,
        };
        let objects = match self.tried(work).await {
            Ok(objects) => objects,
            Err(stop) => return self.stopped(stop),
        };
        match self.bring(&objects, &version).await {
            Ok(()) => self.ctx.end(DeployProgress::Live { version, url: None }),
            Err((stop, touched)) => self.undo(stop, touched).await,
        }
    }

    /// All that comes before the first change: the way back from here is no way.
    async fn tried(&self, work: Work) -> Result<Vec<Object>, Stop> {
        let Work { documents, migration, chosen } = work;
        let mut objects = self.settled(documents).await?;
        let stamp = self.stamp(self.ctx.commit.as_str());
        let values: Vec<_> = objects.iter().map(|one| &one.document.value).collect();
        for unused in chosen.overrides.unused(&values) {
            self.ctx.say(&format!("No manifest has the image {unused}"));
        }
        for object in &mut objects {
            for (before, after) in chosen.overrides.put(&mut object.document.value) {
                self.ctx.say(&format!("{}: {before} → {after}", object.subject()));
            }
            stamp.put(&mut object.document.value, chosen.image.as_deref().and_then(digest_of));
        }
        let mut jobs = self.settled(migration.into_iter().collect()).await?;
        for job in &mut jobs {
            chosen.overrides.put(&mut job.document.value);
            stamp.put(&mut job.document.value, None);
        }
        self.keep(&objects)?;
        let tried = self.cluster.try_all(&objects).await.map_err(Stop::Found)?;
        self.ctx.hop("checked", format!("the API would take {}", count(tried)));
        for job in &jobs {
            self.migrate(job).await?;
        }
        Ok(objects)
    }

    /// Has what is to be applied kept by the server.
    pub(super) fn keep(&self, objects: &[Object]) -> Result<(), Stop> {
        let secrets: Vec<_> = self.ctx.secrets.iter().map(|one| one.value.expose()).collect();
        let kept = rendered::write(objects, &secrets)?;
        for subject in kept.parted {
            self.ctx.say(&format!(
                "{subject} has the value of a secret in it, which is not kept: Slipway can not \
                 bring this version back. Put the value into a Secret"
            ));
        }
        (self.ctx.progress)(DeployProgress::Rendered { manifests: kept.text });
        Ok(())
    }

    pub(super) async fn settled(&self, documents: Vec<Document>) -> Result<Vec<Object>, Stop> {
        settle(&self.cluster, &self.kinds, documents).await.map_err(|unfit| match unfit {
            Unfit::Sentence(sentence) => Stop::Sentence(sentence),
            Unfit::Refused(subject, no) => self.cluster.explained("read", subject, &no).into(),
            Unfit::Kinds(all) => {
                let finding = all.iter().map(|one| unknown_kind(&one.subject, &one.api_version));
                Stop::Found(finding.collect())
            }
        })
    }

    pub(super) fn stamp(&self, commit: &str) -> Stamp {
        Stamp::new(self.ctx, self.plan.environment_name().as_str(), commit)
    }

    /// Applies and follows to the verdict; with what stopped it comes whether the cluster changed.
    async fn bring(&self, objects: &[Object], version: &Version) -> Result<(), (Stop, bool)> {
        let applied = self.apply_all(objects).await?;
        let version = version.clone();
        (self.ctx.progress)(DeployProgress::Applied { version, url: None });
        let follow = Follow { previous_rendered: self.ctx.previous_rendered, quiet: false };
        self.followed(&applied, follow).await.map_err(|stop| (stop, true))?;
        let keep: Vec<_> = objects.iter().map(|one| &one.document).collect();
        let swept = self.swept(&keep).await;
        if swept.is_err() {
            self.ctx.say("The new version serves, but not all of what is left over was deleted");
        }
        swept.map_err(|stop| (stop, false))
    }

    /// Applies one after the other.
    pub(super) async fn apply_all(&self, objects: &[Object]) -> Result<Vec<Applied>, (Stop, bool)> {
        let before = self.cluster.before(objects).await;
        let before = before.map_err(|finding| (finding.into(), false))?;
        let mut all = Vec::new();
        for (object, before) in objects.iter().zip(&before) {
            match self.cluster.apply(&self.kinds, object, before.as_ref()).await {
                Ok(applied) => all.push(applied),
                Err(finding) => {
                    // What was not answered may have been done.
                    let unheard = finding.code == FindingCode::ApiUnreachable;
                    return Err((finding.into(), unheard || !all.is_empty()));
                }
            }
        }
        let changed = all.iter().filter(|one| one.changed).count();
        let told = match changed {
            0 => "nothing changed".to_owned(),
            changed => format!("{changed} changed"),
        };
        self.ctx.hop("applied", format!("{}, {told}", count(all.len())));
        Ok(all)
    }

    /// Follows to health and through the soak.
    pub(super) async fn followed(&self, applied: &[Applied], how: Follow<'_>) -> Result<(), Stop> {
        let set = Set {
            client: &self.cluster.connection.client,
            applied,
            soak: self.plan.soak.unwrap_or(SOAK),
            deadline: self.deadline,
            previous_rendered: how.previous_rendered,
        };
        let hop = |name: &str, detail: &str| self.ctx.hop(name, detail);
        let found = |findings| {
            if !how.quiet {
                self.ctx.found(findings);
            }
        };
        match follow(&set, &hop, &found).await {
            Followed::Healthy { summary } => {
                summary.iter().for_each(|line| self.ctx.say(line));
                Ok(())
            }
            Followed::Doomed { reason, findings } if findings.is_empty() => {
                Err(Stop::Sentence(reason))
            }
            Followed::Doomed { findings, .. } => Err(Stop::Found(findings)),
            Followed::Lost { reason, findings } => {
                found(findings);
                Err(Stop::Lost(reason))
            }
        }
    }

    /// The new version serves: what it does not have any more can go.
    pub(super) async fn swept(&self, keep: &[&Document]) -> Result<(), Stop> {
        if !self.target.prune {
            return Ok(());
        }
        let earlier = self.ctx.previous_rendered.map(rendered::names).unwrap_or_default();
        let scope = scope(&self.ctx.repo.to_string(), self.plan.environment_name().as_str());
        let sweep = Sweep { scope: &scope, keep, earlier: &earlier };
        let deleted = self.cluster.prune(&self.kinds, &sweep).await?;
        self.ctx.hop("pruned", count(deleted));
        Ok(())
    }

    /// Reports what stopped it before anything changed.
    pub(super) fn stopped(&self, stop: Stop) -> DeployOutcome {
        let (reason, evidence) = self.told(stop, true);
        self.ctx.end(DeployProgress::Failed { reason, evidence })
    }

    /// The sentence and what was seen; the findings go to the page where that is wanted.
    pub(super) fn told(&self, stop: Stop, publish: bool) -> (String, Vec<Evidence>) {
        match stop {
            Stop::Sentence(reason) | Stop::Lost(reason) => (reason, Vec::new()),
            Stop::Found(findings) => {
                let shown = || findings.iter().take(TOLD);
                for Finding { code, subject, sentence, next, .. } in shown() {
                    self.ctx.say(&format!("{subject} ({code}): {sentence}\nNext: {next}"));
                }
                let evidence = shown().flat_map(evidence).collect();
                let more = findings.len().saturating_sub(1);
                let first = findings.first();
                let reason = first.map_or_else(
                    || "it did not become live".to_owned(),
                    |first| format!("{}: {}", first.subject, first.sentence),
                );
                if publish {
                    self.ctx.found(findings);
                }
                let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
                (format!("{reason}{more}"), evidence)
            }
        }
    }
}

/// Findings that the log shows, with their evidence at its end.
const TOLD: usize = 5;

fn evidence(finding: &Finding) -> Vec<Evidence> {
    let mut all = finding.evidence.clone();
    if let Some(text) = finding.log_tail.clone() {
        all.push(Evidence { source: "last log lines".to_owned(), text });
    }
    all
}

fn count(objects: usize) -> String {
    match objects {
        1 => "1 object".to_owned(),
        more => format!("{more} objects"),
    }
}

pub(super) fn digest_of(reference: &str) -> Option<&str> {
    reference.split_once('@').map(|(_, digest)| digest)
}
