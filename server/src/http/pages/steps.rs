//! The steps of an attempt with the lines that a page holds of each.

use super::format::count;
use super::log::Line;
use crate::db::views::jobs::StepRow;

/// A step with its part of the log; without a step, what was said before the first.
pub(super) struct Section {
    pub(super) step: Option<StepRow>,
    /// The first and the last line of it that exist, from 1; `last` is smaller when there is none.
    pub(super) first: i64,
    pub(super) last: i64,
    /// Those of them that the page holds: they follow each other.
    pub(super) lines: Vec<Line>,
    pub(super) open: bool,
}

impl Section {
    /// How many lines are missing before the ones held.
    pub(super) fn above(&self) -> i64 {
        self.lines.first().map_or(0, |line| line.number - self.first)
    }
    /// How many are missing after them; all, if none is held.
    pub(super) fn below(&self) -> i64 {
        let held = self.lines.last().map_or(self.first - 1, |line| line.number);
        (self.last - held).max(0)
    }
    /// Both as people read numbers.
    pub(super) fn above_text(&self) -> String {
        count(self.above())
    }
    pub(super) fn below_text(&self) -> String {
        count(self.below())
    }
    /// A line of what is missing before.
    pub(super) fn before(&self) -> i64 {
        self.lines.first().map_or(self.first, |line| (line.number - 200).max(self.first))
    }
    /// The first line of what is missing after.
    pub(super) fn after(&self) -> i64 {
        self.lines.last().map_or(self.first, |line| line.number + 1)
    }
}

/// Gives each line to the last step that began at or before it. `first_lines` are the lines at
/// which the steps begin, `last` the last line of the log.
pub(super) fn sections(
    steps: Vec<StepRow>,
    first_lines: &[i64],
    last: i64,
    lines: Vec<Line>,
    asked: bool,
) -> Vec<Section> {
    let mut sections =
        vec![Section { step: None, first: 1, last: 0, lines: Vec::new(), open: true }];
    for (step, first) in steps.into_iter().zip(first_lines) {
        let open = step.outcome.is_none();
        let step = Some(step);
        sections.push(Section { step, first: *first, last: 0, lines: Vec::new(), open });
    }
    let mut end = last;
    for section in sections.iter_mut().rev() {
        section.last = end;
        end = section.first - 1;
    }
    // The failure is where the page opens; what follows it is seldom the cause.
    let red = |section: &&mut Section| section.step.as_ref().is_some_and(StepRow::red);
    if let Some(section) = sections.iter_mut().find(red) {
        section.open = true;
    }
    for line in lines {
        let at = sections.iter().rposition(|section| section.first <= line.number);
        if let Some(section) = sections.get_mut(at.unwrap_or(0)) {
            section.open |= asked;
            section.lines.push(line);
        }
    }
    sections.retain(|section| section.step.is_some() || section.last >= section.first);
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(outcome: Option<i32>) -> StepRow {
        StepRow {
            phase: "script".to_owned(),
            title: "make".to_owned(),
            log_from: 0,
            log_to: None,
            outcome: outcome.map(|code| serde_json::json!({ "outcome": "exited", "code": code })),
            started_at: chrono::DateTime::UNIX_EPOCH,
            finished_at: None,
        }
    }

    fn line(number: i64) -> Line {
        Line { number, offset: 0, html: String::new() }
    }

    #[test]
    fn each_step_knows_its_lines_and_what_is_missing_of_them() {
        let steps = vec![step(Some(0)), step(Some(1)), step(Some(0))];
        let held = (90..=101).map(line).collect();
        let sections = sections(steps, &[3, 50, 101], 120, held, false);
        let seen: Vec<_> = sections
            .iter()
            .map(|s| (s.first, s.last, s.lines.len(), s.above(), s.below(), s.open))
            .collect();
        assert_eq!(
            seen,
            [
                (1, 2, 0, 0, 2, true),
                (3, 49, 0, 0, 47, false),
                (50, 100, 11, 40, 0, true),
                (101, 120, 1, 0, 19, false),
            ]
        );
    }

    #[test]
    fn a_step_without_a_line_misses_none() {
        let sections = sections(vec![step(Some(0)), step(None)], &[1, 1], 0, Vec::new(), false);
        assert!(sections.iter().all(|section| section.below() == 0 && section.above() == 0));
        assert_eq!(sections.len(), 2, "nothing was said before the first step");
        assert!(sections[1].open, "the step that runs is open");
    }
}
