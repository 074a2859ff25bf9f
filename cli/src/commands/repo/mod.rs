//! `slipway repo …`: which repositories are built.

mod add;
mod bare;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use reqwest::Method;
use slipway_pipelines::names::RepoName;

use crate::api::ServerFlags;
use crate::print;
use crate::views;

/// Repositories that Slipway builds.
#[derive(Debug, clap::Args)]
pub(crate) struct Repo {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build a git repository: of this machine, or of GitHub.
    Add(add::Add),
    /// The repositories that are built.
    List(List),
    /// Build it again.
    Enable(One),
    /// Start no more runs of it; pushes are kept as ignored.
    Disable(One),
    /// Forget it, with its runs and secrets. The git repository stays.
    Remove(One),
}

#[derive(Debug, clap::Args)]
struct List {
    /// As JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerFlags,
}

#[derive(Debug, clap::Args)]
struct One {
    /// The repo, as OWNER/NAME.
    repo: RepoName,
    #[command(flatten)]
    server: ServerFlags,
}

/// Runs the command.
pub(crate) async fn run(arguments: Repo) -> Result<ExitCode> {
    match arguments.command {
        Command::Add(arguments) => add::run(arguments).await?,
        Command::List(arguments) => list(arguments).await?,
        Command::Enable(one) => enable(one, true).await?,
        Command::Disable(one) => enable(one, false).await?,
        Command::Remove(one) => remove(one).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(arguments: List) -> Result<()> {
    let (_data_dir, api) = arguments.server.connect()?;
    let repos: Vec<views::Repo> = api.get("repos").await?;
    if arguments.json {
        return print::json(&repos);
    }
    if repos.is_empty() {
        print::line("no repo yet; add the one you are in by: slipway repo add .");
        return Ok(());
    }
    let row = |repo: &views::Repo| {
        let state = if repo.enabled { "enabled" } else { "disabled" };
        vec![
            repo.name.clone(),
            state.to_owned(),
            repo.default_branch.clone(),
            repo.clone_url.clone(),
        ]
    };
    print::table(&["REPO", "STATE", "BRANCH", "FROM"], repos.iter().map(row));
    Ok(())
}

async fn enable(one: One, enabled: bool) -> Result<()> {
    let (_data_dir, api) = one.server.connect()?;
    let change = serde_json::json!({ "enabled": enabled });
    api.call_with(Method::PATCH, one.repo.as_str(), &change).await?;
    print::line(&format!("{} is {}", one.repo, if enabled { "enabled" } else { "disabled" }));
    Ok(())
}

async fn remove(one: One) -> Result<()> {
    let (data_dir, api) = one.server.connect()?;
    let known: Option<views::Repo> = api.find(one.repo.as_str()).await?;
    api.call(Method::DELETE, one.repo.as_str()).await?;
    if let Some(known) = known.filter(|known| known.kind == "git") {
        bare::unhook(std::path::Path::new(&known.clone_url))?;
        if std::path::Path::new(&known.clone_url).starts_with(data_dir.join("repos")) {
            print::line(&format!("its git repository stays in {}", known.clone_url));
        }
    }
    print::line(&format!("{} is removed", one.repo));
    Ok(())
}
