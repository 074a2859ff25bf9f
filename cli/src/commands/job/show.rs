//! `slipway job show`: a job, its attempts and steps, and how to get into its container.

use anyhow::{Context as _, Result};
use chrono::Utc;
use slipway_pipelines::wire::api::{Step, WholeJob};

use super::super::attempts::{again, of_attempt, of_job};
use super::{Number, One, path};
use crate::print;

/// What to show, and how.
#[derive(Debug, clap::Args)]
pub(super) struct Show {
    #[command(flatten)]
    one: One,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// Prints it.
pub(super) async fn run(show: Show) -> Result<()> {
    let path = path(&show.one);
    let (repo, Number { run, job }) = (show.one.repo.clone(), show.one.job);
    let (_data_dir, api) = show.one.server.connect()?;
    let whole: Option<WholeJob> = api.find(&path).await?;
    let whole = whole.with_context(|| format!("run {run} of {repo} has no job {job}"))?;
    if show.json {
        return print::json(&whole);
    }
    print::line(&of_job(run, &whole.job));
    print::line(&format!("  {}", api.page(&path)));
    if let Some(line) = again(&whole) {
        print::line(&format!("  {line}"));
    }
    for attempt in &whole.attempts {
        print::line(&format!("  {}", of_attempt(&attempt.attempt)));
        for step in &attempt.steps {
            print::line(&format!("    {}", of_step(step)));
        }
    }
    let shell = format!("slipway job shell {repo} {run}.{job}");
    if let Some(until) = whole.kept_until {
        print::line(&format!("kept until {}: {shell}", until.format("%H:%M UTC")));
    } else if whole.job.state == "running" {
        print::line(&format!("it runs: {shell}"));
    }
    Ok(())
}

/// `script  make test  exited with 2 in 31 s`
fn of_step(step: &Step) -> String {
    let title = print::cut(&print::safe(step.title.lines().next().unwrap_or_default()), 60);
    let took = print::duration(step.started_at, step.finished_at.unwrap_or_else(Utc::now));
    let word = match &step.outcome {
        None => "runs".to_owned(),
        Some(outcome) => match (outcome["outcome"].as_str(), outcome["code"].as_i64()) {
            (Some("exited"), Some(code)) => format!("exited with {code}"),
            (Some(word), _) => word.to_owned(),
            (None, _) => "ended".to_owned(),
        },
    };
    format!("{}  {title}  {word} in {took}", step.phase)
}
