//! `slipway plan --condition TEXT`: true, false, or where it stops being a condition.

use std::process::ExitCode;

use slipway_pipelines::condition::{Condition, ConditionError, Facts, Variable};

use crate::print;

/// Exits 0 for true and for false, 1 when it can not be read.
pub(super) fn run(text: &str, facts: &Facts) -> ExitCode {
    let facts = facts.clone().with(Variable::Os, "linux");
    let value = Condition::parse(text).and_then(|condition| condition.holds(&facts));
    match value {
        Ok(value) => {
            print::line(if value { "true" } else { "false" });
            ExitCode::SUCCESS
        }
        Err(error) => {
            show(text, &error);
            ExitCode::FAILURE
        }
    }
}

/// The line with a caret below the place.
fn show(text: &str, error: &ConditionError) {
    /// How much of a long line is shown before and after the place, in characters.
    const REACH: usize = 60;
    let at = text.floor_char_boundary(error.offset);
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let before: Vec<char> = text[start..at].chars().collect();
    let shown = &before[before.len().saturating_sub(REACH)..];
    let after = text[at..].lines().next().unwrap_or_default().chars().take(REACH);
    let line: String = shown.iter().copied().chain(after).collect();
    print::line(&print::safe(&line));
    print::line(&format!("{}^", " ".repeat(shown.len())));
    print::line(&format!("error: {}", print::safe(&error.message)));
}
