//! Does a condition hold?

use regex::{Regex, RegexBuilder};

use super::expr::{Expr, Operand, Pattern, Predicate};
use super::{Facts, Value};

/// Longest regular expression, and the largest that is prepared, in bytes.
const MAX_PATTERN: usize = 1000;
const MAX_REGEX: usize = 1024 * 1024;

/// A regular expression that can not be used.
pub(super) struct BadPattern {
    pub(super) message: String,
    pub(super) offset: usize,
}

pub(super) fn holds(expr: &Expr, facts: &Facts) -> Result<bool, BadPattern> {
    match expr {
        Expr::Any(parts) => {
            for part in parts {
                if holds(part, facts)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Expr::All(parts) => {
            for part in parts {
                if !holds(part, facts)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Expr::Not(part) => Ok(!holds(part, facts)?),
        Expr::Equal(left, right) => Ok(value(left, facts) == value(right, facts)),
        Expr::Matches(left, pattern) => matches(left, pattern, facts),
        Expr::In(left, list) => {
            let left = value(left, facts);
            Ok(list.iter().any(|item| value(item, facts) == left))
        }
        Expr::Changes(globs) => globs.hold(facts.changed()),
        Expr::Is(left, predicate) => Ok(is(&value(left, facts), *predicate)),
        Expr::Truth(operand) => Ok(truth(&value(operand, facts))),
    }
}

fn is(value: &Value, predicate: Predicate) -> bool {
    let present = match value {
        Value::Text(text) => !text.is_empty(),
        // As Travis: a boolean has no length.
        Value::Nothing | Value::Boolean(_) => false,
    };
    match predicate {
        Predicate::Present => present,
        Predicate::Blank => !present,
        Predicate::True => truth(value),
        Predicate::False => !truth(value),
    }
}

/// Every text is true, also the empty one.
fn truth(value: &Value) -> bool {
    match value {
        Value::Nothing => false,
        Value::Boolean(value) => *value,
        Value::Text(_) => true,
    }
}

fn value(operand: &Operand, facts: &Facts) -> Value {
    match operand {
        Operand::Word(text) => Value::of(text),
        Operand::Variable(variable) => facts.variable(*variable),
        Operand::Env(arguments) => match arguments.as_slice() {
            [name] => facts.env(&text(&value(name, facts))),
            _ => Value::Nothing,
        },
        Operand::Concat(arguments) => {
            Value::of(&arguments.iter().map(|part| text(&value(part, facts))).collect::<String>())
        }
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Nothing => String::new(),
        Value::Boolean(value) => value.to_string(),
        Value::Text(text) => text.clone(),
    }
}

fn matches(left: &Operand, pattern: &Pattern, facts: &Facts) -> Result<bool, BadPattern> {
    let (regex, offset) = match pattern {
        Pattern::Written { regex, offset } => (regex.clone(), *offset),
        Pattern::Called(call) => match value(call, facts) {
            // Nothing matches nothing.
            Value::Nothing => return Ok(false),
            called => (text(&called), 0),
        },
    };
    let Value::Text(left) = value(left, facts) else { return Ok(false) };
    Ok(prepare(&regex, offset)?.is_match(&left))
}

/// Can every regular expression that is written out be used?
pub(super) fn check(expr: &Expr) -> Result<(), BadPattern> {
    match expr {
        Expr::Any(parts) | Expr::All(parts) => parts.iter().try_for_each(check),
        Expr::Not(part) => check(part),
        Expr::Matches(_, Pattern::Written { regex, offset }) => prepare(regex, *offset).map(drop),
        Expr::Matches(_, Pattern::Called(_))
        | Expr::Equal(..)
        | Expr::In(..)
        | Expr::Is(..)
        | Expr::Changes(_)
        | Expr::Truth(_) => Ok(()),
    }
}

fn prepare(regex: &str, offset: usize) -> Result<Regex, BadPattern> {
    let bad = |why: &str| {
        let message = format!("{} {why}", crate::plan::quote(regex));
        BadPattern { message, offset }
    };
    if regex.len() > MAX_PATTERN {
        return Err(bad("is too long: a regular expression has at most 1000 bytes"));
    }
    // Travis' are Ruby's: `^` and `$` stand for the ends of every line.
    let built = RegexBuilder::new(regex).multi_line(true).size_limit(MAX_REGEX).build();
    built.map_err(|_| {
        bad("is not a regular expression that works here (look-around and back-references do not)")
    })
}
