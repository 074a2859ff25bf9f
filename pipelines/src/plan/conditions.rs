//! What conditions are tested with.

use super::{CompileContext, EnvVar, words};
use crate::condition::{Facts, Variable};

/// What conditions can ask about a trigger, and about the settings of its repo.
#[must_use]
pub fn facts(context: &CompileContext<'_>, settings: &[EnvVar]) -> Facts {
    let event = &context.trigger.event;
    let mut facts = Facts::default()
        .with(Variable::Type, event.travis_type())
        .with(Variable::Repo, context.repo.as_str())
        .with(Variable::Branch, event.branch())
        .with(Variable::Sender, context.trigger.actor.name())
        .with(Variable::Fork, if event.is_fork() { "true" } else { "false" })
        .with(Variable::CommitMessage, &context.trigger.message);
    if let Some(tag) = event.tag() {
        facts = facts.with(Variable::Tag, tag);
    }
    if let Some(pull) = event.pull_request() {
        facts = facts
            .with(Variable::HeadBranch, &pull.head_branch)
            .with(Variable::Draft, if pull.draft { "true" } else { "false" });
        if let Some(repo) = &pull.head_repo {
            facts = facts.with(Variable::HeadRepo, repo);
        }
    }
    with_env(facts, settings)
}

fn with_env(facts: Facts, vars: &[EnvVar]) -> Facts {
    vars.iter().fold(facts, |facts, var| facts.with_env(&var.name, &words::unquote(&var.value)))
}
