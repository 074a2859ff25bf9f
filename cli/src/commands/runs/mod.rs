//! `slipway runs …`: what pushes, pull requests and people started.

pub(super) mod follow;
pub(super) mod show;

use std::process::ExitCode;

use anyhow::{Result, bail};
use chrono::Utc;
use clap::Subcommand;
use reqwest::Method;
use slipway_pipelines::names::RepoName;
use slipway_pipelines::wire::api::{self, Started, WholeRun};

use crate::api::{Api, ServerFlags};
use crate::print;
use crate::views::short;

/// How the first run begins.
const NO_RUN: &str = "no run yet; start one by a push, or by: slipway trigger";

/// Runs: everything that one trigger started.
#[derive(Debug, clap::Args)]
pub(crate) struct Runs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The newest runs of a repo.
    List(List),
    /// One run: its jobs, deployments and problems.
    Show(Show),
    /// Follow a run until it ends. Exit code: 0 passed or skipped, 1 failed, 2 errored, 3 canceled,
    /// 10 when it could not be followed.
    Watch(Watch),
    /// Stop a run.
    Cancel(One),
    /// Run the same commit again.
    Restart(One),
}

#[derive(Debug, clap::Args)]
struct List {
    /// The repo, as OWNER/NAME.
    repo: RepoName,
    /// Only runs of this branch, without the pull requests into it.
    #[arg(long)]
    branch: Option<String>,
    /// Only runs in this state.
    #[arg(long, value_parser = ["planning", "queued", "running", "passed", "failed", "errored", "canceled", "skipped"])]
    state: Option<String>,
    /// Only runs that this started.
    #[arg(long, value_parser = ["push", "tag", "pull_request", "api"])]
    event: Option<String>,
    /// Only runs that this person caused.
    #[arg(long, value_name = "WHO")]
    actor: Option<String>,
    /// How many, at most 100.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,
    /// As JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerFlags,
}

#[derive(Debug, clap::Args)]
struct Show {
    #[command(flatten)]
    one: One,
    /// Follow it until it ends, as `runs watch` does.
    #[arg(long, short)]
    follow: bool,
    /// As JSON.
    #[arg(long, conflicts_with = "follow")]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Watch {
    #[command(flatten)]
    one: One,
    /// The run of this commit instead of a number; waited for if it is not there yet.
    #[arg(long, value_name = "SHA", conflicts_with = "run")]
    commit: Option<String>,
}

#[derive(Debug, clap::Args)]
struct One {
    /// The repo, as OWNER/NAME.
    repo: RepoName,
    /// The run's number [default: the newest]
    run: Option<i32>,
    #[command(flatten)]
    server: ServerFlags,
}

/// Runs the command.
pub(crate) async fn run(arguments: Runs) -> Result<ExitCode> {
    match arguments.command {
        Command::List(arguments) => list(arguments).await?,
        Command::Show(Show { one, follow: true, .. }) => return watch(one, None).await,
        Command::Show(Show { one, json, .. }) => show_one(one, json).await?,
        Command::Watch(Watch { one, commit }) => return watch(one, commit).await,
        Command::Cancel(one) => cancel(one).await?,
        Command::Restart(one) => restart(one).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(arguments: List) -> Result<()> {
    let (_data_dir, api) = arguments.server.connect()?;
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("limit", &arguments.limit.to_string());
    let filters = [
        ("branch", &arguments.branch),
        ("state", &arguments.state),
        ("event", &arguments.event),
        ("actor", &arguments.actor),
    ];
    for (name, value) in &filters {
        query.extend_pairs(value.iter().map(|value| (name, value)));
    }
    let runs: Vec<api::Run> =
        api.get(&format!("{}/runs?{}", arguments.repo, query.finish())).await?;
    if arguments.json {
        return print::json(&runs);
    }
    if runs.is_empty() {
        let filtered = filters.iter().any(|(_, value)| value.is_some());
        print::line(if filtered { "no run matches" } else { NO_RUN });
        return Ok(());
    }
    let row = |run: &api::Run| {
        let took = run
            .started_at
            .map(|from| print::duration(from, run.finished_at.unwrap_or_else(Utc::now)));
        vec![
            run.number.to_string(),
            run.state.clone(),
            print::cut(&run.of(), 24),
            short(&run.commit).to_owned(),
            print::cut(&run.subject, 48),
            print::ago(run.created_at),
            took.unwrap_or_default(),
        ]
    };
    let heads = ["RUN", "STATE", "BRANCH", "COMMIT", "SUBJECT", "WHEN", "TOOK"];
    print::table(&heads, runs.iter().map(row));
    Ok(())
}

/// The number that was named, or the newest run's.
async fn number(api: &Api, repo: &RepoName, named: Option<i32>) -> Result<i32> {
    if let Some(number) = named {
        return Ok(number);
    }
    let runs: Vec<api::Run> = api.get(&format!("{repo}/runs?limit=1")).await?;
    match runs.first() {
        Some(run) => Ok(run.number),
        None => bail!("{repo} has {NO_RUN}"),
    }
}

async fn show_one(one: One, json: bool) -> Result<()> {
    let (_data_dir, api) = one.server.connect()?;
    let number = number(&api, &one.repo, one.run).await?;
    let whole: WholeRun = api.get(&format!("{}/runs/{number}", one.repo)).await?;
    if json {
        return print::json(&whole);
    }
    show::whole(&api, &one.repo, &whole);
    Ok(())
}

async fn watch(one: One, commit: Option<String>) -> Result<ExitCode> {
    Ok(follow::watched(follow_one(one, commit).await))
}

async fn follow_one(one: One, commit: Option<String>) -> Result<ExitCode> {
    let (_data_dir, api) = one.server.connect()?;
    let number = match commit {
        Some(commit) => follow::of_commit(&api, &one.repo, &commit).await?,
        None => number(&api, &one.repo, one.run).await?,
    };
    follow::follow(&api, &one.repo, number).await
}

async fn cancel(one: One) -> Result<()> {
    let (_data_dir, api) = one.server.connect()?;
    let number = number(&api, &one.repo, one.run).await?;
    api.call(Method::POST, &format!("{}/runs/{number}/cancel", one.repo)).await?;
    print::line(&format!("run {number} of {} is being canceled", one.repo));
    Ok(())
}

async fn restart(one: One) -> Result<()> {
    let (_data_dir, api) = one.server.connect()?;
    let number = number(&api, &one.repo, one.run).await?;
    let path = format!("{}/runs/{number}/restart", one.repo);
    let new: Started = api.post(&path, &serde_json::json!({})).await?;
    print::line(&format!("run {} repeats run {number}: {}", new.run, new.url));
    Ok(())
}
