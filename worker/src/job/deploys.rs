//! Deploys of a job: the server's grant, then the provider.

use slipway_pipelines::ids::DeploymentId;
use slipway_pipelines::plan::{
    DeployOn, DeployPlan, EnvVar, Phase, Provider, TagFilter, TriggerEvent,
};
use slipway_pipelines::wire::{AttemptEvent, DeployProgress, Secret, StepOutcome, Version};

use super::attempt::{Attempt, Halt};
use super::deploy_grant::{Asked, Granted, grant};
use super::identity::OfDeployment;
use crate::deploy::{
    ContainerTree, DeployContext, DeployOutcome, DeployResult, beanstalk_label, deploy,
};
use crate::git::pack_one;
use crate::sandbox::Sandbox as _;
use crate::script::quoted;

/// What came of a deploy, for the shell and for the job.
pub(super) struct Ran {
    /// `go`: it ran; `pass`: it did not, and that is fine; `stop`: the job ends here.
    pub(super) answer: String,
    /// Why the job ends here.
    pub(super) stopped: Option<String>,
    /// A script that the shell now runs.
    pub(super) scripted: Option<Scripted>,
}

/// A granted deploy that is a script in the job's own shell.
pub(super) struct Scripted {
    pub(super) deployment: DeploymentId,
    pub(super) version: Version,
}

/// Which deploys the trigger's branch, tag and repo let run. The server looks again; where there is
/// none, none does.
pub(super) fn applying(attempt: &Attempt<'_>) -> Vec<bool> {
    let (event, repo) = (&attempt.assignment.trigger.event, &attempt.assignment.repo);
    let applies = |deploy: &DeployPlan| {
        attempt.outside.here.is_none()
            && deploy.on.repo.as_ref().is_none_or(|wanted| wanted == repo)
            && on(&deploy.on, event)
    };
    attempt.work.plan.deploys.iter().map(applies).collect()
}

fn on(on: &DeployOn, event: &TriggerEvent) -> bool {
    let tags = match on.tags {
        None => true,
        Some(TagFilter::OnlyTags) => event.tag().is_some(),
        Some(TagFilter::NoTags) => event.tag().is_none(),
    };
    let named = |branches: &Vec<String>| branches.iter().any(|branch| branch == event.branch());
    tags && on.branches.as_ref().is_none_or(named)
}

/// Reports a deploy whose conditions do not hold.
pub(super) fn skip(attempt: &Attempt<'_>, index: usize) {
    let Some(plan) = attempt.work.plan.deploys.get(index) else { return };
    let here = attempt.outside.here.map(|here| here.no_deploys);
    let reason = here.unwrap_or("Its conditions (`on`) do not hold here.");
    let step = attempt.reporter.begin(Phase::Deploy, &title(plan));
    attempt.reporter.say(&format!("{}: skipped. {reason}", title(plan)));
    attempt.reporter.end(step, StepOutcome::Skipped { reason: reason.to_owned() });
}

/// Asks for the grant and runs the deploy at this index.
pub(super) async fn run(
    attempt: &Attempt<'_>,
    container: &str,
    program_dir: &str,
    index: usize,
) -> Result<Ran, Halt> {
    let Some(plan) = attempt.work.plan.deploys.get(index) else {
        return Err(Halt::errored("The job's shell asked for a deploy that is not there."));
    };
    let reporter = &attempt.reporter;
    let step = reporter.begin(Phase::Deploy, &title(plan));
    reporter.say(&title(plan));
    let version = version(attempt, plan);
    let granted = match grant(attempt, container, index, &version).await? {
        Asked::Granted(granted) => granted,
        Asked::Withheld(reason) => {
            reporter.say(&format!("Not deployed: {reason}."));
            reporter.end(step, StepOutcome::Skipped { reason });
            return Ok(Ran::passed());
        }
        Asked::Deferred(reason) => {
            reporter
                .say(&format!("Deferred: {reason}. The job goes on, and this runs without it."));
            let reason = format!("It runs without this job: {reason}.");
            reporter.end(step, StepOutcome::Skipped { reason });
            return Ok(Ran::passed());
        }
    };
    let values = granted.secrets.iter().map(|secret| secret.value.expose());
    reporter.log.mask(values).map_err(|error| Halt::errored(format!("{error:#}.")))?;
    if let Provider::Script { .. } = plan.provider {
        let names = hand_over(attempt, container, program_dir, &granted.secrets).await?;
        reporter.end(step, StepOutcome::Done);
        let scripted = Some(Scripted { deployment: granted.deployment, version });
        return Ok(Ran { answer: format!("go {names}"), stopped: None, scripted });
    }
    attempt.held.control.going().await;
    let result = provide(attempt, container, plan, &granted).await;
    if let Some((name, pushed)) = result.pushed
        && let Some(image) = attempt.images().get_mut(&name)
    {
        image.pushed = Some(pushed);
    }
    let reason = match result.outcome {
        DeployOutcome::Live => {
            reporter.end(step, StepOutcome::Done);
            return Ok(Ran { answer: "go".to_owned(), stopped: None, scripted: None });
        }
        DeployOutcome::Failed { reason } => format!("{} failed: {reason}", title(plan)),
        DeployOutcome::RolledBack { reason } => format!("{} rolled back: {reason}", title(plan)),
    };
    let reason = format!("{}.", reason.trim_end_matches('.'));
    reporter.end(step, StepOutcome::Failed { reason: reason.clone() });
    if plan.allow_failure {
        return Ok(Ran::passed());
    }
    Ok(Ran { answer: "stop".to_owned(), stopped: Some(reason), scripted: None })
}

impl Ran {
    fn passed() -> Self {
        Self { answer: "pass".to_owned(), stopped: None, scripted: None }
    }
}

fn title(plan: &DeployPlan) -> String {
    let provider = match &plan.provider {
        Provider::Registry(_) => "registry",
        Provider::Container(_) => "container",
        Provider::Elasticbeanstalk(_) => "elasticbeanstalk",
        Provider::Kubernetes(_) => "kubernetes",
        Provider::S3(_) => "s3",
        Provider::Script { .. } => "script",
        Provider::Unsupported { name } => name,
    };
    format!("Deploy to {} ({provider})", plan.environment_name())
}

/// What is known of the version before.
fn version(attempt: &Attempt<'_>, plan: &DeployPlan) -> Version {
    let name = match &plan.provider {
        Provider::Registry(target) => Some(target.image.as_str()),
        Provider::Container(target) => Some(target.image.0.as_str()),
        Provider::Elasticbeanstalk(_)
        | Provider::Kubernetes(_)
        | Provider::S3(_)
        | Provider::Script { .. }
        | Provider::Unsupported { .. } => None,
    };
    let images = attempt.images();
    let built = name.and_then(|name| images.get(name));
    Version {
        commit: attempt.assignment.trigger.commit.clone(),
        digest: built.map(|image| image.id.clone()),
        image: name.map(str::to_owned),
        label: label(attempt, plan),
    }
}

/// What the target will know it by.
fn label(attempt: &Attempt<'_>, plan: &DeployPlan) -> Option<String> {
    let Provider::Elasticbeanstalk(target) = &plan.provider else { return None };
    let env = environment(attempt);
    let value = |name: &str| {
        let pair = env.iter().rev().find(|(key, _)| key == name);
        pair.map(|(_, value)| value.as_str())
    };
    beanstalk_label(target, &attempt.assignment.trigger.commit, value)
}

async fn provide(
    attempt: &Attempt<'_>,
    container: &str,
    plan: &DeployPlan,
    granted: &Granted,
) -> DeployResult {
    let images = attempt.images().clone();
    let deployment = granted.deployment;
    let docker = &attempt.engine.docker;
    let tree = ContainerTree { docker, container, dir: &attempt.build_dir };
    let identity = OfDeployment { sink: attempt.outside.sink, deployment };
    let ctx = DeployContext {
        docker,
        repo: &attempt.assignment.repo,
        deployment,
        commit: &attempt.assignment.trigger.commit,
        env: environment(attempt),
        secrets: &granted.secrets,
        images: &images,
        tree: Some(&tree),
        aws: &attempt.worker.aws,
        identity: Some(&identity),
        previous: granted.previous.as_ref(),
        previous_rendered: granted.previous_rendered.as_deref(),
        promoted: granted.promoted.as_ref(),
        ambient: granted.ambient,
        log: attempt.reporter.log.as_ref(),
        progress: &|progress| report(attempt, deployment, progress),
    };
    // Boxed: what providers hold is large.
    Box::pin(deploy(&ctx, plan)).await
}

/// The variables of trigger and job.
pub(super) fn environment(attempt: &Attempt<'_>) -> Vec<(String, String)> {
    with_own(attempt.builtin.clone(), &attempt.work.plan.env)
}

/// The variables of the trigger, and behind them those of the job.
pub(super) fn with_own(trigger: Vec<(String, String)>, own: &[EnvVar]) -> Vec<(String, String)> {
    let own = own.iter().map(|var| (var.name.clone(), plain(&var.value).to_owned()));
    trigger.into_iter().chain(own).collect()
}

/// A value without the quotes around it.
pub(super) fn plain(text: &str) -> &str {
    text.trim_matches(['"', '\''])
}

pub(super) fn report(attempt: &Attempt<'_>, deployment: DeploymentId, progress: DeployProgress) {
    let at = chrono::Utc::now();
    attempt.reporter.event(AttemptEvent::Deployment { deployment, progress, at });
}

/// Puts the step's secrets where the shell reads them, and names those that it drops afterwards:
/// the job's own stay.
async fn hand_over(
    attempt: &Attempt<'_>,
    container: &str,
    program_dir: &str,
    secrets: &[Secret],
) -> Result<String, Halt> {
    let mut text = "export SLIPWAY_DEPLOY=true\n".to_owned();
    let mut names = Vec::new();
    for secret in secrets {
        let (name, value) = (secret.name.as_str(), secret.value.expose());
        text.push_str(&format!("export {name}={}\n", quoted(value)));
        if attempt.secret(name).is_none() {
            names.push(name);
        }
    }
    let tar = pack_one(&format!("{program_dir}/deploy.sh"), text.as_bytes()).map_err(|error| {
        Halt::errored(format!("The deploy's secrets can not be laid: {error}."))
    })?;
    attempt.engine.sandbox.upload(container, tar).await?;
    Ok(names.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(branch: &str) -> TriggerEvent {
        TriggerEvent::Push { branch: branch.to_owned() }
    }

    #[test]
    fn branch_and_tag_tests_follow_travis() {
        let tag = TriggerEvent::Tag { tag: "v1".to_owned() };
        let main = DeployOn { branches: Some(vec!["main".to_owned()]), ..Default::default() };
        assert!(on(&main, &push("main")));
        assert!(!on(&main, &push("main2")));
        let tags = DeployOn { tags: Some(TagFilter::OnlyTags), ..Default::default() };
        assert!(on(&tags, &tag));
        assert!(!on(&tags, &push("main")));
        let branches = DeployOn { tags: Some(TagFilter::NoTags), ..Default::default() };
        assert!(!on(&branches, &tag));
    }
}
