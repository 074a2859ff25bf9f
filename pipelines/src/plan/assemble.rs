//! From the jobs of the matrix to those of the plan.

use std::collections::HashMap;
use std::rc::Rc;

use super::job::{self, Built};
use super::reader::{At, Reader};
use super::whole::Whole;
use super::{Dropped, Plan, StagePlan, labels, needs, notifications};
use crate::ids::{JobNumber, StageIndex};
use crate::language::{Node, Value};
use crate::matrix::{Expansion, Origin};

/// Largest plan, in bytes of the file's text in all its jobs together.
const MAX_PLAN: usize = 16 * 1024 * 1024;

/// Where jobs are whose stage is nowhere written.
const DEFAULT_STAGE: &str = "test";

/// The plan; equal jobs are one, and the numbers start at 1.
pub(super) fn plan(
    reader: &mut Reader,
    name: &str,
    whole: &Whole<'_>,
    expansion: &Expansion,
) -> Option<Plan> {
    if is_too_large(reader, whole, expansion) {
        return None;
    }
    let stages: Vec<String> = match expansion.stages.as_slice() {
        [] => vec![DEFAULT_STAGE.to_owned()],
        stages => stages.iter().map(|stage| stage_name(&stage.name)).collect(),
    };
    for dropped in &expansion.dropped {
        reader.drop(dropped.name.clone(), dropped.reason.clone());
    }
    let mut built: Vec<Built<'_>> = Vec::new();
    for job in &expansion.jobs {
        let place = job.stage.unwrap_or(0).min(stages.len() - 1);
        let Some(next) = job::build(reader, whole, job, &stages[place]) else { continue };
        let next = Built { stage: place, ..next };
        if !built.iter().any(|other| other.stage == place && other.plan == next.plan) {
            built.push(next);
        }
    }
    let used: Vec<usize> =
        (0..stages.len()).filter(|place| built.iter().any(|job| job.stage == *place)).collect();
    let (mut jobs, mut wanted, mut bases) = (Vec::new(), Vec::new(), Vec::new());
    for (Built { mut plan, stage, needs, base }, number) in built.into_iter().zip(1..) {
        let place = used.iter().position(|used| *used == stage).unwrap_or_default();
        plan.stage = StageIndex(i32::try_from(place).unwrap_or_default());
        plan.number = JobNumber(number);
        jobs.push(plan);
        wanted.push(needs);
        bases.push(base);
    }
    let written = whole.names();
    let names = needs::Names::new(&jobs, &bases, &written);
    needs::settle(reader, &mut jobs, &wanted, &names);
    let notifications =
        expansion.notifications.as_ref().map(|node| At::new(node, "notifications".to_owned()));
    let notifications =
        notifications.map(|at| reader.silently(|reader| notifications::read(reader, &at)));
    Some(Plan {
        file: name.to_owned(),
        stages: used.iter().map(|place| StagePlan { name: stages[*place].clone() }).collect(),
        jobs,
        dropped: reader.dropped.clone(),
        fast_finish: whole.fast_finish,
        concurrency: whole.concurrency.clone(),
        notifications: notifications.unwrap_or_default(),
    })
}

fn stage_name(written: &str) -> String {
    labels::line(written).unwrap_or_else(|| DEFAULT_STAGE.to_owned())
}

/// Every job repeats what it inherits, so a long script times many jobs is refused before it is
/// copied.
fn is_too_large(reader: &mut Reader, whole: &Whole<'_>, expansion: &Expansion) -> bool {
    let mut weights: HashMap<*const Node, usize> = HashMap::new();
    let mut total = 0_usize;
    for node in expansion.jobs.iter().flat_map(|job| job.config.values()) {
        let weight = *weights.entry(Rc::as_ptr(node)).or_insert_with(|| weight(node));
        total = total.saturating_add(weight);
    }
    if total > MAX_PLAN {
        let message = format!(
            "its {} jobs together would carry {total} bytes of the file; at most {MAX_PLAN}",
            expansion.jobs.len()
        );
        let help = "move long scripts into files of the repo and call them";
        reader.error(&whole.root, "plan-too-large", message, help);
    }
    total > MAX_PLAN
}

fn weight(node: &Node) -> usize {
    /// What a node costs besides its text.
    const NODE: usize = 64;
    match &node.value {
        Value::Scalar { text, .. } => NODE + text.len(),
        Value::List(nodes) => NODE + nodes.iter().map(weight).sum::<usize>(),
        Value::Map(entries) => {
            NODE + entries.iter().map(|e| NODE + e.key.len() + weight(&e.value)).sum::<usize>()
        }
    }
}

/// Which row of `jobs.include` a job is.
pub(super) fn row(origin: &Origin) -> Option<usize> {
    match origin {
        Origin::Row { index, .. } => Some(*index),
        Origin::Cell => None,
    }
}

/// Why no job is left.
pub(super) fn no_job(dropped: &[Dropped]) -> String {
    match dropped {
        [] => "`jobs.exclude` leaves no job of the matrix.".to_owned(),
        [only] => format!("no job is left; {}: {}", only.name, only.reason),
        [first, rest @ ..] => {
            let count = rest.len();
            format!("no job is left; {}: {} ({count} more like it)", first.name, first.reason)
        }
    }
}
