//! `parallel: N`: each copy of a job knows which it is.

use super::{EnvVar, JobPlan, ParallelCopy};
use crate::matrix::Copy;

/// The job as this copy of it: it finds its place in its environment.
pub(super) fn mark(mut job: JobPlan, copy: Copy) -> JobPlan {
    let Copy { index, total } = copy;
    let var = |name: &str, value: usize| EnvVar { name: name.to_owned(), value: value.to_string() };
    job.name = format!("{} ({index} of {total})", job.name);
    job.env.push(var("CI_NODE_INDEX", index));
    job.env.push(var("CI_NODE_TOTAL", total));
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    job.order.copy = Some(ParallelCopy { index: number(index), total: number(total) });
    job
}
