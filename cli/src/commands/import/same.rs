//! Do both files make the same jobs? Looked at for a push to `master`, which is what Travis'
//! defaults are made for.

use std::collections::BTreeMap;

use slipway_pipelines::plan::{
    Actor, CompileContext, Dialect, JobPlan, Outcome, Trigger, TriggerEvent, compile_as,
};

/// What is not the same, in one sentence.
pub(super) fn difference(travis: &[u8], ours: &[u8]) -> Option<String> {
    let (before, now) = (jobs(Dialect::Travis, travis)?, jobs(Dialect::Ci, ours)?);
    if before.len() != now.len() {
        return Some(format!(
            "{} makes {} for a push to master, and the new file {}; `slipway plan` shows both",
            ".travis.yml",
            crate::print::plural(before.len(), "job"),
            now.len()
        ));
    }
    let differs = |(before, now): &(&JobPlan, &JobPlan)| !is_same(before, now);
    let (before, _) = before.iter().zip(&now).find(differs)?;
    Some(format!("job {} ({}); `slipway plan` shows both", before.number, before.name))
}

/// None when the file has errors, which are told anyhow.
fn jobs(dialect: Dialect, file: &[u8]) -> Option<Vec<JobPlan>> {
    let trigger = Trigger {
        event: TriggerEvent::Push { branch: "master".to_owned() },
        commit: "0".repeat(40).parse().ok()?,
        before: None,
        message: String::new(),
        author: String::new(),
        actor: Actor::Local { name: String::new() },
    };
    let repo = "local/app".parse().ok()?;
    let images = BTreeMap::new();
    let context =
        CompileContext { trigger: &trigger, repo: &repo, default_branch: "main", images: &images };
    match compile_as(dialect, ".ci.yml", file, &context).outcome {
        Outcome::Plan(plan) => Some(plan.jobs),
        Outcome::Nothing { .. } => Some(Vec::new()),
        Outcome::Bad { .. } => None,
    }
}

/// But for what the dialects mean differently, whatever is written.
fn is_same(before: &JobPlan, now: &JobPlan) -> bool {
    let names = |job: &JobPlan| -> Vec<String> {
        job.services.iter().map(|service| service.name.clone()).collect()
    };
    let targets =
        |job: &JobPlan| -> Vec<_> { job.deploys.iter().map(|deploy| deploy.on.clone()).collect() };
    before.name == now.name
        && before.stage == now.stage
        && before.allow_failure == now.allow_failure
        && before.language == now.language
        && before.image == now.image
        && before.env == now.env
        && before.phases == now.phases
        && names(before) == names(now)
        && targets(before) == targets(now)
}
