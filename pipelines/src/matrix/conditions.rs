//! `if:` wherever it stands: read once, and tested with the facts of the run or of a job.

use std::cell::Cell;
use std::rc::Rc;

use crate::condition::{Condition, ConditionError, Facts};
use crate::language::{Node, Severity, Span, part_of};

use super::work::Work;

/// What testing all conditions on all jobs may cost, by [`Condition::weight`] and
/// [`Facts::weight`].
const MAX_SPENT: usize = 50_000_000;

/// An `if:`.
#[derive(Debug)]
pub(super) struct If {
    path: String,
    span: Span,
    text: String,
    /// What could not be parsed never holds; why is said in the reason.
    condition: Result<Condition, String>,
    /// Has it been said that it can not be tested?
    told: Cell<bool>,
}

impl Work<'_> {
    /// The condition of a map at `path`.
    pub(super) fn condition_of(&mut self, map: &Node, path: &str) -> Option<If> {
        self.condition(map.get("if")?, format!("{path}.if"))
    }

    /// The condition that many jobs may share.
    pub(super) fn shared_condition(&mut self, node: &Rc<Node>, path: &str) -> Option<Rc<If>> {
        if let Some((_, condition)) = self.conditions.get(&Rc::as_ptr(node)) {
            return condition.clone();
        }
        let condition = self.condition(node, path.to_owned()).map(Rc::new);
        self.conditions.insert(Rc::as_ptr(node), (Rc::clone(node), condition.clone()));
        condition
    }

    pub(super) fn condition(&mut self, node: &Node, path: String) -> Option<If> {
        let text = node.text().filter(|_| !node.is_null())?;
        let mut read = If {
            path,
            span: node.span,
            text: text.to_owned(),
            condition: Err(String::new()),
            told: Cell::new(false),
        };
        match Condition::parse(text) {
            Ok(condition) => {
                // Regular expressions are tried at once: whoever wrote one that does not work
                // hears of it whatever the trigger.
                if !self.costs_too_much(&read, condition.weight())
                    && let Err(error) = condition.check()
                {
                    self.complain(&read, &error);
                }
                read.condition = Ok(condition);
            }
            Err(error) => {
                self.complain(&read, &error);
                let reason = format!("`if: {}` can not be read: {}.", inline(text), error.message);
                read.condition = Err(reason);
            }
        }
        Some(read)
    }

    /// Are conditions still tested? Beyond their limit no facts need be gathered.
    pub(super) fn tests_conditions(&self) -> bool {
        self.spent <= MAX_SPENT
    }

    /// Why what `condition` stands at does not exist in this run, if so: one sentence.
    pub(super) fn refusal(&mut self, condition: &If, facts: &Facts) -> Option<String> {
        let parsed = match &condition.condition {
            _ if self.options.everything => return None,
            Ok(parsed) => parsed,
            Err(reason) => return Some(reason.clone()),
        };
        if self.costs_too_much(condition, parsed.weight() + facts.weight()) {
            return Some("the conditions of the file are too many to test.".to_owned());
        }
        let text = inline(&condition.text);
        match parsed.holds(facts) {
            Ok(true) => None,
            Ok(false) => Some(match parsed.tested(facts).join(", ") {
                tested if tested.is_empty() => format!(
                    "`if: {text}` does not hold, and it asks for nothing of the run (names like `branch` are in lower case)."
                ),
                tested => format!("`if: {text}` does not hold: {tested}."),
            }),
            Err(error) => {
                self.complain(condition, &error);
                Some(format!("`if: {text}` can not be tested: {}.", error.message))
            }
        }
    }

    fn costs_too_much(&mut self, condition: &If, weight: usize) -> bool {
        let before = self.spent;
        self.spent = before.saturating_add(weight);
        if before <= MAX_SPENT && self.spent > MAX_SPENT {
            let message = "the conditions of the file, tested on all its jobs, cost too much time";
            let help = "use fewer regular expressions, or fewer rows with an `if`";
            let place = (condition.path.as_str(), condition.span);
            self.say(Severity::Error, "too-many-conditions", place, message, help);
        }
        self.spent > MAX_SPENT
    }

    /// Says what is wrong, with the place. On Travis such a job is passed over and the others run.
    fn complain(&mut self, condition: &If, error: &ConditionError) {
        if condition.told.replace(true) {
            return;
        }
        let help = if error.message.contains('$') {
            "write `env(NAME)` for a variable of the file; those of the running shell have no value yet"
        } else if error.message.contains("glob") {
            "write it like `changes(src/**, \"docs/*.md\")`; what a glob is not to match takes `NOT changes(…)`"
        } else {
            "write it like `branch = main AND type = push`, with quotes around what has blanks"
        };
        let span = part_of(condition.span, &condition.text, error.offset);
        let span = span.unwrap_or(condition.span);
        let place = (condition.path.as_str(), span);
        self.say(self.passed_over(), "bad-condition", place, error.message.clone(), help);
    }
}

/// On one line, for sentences.
fn inline(text: &str) -> String {
    const LONGEST: usize = 200;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = line.chars().take(LONGEST).collect();
    if short.len() < line.len() { format!("{short}…") } else { short }
}
