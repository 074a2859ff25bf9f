//! Bars: how long things took, as SVG with attributes only, since the policy allows no inline style.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::format::{duration, tone};
use crate::db::views::jobs::JobRow;
use crate::db::views::queue::WorkerRow;
use crate::db::views::runs::RunRow;

/// So many runs make a trend.
const TREND: usize = 20;

/// The last runs as bars, oldest left: height is duration, colour (and the title) the state.
pub(super) fn trend(runs: &[RunRow]) -> String {
    if runs.is_empty() {
        return String::new();
    }
    let runs = runs.get(..TREND.min(runs.len())).unwrap_or_default();
    let longest = runs.iter().map(RunRow::seconds).max().unwrap_or(1);
    let red = runs.iter().filter(|run| matches!(run.state.as_str(), "failed" | "errored")).count();
    let label = format!("{red} of the last {} runs went wrong", runs.len());
    let mut svg = format!(
        "<svg class=\"trend\" viewBox=\"0 0 170 28\" role=\"img\" aria-label=\"{label}\">\
         <rect class=\"r-base\" x=\"0\" y=\"27\" width=\"170\" height=\"1\"/>"
    );
    for (at, run) in runs.iter().enumerate() {
        let height = (run.seconds() * 24 / longest).max(4);
        // From the right: the newest is always in the same place.
        let x = 170 - 7 - i64::try_from(at).unwrap_or(0) * 8 - i64::try_from(at / 2).unwrap_or(0);
        let (y, tone) = (27 - height, tone(&run.state));
        let (state, number, took) = (&run.state, run.number, duration(run.seconds()));
        let _infallible = write!(
            svg,
            "<rect class=\"r-{tone}\" x=\"{x}\" y=\"{y}\" width=\"6\" height=\"{height}\">\
             <title>#{number} {state}, {took}</title></rect>"
        );
    }
    svg.push_str("</svg>");
    svg
}

/// A job's waiting and its running over the time of the whole run.
pub(super) fn track(job: &JobRow, from: DateTime<Utc>, to: DateTime<Utc>) -> String {
    let whole = (to - from).num_milliseconds().max(1);
    let at = |time: DateTime<Utc>| ((time - from).num_milliseconds() * 1000 / whole).clamp(0, 1000);
    let mut svg = String::from(
        "<svg class=\"track\" viewBox=\"0 0 1000 12\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
         <rect class=\"r-base\" width=\"1000\" height=\"12\"/>",
    );
    let end = at(job.finished_at.unwrap_or(to));
    if let Some(queued) = job.queued_at.map(at) {
        let wait = job.started_at.map_or(end, at) - queued;
        let _infallible = write!(
            svg,
            "<rect class=\"r-wait\" x=\"{queued}\" y=\"4\" width=\"{}\" height=\"4\"/>",
            wait.max(0)
        );
    }
    if let Some(start) = job.started_at.map(at) {
        // A job of a second in a run of an hour is still to be seen.
        let (start, width) = (start.min(992), (end - start).max(8));
        let tone =
            if job.allow_failure && tone(&job.state) == "bad" { "mute" } else { tone(&job.state) };
        let _infallible =
            write!(svg, "<rect class=\"r-{tone}\" x=\"{start}\" width=\"{width}\" height=\"12\"/>");
    }
    svg.push_str("</svg>");
    svg
}

/// A worker's slots, the busy ones filled.
pub(super) fn slots(worker: &WorkerRow) -> String {
    let slots = i64::from(worker.slots).clamp(1, 32);
    let mut svg = format!(
        "<svg class=\"track\" viewBox=\"0 0 {} 12\" preserveAspectRatio=\"none\" aria-hidden=\"true\">",
        slots * 100
    );
    for slot in 0..slots {
        let tone = if slot < worker.busy { "busy" } else { "wait" };
        let _infallible = write!(
            svg,
            "<rect class=\"r-{tone}\" x=\"{}\" width=\"96\" height=\"12\"/>",
            slot * 100 + 2
        );
    }
    svg.push_str("</svg>");
    svg
}
