//! `slipway job …`: one job of a run.

use std::io::Write;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Subcommand;
use reqwest::Method;
use slipway_pipelines::names::RepoName;

use crate::api::ServerFlags;
use crate::print;

const POLL: Duration = Duration::from_millis(400);
/// Asked for at a time, so that a large log is not held in memory.
const PART: u64 = 1 << 20;

/// Jobs: named RUN.JOB, as 12.1 is the first job of run 12.
#[derive(Debug, clap::Args)]
pub(crate) struct Job {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print a job's log as it is.
    Logs(Logs),
    /// Stop a job.
    Cancel(One),
}

#[derive(Debug, clap::Args)]
struct Logs {
    #[command(flatten)]
    one: One,
    /// Go on until the job ends.
    #[arg(long, short)]
    follow: bool,
    /// Of this attempt [default: the latest]
    #[arg(long, value_name = "N")]
    attempt: Option<i32>,
}

#[derive(Debug, clap::Args)]
struct One {
    /// The repo, as OWNER/NAME.
    repo: RepoName,
    /// The job, as RUN.JOB: 12.1 is the first job of run 12.
    job: Number,
    #[command(flatten)]
    server: ServerFlags,
}

/// `RUN.JOB`
#[derive(Clone, Copy, Debug)]
struct Number {
    run: i32,
    job: i32,
}

impl FromStr for Number {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text
            .split_once('.')
            .and_then(|(run, job)| Some(Self { run: run.parse().ok()?, job: job.parse().ok()? }));
        numbers.filter(|number| number.run > 0 && number.job > 0).ok_or("write RUN.JOB, as in 12.1")
    }
}

/// Runs the command.
pub(crate) async fn run(arguments: Job) -> Result<ExitCode> {
    match arguments.command {
        Command::Logs(logs) => print_log(logs).await?,
        Command::Cancel(one) => {
            let path = path(&one);
            let (_data_dir, api) = one.server.connect()?;
            api.call(Method::POST, &format!("{path}/cancel")).await?;
            print::line(&format!("job {}.{} is being canceled", one.job.run, one.job.job));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn path(one: &One) -> String {
    format!("{}/runs/{}/jobs/{}", one.repo, one.job.run, one.job.job)
}

async fn print_log(logs: Logs) -> Result<()> {
    let path = path(&logs.one);
    let (_data_dir, api) = logs.one.server.clone().connect()?;
    let known: Option<serde_json::Value> = api.find(&path).await?;
    let Number { run, job } = logs.one.job;
    known.with_context(|| format!("run {run} of {} has no job {job}", logs.one.repo))?;
    let attempt = logs.attempt.map(|number| format!("&attempt={number}")).unwrap_or_default();
    let mut offset = 0;
    loop {
        let answer =
            api.get_raw(&format!("{path}/log?offset={offset}&limit={PART}{attempt}")).await?;
        let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let complete = header("slipway-log-complete") == Some("true");
        let length: u64 =
            header("slipway-log-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        let bytes = answer.bytes().await.context("the log broke off")?;
        let mut out = std::io::stdout().lock();
        if out.write_all(&bytes).and_then(|()| out.flush()).is_err() {
            // The reader went away.
            return Ok(());
        }
        drop(out);
        offset += bytes.len() as u64;
        if length < offset {
            // Another attempt has begun: its log is another one.
            offset = 0;
        } else if offset >= length {
            if complete || !logs.follow {
                return Ok(());
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_named_by_two_numbers() {
        assert!(matches!("12.1".parse(), Ok(Number { run: 12, job: 1 })));
        for wrong in ["", "12", "12.", ".1", "0.1", "12.x", "1.2.3"] {
            assert!(wrong.parse::<Number>().is_err(), "{wrong:?}");
        }
    }
}
