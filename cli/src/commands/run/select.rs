//! `--job`: only some of a plan's jobs.

use anyhow::{Result, bail};
use slipway_pipelines::plan::{JobPlan, Plan};

use crate::print;

/// Leaves those that are asked for, each by its number or its name; none asked for: all. They wait
/// for none of the others.
pub(super) fn jobs(plan: &mut Plan, asked: &[String]) -> Result<()> {
    for one in asked {
        if !plan.jobs.iter().any(|job| is(job, one)) {
            let named = |job: &JobPlan| format!("{} ({})", job.number, print::safe(&job.name));
            let all: Vec<String> = plan.jobs.iter().map(named).collect();
            bail!("there is no job {one:?}; there are {}", all.join(", "));
        }
    }
    if !asked.is_empty() {
        plan.jobs.retain(|job| asked.iter().any(|one| is(job, one)));
        let left: Vec<_> = plan.jobs.iter().map(|job| job.number).collect();
        for job in &mut plan.jobs {
            job.order.needs.retain(|needed| left.contains(needed));
        }
    }
    Ok(())
}

fn is(job: &JobPlan, asked: &str) -> bool {
    job.name == asked || job.number.to_string() == asked
}
