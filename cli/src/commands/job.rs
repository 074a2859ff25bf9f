//! `slipway job …`: one job of a run.

pub(crate) mod shell;
mod show;
mod terminal;

use std::io::Write;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Subcommand;
use reqwest::Method;
use slipway_pipelines::names::RepoName;
use slipway_pipelines::wire::api::WholeJob;

use super::attempts;
use super::runs::follow;
use crate::api::{Api, ServerFlags, patiently};
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
    /// The jobs of a run.
    List(List),
    /// A job: its attempts and steps, and until when its container is kept.
    Show(show::Show),
    /// Print a job's log as it is.
    Logs(Logs),
    Shell(shell::Shell),
    /// Stop a job.
    Cancel(One),
}

#[derive(Debug, clap::Args)]
struct List {
    /// The repo, as OWNER/NAME.
    repo: RepoName,
    /// The run's number.
    run: i32,
    /// As JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerFlags,
}

#[derive(Debug, clap::Args)]
struct Logs {
    #[command(flatten)]
    one: One,
    /// Go on until the job ends, also over a restart of the server. The exit code is the job's
    /// then: 0 passed or skipped, 1 failed, 2 errored, 3 canceled, 10 when it could not be followed.
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
        Command::Show(arguments) => show::run(arguments).await?,
        Command::List(List { repo, run, json, server }) => {
            let (_data_dir, api) = server.connect()?;
            attempts::list(&api, &repo, run, json).await?;
        }
        Command::Logs(arguments) => return logs(arguments).await,
        Command::Shell(arguments) => return shell::run(arguments).await,
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

async fn known(
    api: &Api,
    path: &str,
    repo: &RepoName,
    Number { run, job }: Number,
) -> Result<WholeJob> {
    let known: Option<WholeJob> = api.find(path).await?;
    known.with_context(|| format!("run {run} of {repo} has no job {job}"))
}

async fn logs(logs: Logs) -> Result<ExitCode> {
    let (path, number, repo) = (path(&logs.one), logs.one.job, logs.one.repo);
    let (_data_dir, api) = logs.one.server.connect()?;
    let known = known(&api, &path, &repo, number).await?;
    let latest = known.attempts.last().map(|whole| whole.attempt.number);
    let reader = Reader { api, path };
    if logs.follow {
        return Ok(follow::watched(reader.follow(known, logs.attempt).await));
    }
    if let Some(attempt) = logs.attempt.or(latest) {
        reader.print(attempt, 0).await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints a job's logs.
struct Reader {
    api: Api,
    path: String,
}

impl Reader {
    /// Prints until the job, or the attempt that was named, has ended.
    async fn follow(&self, mut job: WholeJob, named: Option<i32>) -> Result<ExitCode> {
        let (mut attempt, mut offset) = (named, 0);
        loop {
            let latest = job.attempts.last().map(|whole| whole.attempt.number);
            if attempt.is_none() {
                attempt = latest;
            }
            let read = match attempt {
                Some(attempt) => self.print(attempt, offset).await?,
                None => Read { offset: 0, complete: false, unheard: false },
            };
            if read.unheard {
                return Ok(ExitCode::SUCCESS);
            }
            offset = read.offset;
            let Some(state) = ended(&job, named) else {
                if read.complete && named.is_none() && attempt < latest {
                    // The job goes on in another attempt, with its own log.
                    (attempt, offset) = (latest, 0);
                    announce(latest);
                    continue;
                }
                tokio::time::sleep(POLL).await;
                job = patiently(async || self.api.get(&self.path).await).await?;
                continue;
            };
            // What was written between the last read and the end.
            if let Some(attempt) = attempt.filter(|_| !read.complete) {
                self.print(attempt, offset).await?;
            }
            return Ok(ExitCode::from(follow::code(&state)));
        }
    }

    /// Prints what there is of an attempt's log from `offset` on.
    async fn print(&self, attempt: i32, offset: u64) -> Result<Read> {
        print_log(&self.api, &format!("{}/log?attempt={attempt}&", self.path), offset).await
    }
}

/// Prints what there is of a log from `offset` on; `path` ends where a query goes on.
pub(in crate::commands) async fn print_log(api: &Api, path: &str, mut offset: u64) -> Result<Read> {
    loop {
        let path = format!("{path}offset={offset}&limit={PART}");
        let (bytes, complete, length) = patiently(async || {
            let answer = api.get_raw(&path).await?;
            let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
            let complete = header("slipway-log-complete") == Some("true");
            let length = header("slipway-log-length").and_then(|text| text.parse().ok());
            Ok((crate::api::whole(answer).await?, complete, length.unwrap_or(0)))
        })
        .await?;
        let mut out = std::io::stdout().lock();
        if out.write_all(&bytes).and_then(|()| out.flush()).is_err() {
            return Ok(Read { offset, complete: true, unheard: true });
        }
        offset += bytes.len() as u64;
        if offset >= length || bytes.is_empty() {
            let complete = complete && offset >= length;
            return Ok(Read { offset, complete, unheard: false });
        }
    }
}

/// How far a log was read, and whether that is all there will be.
pub(in crate::commands) struct Read {
    pub(in crate::commands) offset: u64,
    pub(in crate::commands) complete: bool,
    /// Nobody reads what is printed any more (`| head`).
    pub(in crate::commands) unheard: bool,
}

/// The final state of the job, or of the attempt that was named.
fn ended(job: &WholeJob, named: Option<i32>) -> Option<String> {
    let Some(number) = named else {
        return job.job.finished_at.map(|_| job.job.state.clone());
    };
    let attempt = job.attempts.iter().find(|whole| whole.attempt.number == number)?;
    attempt.attempt.finished_at.map(|_| attempt.attempt.state.clone())
}

/// To standard error: it is no part of the log.
#[expect(clippy::print_stderr, reason = "a command speaks to its user")]
fn announce(attempt: Option<i32>) {
    if let Some(number) = attempt {
        eprintln!("slipway: that attempt is over; attempt {number} begins");
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
