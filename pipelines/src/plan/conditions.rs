//! `if:` of the file, of stages, of jobs and of the rows that filter them: read, and tested with
//! the facts of the run or the job.

use super::expand::{Draft, top_language};
use super::file::File;
use super::reader::{At, Reader};
use super::{CompileContext, EnvVar, words};
use crate::condition::{Condition, ConditionError, Facts, Variable};
use crate::language::part_of;

/// What testing all conditions on all jobs may cost, by [`Condition::weight`] and
/// [`Facts::weight`].
const MAX_SPENT: usize = 50_000_000;

/// An `if:`.
#[derive(Debug)]
pub(super) struct If<'n> {
    at: At<'n>,
    /// What could not be parsed never holds; why is said in the reason.
    condition: Result<Condition, String>,
}

/// The `if` of a map.
pub(super) fn read<'n>(reader: &mut Reader, map: &At<'n>) -> Option<If<'n>> {
    let at = map.get("if")?;
    let text = reader.text(&at)?;
    let condition = Condition::parse(text).map_err(|error| {
        let message = say(reader, &at, text, &error);
        format!("`if: {}` can not be read: {message}.", inline(text))
    });
    let read = If { at, condition };
    if let Ok(condition) = &read.condition
        && !read.costs_too_much(reader, condition.weight())
        && let Err(error) = condition.check()
    {
        say(reader, &read.at, condition.text(), &error);
    }
    Some(read)
}

impl If<'_> {
    /// Why what it stands at does not exist in this run, if so: one sentence.
    pub(super) fn refuses(&self, reader: &mut Reader, facts: &Facts) -> Option<String> {
        let condition = match &self.condition {
            Ok(condition) => condition,
            Err(_) if reader.everything => return None,
            Err(reason) => return Some(reason.clone()),
        };
        if self.costs_too_much(reader, condition.weight() + facts.weight()) {
            return Some("the conditions of the file are too many to test.".to_owned());
        }
        let text = inline(condition.text());
        match condition.holds(facts) {
            Ok(true) => None,
            Ok(false) if reader.everything => None,
            Ok(false) => Some(match condition.tested(facts).join(", ") {
                tested if tested.is_empty() => format!(
                    "`if: {text}` does not hold, and it asks for nothing of the run (names like `branch` are in lower case)."
                ),
                tested => format!("`if: {text}` does not hold: {tested}."),
            }),
            Err(error) => {
                let message = say(reader, &self.at, condition.text(), &error);
                Some(format!("`if: {text}` can not be tested: {message}."))
            }
        }
    }

    fn costs_too_much(&self, reader: &mut Reader, weight: usize) -> bool {
        let before = reader.spent;
        reader.spent = before.saturating_add(weight);
        if before <= MAX_SPENT && reader.spent > MAX_SPENT {
            let message = "the conditions of the file, tested on all its jobs, cost too much time";
            let help = "use fewer regular expressions, or fewer rows with an `if`";
            reader.error(&self.at, "too-many-conditions", message, help);
        }
        reader.spent > MAX_SPENT
    }
}

/// On one line, for sentences.
fn inline(text: &str) -> String {
    const LONGEST: usize = 200;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = line.chars().take(LONGEST).collect();
    if short.len() < line.len() { format!("{short}…") } else { short }
}

/// Says what is wrong, with the place. On Travis such a job is passed over and the others run.
fn say(reader: &mut Reader, at: &At<'_>, text: &str, error: &ConditionError) -> String {
    let help = if error.message.contains('$') {
        "write `env(NAME)` for a variable of the file; those of the running shell have no value yet"
    } else if error.message.contains("glob") {
        "write it like `changes(src/**, \"docs/*.md\")`; what a glob is not to match takes `NOT changes(…)`"
    } else {
        "write it like `branch = main AND type = push`, with quotes around what has blanks"
    };
    let span = part_of(at.node.span, text, error.offset).unwrap_or(at.span);
    let place = At { span, ..at.clone() };
    reader.say(reader.passed_over(), &place, "bad-condition", error.message.clone(), help);
    error.message.clone()
}

/// Why the whole file asks for nothing here, if so.
pub(super) fn of_file(reader: &mut Reader, file: &File<'_>) -> Option<String> {
    let condition = file.condition.as_ref()?;
    let facts = of_run(reader, file);
    condition.refuses(reader, &facts)
}

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

/// What is known of the run as the file says it.
pub(super) fn of_run(reader: &Reader, file: &File<'_>) -> Facts {
    // They cost too much already: nothing is tested any more, so nothing need be gathered.
    if reader.spent > MAX_SPENT {
        return Facts::default();
    }
    let top = &file.top.at;
    let mut facts = reader.facts.clone();
    for (variable, otherwise) in [
        (Variable::Os, Some("linux")),
        (Variable::Dist, None),
        (Variable::Group, None),
        (Variable::Sudo, None),
    ] {
        let written = top.get(variable.name());
        let first = written.as_ref().and_then(|at| at.items().into_iter().next());
        if let Some(text) = first.as_ref().and_then(|at| at.node.text()).or(otherwise) {
            facts = facts.with(variable, text);
        }
    }
    let facts = facts.with(Variable::Language, top_language(reader, file).name);
    with_env(facts, &file.env.global)
}

/// What is known of a job.
pub(super) fn of_job(reader: &Reader, file: &File<'_>, draft: &Draft<'_>) -> Facts {
    let mut facts = of_run(reader, file)
        .with(Variable::Os, draft.os())
        .with(Variable::Language, draft.language.name);
    let row = draft.row.map(|row| &file.rows[row].section.at);
    for variable in [Variable::Dist, Variable::Group, Variable::Sudo] {
        let own = row.and_then(|row| row.get(variable.name()));
        if let Some(text) = own.as_ref().and_then(|at| at.node.text()) {
            facts = facts.with(variable, text);
        }
    }
    with_env(facts, &draft.env)
}
