//! `slipway runs …`: what pushes started.

mod follow;
mod show;

use std::process::ExitCode;

use anyhow::{Result, bail};
use chrono::Utc;
use clap::Subcommand;
use reqwest::Method;
use serde::Deserialize;
use slipway_pipelines::names::RepoName;

use crate::api::{Api, ServerFlags};
use crate::print;
use crate::views::{self, Run as RunView};

/// Runs: everything that one push started.
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
    /// Only this branch.
    #[arg(long)]
    branch: Option<String>,
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
    if let Some(branch) = &arguments.branch {
        query.append_pair("branch", branch);
    }
    let runs: Vec<RunView> =
        api.get(&format!("{}/runs?{}", arguments.repo, query.finish())).await?;
    if arguments.json {
        return print::json(&runs);
    }
    if runs.is_empty() {
        print::line("no run yet; start one by: git push slipway");
        return Ok(());
    }
    let row = |run: &RunView| {
        let took = run
            .started_at
            .map(|from| print::duration(from, run.finished_at.unwrap_or_else(Utc::now)));
        vec![
            run.number.to_string(),
            run.state.clone(),
            print::cut(run.of(), 24),
            views::short(&run.commit).to_owned(),
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
    let runs: Vec<RunView> = api.get(&format!("{repo}/runs?limit=1")).await?;
    match runs.first() {
        Some(run) => Ok(run.number),
        None => bail!("{repo} has no run yet; start one by: git push slipway"),
    }
}

async fn show_one(one: One, json: bool) -> Result<()> {
    let (_data_dir, api) = one.server.connect()?;
    let number = number(&api, &one.repo, one.run).await?;
    let path = format!("{}/runs/{number}", one.repo);
    if json {
        let whole: serde_json::Value = api.get(&path).await?;
        return print::json(&whole);
    }
    let whole: views::WholeRun = api.get(&path).await?;
    show::whole(&api, &one.repo, &whole);
    Ok(())
}

async fn watch(one: One, commit: Option<String>) -> Result<ExitCode> {
    match watched(one, commit).await {
        Ok(code) => Ok(code),
        Err(error) => {
            crate::complain(&error);
            Ok(ExitCode::from(follow::NOT_FOLLOWED))
        }
    }
}

async fn watched(one: One, commit: Option<String>) -> Result<ExitCode> {
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

#[derive(Deserialize)]
struct Restarted {
    run: i32,
    url: String,
}

async fn restart(one: One) -> Result<()> {
    let (_data_dir, api) = one.server.connect()?;
    let number = number(&api, &one.repo, one.run).await?;
    let path = format!("{}/runs/{number}/restart", one.repo);
    let new: Restarted = api.post(&path, &serde_json::json!({})).await?;
    print::line(&format!("run {} repeats run {number}: {}", new.run, new.url));
    Ok(())
}
