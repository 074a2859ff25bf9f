//! Stands in for the language's compiler until it has landed: it finds every file bad.

use slipway_pipelines::language::Diagnostic;
use slipway_pipelines::names::RepoName;
use slipway_pipelines::plan::{Plan, Trigger};

pub(super) struct CompileContext<'a> {
    pub(super) trigger: &'a Trigger,
    pub(super) repo: &'a RepoName,
    pub(super) default_branch: &'a str,
}

pub(super) enum Outcome {
    #[expect(dead_code, reason = "the compiler makes it")]
    Plan(Box<Plan>),
    #[expect(dead_code, reason = "the compiler makes it")]
    Nothing {
        reason: String,
    },
    Bad {
        reason: String,
    },
}

pub(super) struct Compiled {
    pub(super) outcome: Outcome,
    pub(super) diagnostics: Vec<Diagnostic>,
}

pub(super) fn compile(file: &str, _bytes: &[u8], context: &CompileContext<'_>) -> Compiled {
    let CompileContext { trigger, repo, default_branch } = context;
    let commit = trigger.commit.short();
    let reason = format!("No compiler for {file} of {repo} at {commit} ({default_branch}).");
    Compiled { outcome: Outcome::Bad { reason }, diagnostics: Vec::new() }
}
