//! Bringing a version to a target and finding out what is true there.
//!
//! Contract of every target: a deploy reports hops, then `Applied` when the target took the
//! change, then exactly one of `Live`, `Failed` and `RolledBack`; `Failed` may come at any time.
//! `Live` is said only of what was seen at the target itself, never of a command that ended well.
//! A deploy that is run again after a crash first clears what the broken one left.

mod address;
mod aws;
mod beanstalk;
mod change;
mod container;
mod engine;
mod forwarder;
mod health;
mod kubernetes;
mod manifest;
mod migrate;
mod names;
mod reference;
mod refusal;
mod registry;
mod rollback;
mod s3;
mod template;
mod tree;
mod trouble;
mod verify;

use std::collections::BTreeMap;
use std::time::Duration;

use bollard::Docker;
use slipway_pipelines::ids::DeploymentId;
use slipway_pipelines::names::{CommitSha, RepoName};
use slipway_pipelines::plan::{DeployPlan, Provider};
use slipway_pipelines::wire::{DeployProgress, Evidence, Finding, Secret, VerifyWork, Version};

use crate::log::{Masker, StepLog};
pub use aws::{Aws, IdentityTokens, Pace};
pub use kubernetes::follow;
pub use tree::{ContainerTree, WorkTree};

pub(crate) use address::holds;
pub(crate) use beanstalk::label as beanstalk_label;
pub(crate) use forwarder::image as forwarder_image;
pub(crate) use reference::Repository;
pub(crate) use template::expand;

/// What a deploy may know and use.
pub struct DeployContext<'a> {
    /// The engine.
    pub docker: &'a Docker,
    /// The repo.
    pub repo: &'a RepoName,
    /// The deployment to report about: what it makes at the target carries this id, so that two
    /// deploys of one commit are told apart.
    pub deployment: DeploymentId,
    /// The commit that is deployed.
    pub commit: &'a CommitSha,
    /// The environment of trigger and job, for templates.
    pub env: Vec<(String, String)>,
    /// The secrets of this step.
    pub secrets: &'a [Secret],
    /// The images this job built, by their names in the file.
    pub images: &'a BTreeMap<String, LocalImage>,
    /// The job's work tree; none where there is no job any more.
    pub tree: Option<&'a dyn WorkTree>,
    /// Where AWS is asked.
    pub aws: &'a Aws,
    /// Says who this deploy is; none where no server can.
    pub identity: Option<&'a dyn IdentityTokens>,
    /// What is live before.
    pub previous: Option<&'a Version>,
    /// What was applied for that, as the target took it.
    pub previous_rendered: Option<&'a str>,
    /// For a `promote`: the verified version of the environment before.
    pub promoted: Option<&'a Version>,
    /// The operator lets this deploy use the worker's own identity.
    pub ambient: bool,
    /// The step's log.
    pub log: &'a dyn StepLog,
    /// Takes each progress as it happens.
    pub progress: &'a (dyn Fn(DeployProgress) + Send + Sync),
}

/// An image of this job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalImage {
    /// The engine's image id.
    pub id: String,
    /// `repository@sha256:…`, once a deploy of this job pushed it.
    pub pushed: Option<String>,
}

/// What came of a deploy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeployResult {
    /// How it ended.
    pub outcome: DeployOutcome,
    /// The image's name in the file and the `repository@sha256:…` it was pushed as: a later
    /// deploy of the job uses it.
    pub pushed: Option<(String, String)>,
}

/// How a deploy ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeployOutcome {
    /// The version is what the target runs.
    Live,
    /// It is not, and nothing is said of what was before.
    Failed {
        /// One sentence.
        reason: String,
    },
    /// It is not; the version before it serves.
    RolledBack {
        /// One sentence.
        reason: String,
    },
}

/// Brings the context's commit to the plan's target. Every progress, the verdict included, goes to
/// the context's `progress`; the result is for the job's own outcome.
pub async fn deploy(ctx: &DeployContext<'_>, plan: &DeployPlan) -> DeployResult {
    match &plan.provider {
        Provider::Registry(target) => registry::deploy(ctx, plan, target).await,
        Provider::Container(target) => {
            let outcome = container::deploy(ctx, plan, target).await;
            let subject = format!("service {}", target.name);
            let outcome = outcome.unwrap_or_else(|trouble| ctx.fail(&subject, trouble));
            DeployResult { outcome, pushed: None }
        }
        Provider::Elasticbeanstalk(target) => {
            let outcome = beanstalk::deploy(ctx, plan, target).await;
            let outcome = outcome.unwrap_or_else(|reason| ctx.failed(reason).outcome);
            DeployResult { outcome, pushed: None }
        }
        Provider::Kubernetes(target) => {
            let outcome = kubernetes::deploy(ctx, plan, target).await;
            let outcome = outcome.unwrap_or_else(|reason| ctx.failed(reason).outcome);
            DeployResult { outcome, pushed: None }
        }
        Provider::S3(target) => {
            let outcome = s3::deploy(ctx, plan, target).await;
            let outcome = outcome.unwrap_or_else(|reason| ctx.failed(reason).outcome);
            DeployResult { outcome, pushed: None }
        }
        Provider::Script { .. } => {
            ctx.failed("a script deploy runs in the job's shell, not at a target".to_owned())
        }
        Provider::Unsupported { name } => ctx.failed(format!(
            "Slipway has no deploy provider {name:?}; write its commands as `provider: script`"
        )),
    }
}

/// Looks at the target of a deployment whose worker was lost and says what is true there.
/// Like [`deploy`] it reports the verdict to the context's `progress` itself; it never deploys
/// anything, but it ends what the lost worker left half done.
pub async fn verify(ctx: &DeployContext<'_>, work: &VerifyWork) -> DeployOutcome {
    verify::verify(ctx, work).await
}

/// Brings an earlier, verified version back to the plan's target, and says what is true there then:
/// `Live` of that version, or `Failed`. `rendered` is what was applied for it.
pub async fn rollback(
    ctx: &DeployContext<'_>,
    plan: &DeployPlan,
    to: &Version,
    rendered: Option<&str>,
) -> DeployOutcome {
    rollback::rollback(ctx, plan, to, rendered).await
}

impl DeployContext<'_> {
    /// Replaces what the explainer sees, on the page and in the log.
    fn found(&self, findings: Vec<Finding>) {
        let findings = findings.into_iter().map(|finding| self.masked_finding(finding)).collect();
        (self.progress)(DeployProgress::Findings { findings });
    }

    fn masked_finding(&self, mut finding: Finding) -> Finding {
        finding.subject = self.masked(&finding.subject);
        finding.sentence = self.masked(&finding.sentence);
        finding.next = self.masked(&finding.next);
        finding.log_tail = finding.log_tail.as_deref().map(|text| self.masked(text));
        finding.difference = finding.difference.as_deref().map(|text| self.masked(text));
        for seen in &mut finding.evidence {
            seen.text = self.masked(&seen.text);
        }
        finding
    }

    fn hop(&self, name: &str, detail: impl AsRef<str>) {
        let detail = self.masked(detail.as_ref());
        self.say(&format!("{name}: {detail}"));
        (self.progress)(DeployProgress::Hop { name: name.to_owned(), detail });
    }

    fn say(&self, line: &str) {
        self.log.write(format!("{line}\n").as_bytes());
    }

    /// Reports the last progress and says what it means for the job.
    fn end(&self, last: DeployProgress) -> DeployOutcome {
        let last = self.masked_verdict(last);
        let outcome = match &last {
            DeployProgress::Live { version, url } => {
                let place = url.as_ref().map(|url| format!(" at {url}")).unwrap_or_default();
                self.say(&format!("Live: {}{place}", version.commit.short()));
                DeployOutcome::Live
            }
            DeployProgress::RolledBack { reason, evidence, .. } => {
                self.say(&format!("Rolled back: {reason}"));
                self.show(evidence);
                DeployOutcome::RolledBack { reason: reason.clone() }
            }
            DeployProgress::Failed { reason, evidence } => {
                self.say(&format!("Deploy failed: {reason}"));
                self.show(evidence);
                DeployOutcome::Failed { reason: reason.clone() }
            }
            DeployProgress::Hop { .. }
            | DeployProgress::Rendered { .. }
            | DeployProgress::Findings { .. }
            | DeployProgress::Applied { .. } => {
                DeployOutcome::Failed { reason: "the deploy ended without a verdict".to_owned() }
            }
        };
        (self.progress)(last);
        outcome
    }

    fn show(&self, evidence: &[Evidence]) {
        for Evidence { source, text } in evidence {
            self.say(&format!("{source}:\n{text}"));
        }
    }

    fn failed(&self, reason: String) -> DeployResult {
        let last = DeployProgress::Failed { reason, evidence: Vec::new() };
        DeployResult { outcome: self.end(last), pushed: None }
    }

    /// What targets answer and versions print goes where no log masks it: into events.
    fn masked(&self, text: &str) -> String {
        let values = self.secrets.iter().map(|secret| secret.value.expose());
        let Ok(mut masker) = Masker::new(values) else { return "[secure]".to_owned() };
        let mut masked = masker.push(text.as_bytes());
        masked.extend(masker.flush());
        String::from_utf8_lossy(&masked).into_owned()
    }

    fn masked_verdict(&self, mut last: DeployProgress) -> DeployProgress {
        if let DeployProgress::Failed { reason, evidence }
        | DeployProgress::RolledBack { reason, evidence, .. } = &mut last
        {
            *reason = self.masked(reason);
            for seen in evidence {
                seen.text = self.masked(&seen.text);
            }
        }
        last
    }

    fn expand(&self, text: &str) -> Result<String, String> {
        template::expand(text, |name| self.value(name))
    }

    /// The step's secret of this name, else the variable.
    fn value(&self, name: &str) -> Option<&str> {
        let secret = self.secrets.iter().find(|secret| secret.name.as_str() == name);
        let secret = secret.map(|secret| secret.value.expose());
        secret.or_else(|| {
            let pair = self.env.iter().rev().find(|(key, _)| key == name);
            pair.map(|(_, value)| value.as_str())
        })
    }
}

/// Longest time of a deploy whose plan names none.
const LONGEST: Duration = Duration::from_secs(30 * 60);

fn longest(plan: &DeployPlan) -> Duration {
    plan.timeout.unwrap_or(LONGEST)
}

/// The engine is everybody's: a repo names what it built by the names in its file, and never
/// what another repo built.
pub(crate) fn refuse_foreign(image: &str) -> Result<(), String> {
    let id = image.strip_prefix("sha256:").unwrap_or(image);
    let is_id = id.len() >= 4 && id.chars().all(|c| c.is_ascii_hexdigit());
    let name = ["docker.io/", "index.docker.io/", "localhost/"]
        .iter()
        .find_map(|registry| image.strip_prefix(registry))
        .unwrap_or(image);
    if is_id || name.starts_with("slipway/") {
        return Err(format!(
            "{image:?} is no image of this job: name an entry of `images:`, or a reference that \
             can be pulled"
        ));
    }
    Ok(())
}
