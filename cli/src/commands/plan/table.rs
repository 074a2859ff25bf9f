//! A plan for people: its jobs by stage, and why others are left out; as wide as the terminal.

use slipway_pipelines::plan::{Dropped, JobImage, JobPlan, Plan, Provider, Trigger, TriggerEvent};

use crate::print;

/// Longest name that is shown beside other columns.
const NAME: usize = 60;
/// Between two columns.
const GAP: usize = 2;
const HEADS: [&str; 5] = ["JOB", "NAME", "IMAGE", "SERVICES", "DEPLOYS"];

/// The lines. Jobs whose columns do not fit into `width` have a line below for what they need.
pub(super) fn lines(plan: &Plan, trigger: &Trigger, width: usize) -> Vec<String> {
    let mut lines = print::wrap(&heading(plan, trigger), width, 0);
    lines.push(String::new());
    lines.extend(jobs(plan, width));
    lines.extend(left_out(&plan.dropped, width));
    lines
}

fn jobs(plan: &Plan, width: usize) -> Vec<String> {
    let rows: Vec<[String; 5]> = plan.jobs.iter().map(row).collect();
    let widths: [usize; 5] = std::array::from_fn(|column| {
        let longest = rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
        // A column in which nobody has anything is none.
        if longest == 0 { 0 } else { longest.max(HEADS[column].len()) }
    });
    let whole: usize = widths.iter().filter(|width| **width > 0).map(|width| width + GAP).sum();
    let aligned = whole.saturating_sub(GAP) <= width;
    // Below each other, the numbers need no more room than the longest.
    let number = rows.iter().map(|row| row[0].len()).max().unwrap_or_default();
    let staged = plan.stages.len() > 1;
    let mut lines = Vec::new();
    if aligned {
        lines.push(in_columns(&HEADS, &widths));
    }
    for (index, stage) in plan.stages.iter().enumerate() {
        if staged {
            if !lines.is_empty() {
                lines.push(String::new());
            }
            lines.push(print::safe(&format!("stage {}", stage.name)));
        }
        for (job, row) in plan.jobs.iter().zip(&rows) {
            if usize::try_from(job.stage.0) != Ok(index) {
                continue;
            }
            match aligned {
                true => lines.push(in_columns(&row.each_ref().map(String::as_str), &widths)),
                false => lines.extend(stacked(job, row, number, width)),
            }
        }
    }
    lines
}

fn in_columns(cells: &[&str; 5], widths: &[usize; 5]) -> String {
    let mut line = String::new();
    for (cell, width) in cells.iter().zip(widths).filter(|(_, width)| **width > 0) {
        let pad = width + GAP - cell.chars().count();
        line.extend([*cell, &" ".repeat(pad)]);
    }
    line.trim_end().to_owned()
}

/// The name on its own lines, what the job needs below.
fn stacked(job: &JobPlan, row: &[String; 5], number: usize, width: usize) -> Vec<String> {
    let [_, _, image, services, deploys] = row;
    let indent = number + GAP;
    let title = format!("{:<number$}  {}", job.number.to_string(), name(job, usize::MAX));
    let mut lines = print::wrap(&title, width, indent);
    let mut needs = vec![format!("in {image}")];
    if !services.is_empty() {
        needs.push(format!("with {services}"));
    }
    if !deploys.is_empty() {
        needs.push(format!("deploys to {deploys}"));
    }
    let needs = format!("{}{}", " ".repeat(indent), needs.join(", "));
    lines.extend(print::wrap(&needs, width, indent));
    lines
}

fn row(job: &JobPlan) -> [String; 5] {
    let image = match &job.image {
        JobImage::Named { reference } => reference.clone(),
        JobImage::Build(build) => format!("built from {}", build.context),
    };
    let services: Vec<&str> = job.services.iter().map(|service| service.name.as_str()).collect();
    let deploys: Vec<String> = job.deploys.iter().map(|deploy| target(&deploy.provider)).collect();
    [job.number.to_string(), name(job, NAME), image, services.join(", "), deploys.join(", ")]
        .map(|cell| print::safe(&cell))
}

fn name(job: &JobPlan, most: usize) -> String {
    let allowed = if job.allow_failure { " (may fail)" } else { "" };
    print::safe(&format!("{}{allowed}", print::cut(&job.name, most)))
}

fn target(provider: &Provider) -> String {
    match provider {
        Provider::Registry(_) => "registry".to_owned(),
        Provider::Container(_) => "container".to_owned(),
        Provider::Elasticbeanstalk(_) => "elasticbeanstalk".to_owned(),
        Provider::Kubernetes(_) => "kubernetes".to_owned(),
        Provider::S3(_) => "s3".to_owned(),
        Provider::Script { .. } => "script".to_owned(),
        Provider::Unsupported { name } => format!("{name} (not supported)"),
    }
}

/// `12 jobs in 3 stages for a push to main`
fn heading(plan: &Plan, trigger: &Trigger) -> String {
    let stages = match plan.stages.len() {
        0 | 1 => String::new(),
        count => format!(" in {count} stages"),
    };
    let jobs = print::plural(plan.jobs.len(), "job");
    print::safe(&format!("{jobs}{stages} for {}", event(&trigger.event)))
}

fn event(event: &TriggerEvent) -> String {
    match event {
        TriggerEvent::Push { branch } => format!("a push to {branch}"),
        TriggerEvent::Tag { tag } => format!("the tag {tag}"),
        TriggerEvent::PullRequest(pull) => {
            let from = pull.head_repo.as_deref().filter(|_| pull.fork);
            let from = from.map_or(String::new(), |repo| format!(" of {repo}"));
            format!("a pull request from {}{from} to {}", pull.head_branch, pull.base)
        }
        TriggerEvent::Api { branch } => format!("a run of {branch} on request"),
        TriggerEvent::Cron { branch } => format!("a run of {branch} by the clock"),
    }
}

/// One line for each reason.
fn left_out(dropped: &[Dropped], width: usize) -> Vec<String> {
    /// How many are named.
    const MOST: usize = 3;
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for Dropped { name, reason } in dropped {
        match reasons.iter_mut().find(|(other, _)| other == reason) {
            Some((_, names)) => names.push(name),
            None => reasons.push((reason, vec![name])),
        }
    }
    let mut lines = Vec::new();
    for (reason, names) in reasons {
        let mut shown = names[..names.len().min(MOST)].join("; ");
        if names.len() > MOST {
            shown.push_str(&format!(" and {} more", names.len() - MOST));
        }
        let line = print::safe(&format!("not run: {shown}: {reason}"));
        lines.extend(print::wrap(&line, width, "not run: ".len()));
    }
    if !lines.is_empty() {
        lines.insert(0, String::new());
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use slipway_pipelines::plan::{Actor, CompileContext, Outcome, compile};

    use super::*;

    const FILE: &str = "\
language: python
python: ['3.11', '3.12']
services: [redis, postgresql]
script: pytest
jobs:
  include:
    - stage: ship
      name: To everybody
      services: []
      script: make
      deploy: {provider: script, script: ./ship}
    - stage: nightly
      name: first
      if: type = cron
      script: make all
    - stage: nightly
      name: second
      if: type = cron
      script: make more
  allow_failures:
    - python: '3.12'
";

    fn shown(width: usize) -> String {
        let trigger = Trigger {
            event: TriggerEvent::Push { branch: "main".to_owned() },
            commit: "0".repeat(40).parse().expect("a commit"),
            before: None,
            message: String::new(),
            author: String::new(),
            actor: Actor::Local { name: String::new() },
        };
        let (repo, images) = ("local/app".parse().expect("a name"), BTreeMap::new());
        let context = CompileContext {
            trigger: &trigger,
            repo: &repo,
            default_branch: "main",
            images: &images,
        };
        match compile(".ci.yml", FILE.as_bytes(), &context).outcome {
            Outcome::Plan(plan) => lines(&plan, &trigger, width).join("\n"),
            other => panic!("no plan: {other:?}"),
        }
    }

    #[test]
    fn a_wide_terminal_shows_columns_by_stage_and_one_line_for_each_reason() {
        assert_eq!(
            shown(usize::MAX),
            "\
3 jobs in 2 stages for a push to main

JOB  NAME                     IMAGE        SERVICES           DEPLOYS

stage test
1    python: 3.11             python:3.11  redis, postgresql
2    python: 3.12 (may fail)  python:3.12  redis, postgresql

stage ship
3    To everybody             python:3.11                     script

not run: job first; job second: `if: type = cron` does not hold: `type` is `push`."
        );
    }

    #[test]
    fn a_narrow_one_has_what_a_job_needs_below_its_name() {
        let words = shown(40);
        assert!(words.lines().all(|line| line.chars().count() <= 40), "{words}");
        assert!(
            words.contains(
                "\
stage test
1  python: 3.11
   in python:3.11, with redis,
   postgresql
"
            ),
            "{words}"
        );
        assert!(
            words.contains("3  To everybody\n   in python:3.11, deploys to script\n"),
            "{words}"
        );
        assert!(
            words.contains("not run: job first; job second: `if:\n         type = cron`"),
            "{words}"
        );
    }
}
