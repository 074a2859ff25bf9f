//! `slipway repo …`: which repositories are built.

mod add;
mod bare;
mod members;
mod set;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use reqwest::Method;
use slipway_pipelines::names::RepoName;

use crate::api::{Api, Listing, ServerFlags};
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
    /// Change which events start runs of it.
    Set(set::Set),
    /// Who may do what in it, of those that logged in.
    Members(Listing),
    /// Give somebody a role in it, beside what GitHub lets them do.
    Grant(members::Grant),
    /// Take back what was given.
    Revoke(members::Revoke),
    /// Forget it, with its runs and secrets. The git repository stays.
    Remove(One),
}

#[derive(Debug, clap::Args)]
struct List {
    /// What the server's credential for GitHub can see, and whether it is built.
    #[arg(long)]
    github: bool,
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
        Command::Set(arguments) => set::run(arguments).await?,
        Command::Members(arguments) => members::list(arguments).await?,
        Command::Grant(arguments) => members::grant(arguments).await?,
        Command::Revoke(arguments) => members::revoke(arguments).await?,
        Command::Remove(one) => remove(one).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(arguments: List) -> Result<()> {
    let (_data_dir, api) = arguments.server.connect()?;
    if arguments.github {
        return list_github(&api, arguments.json).await;
    }
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

async fn list_github(api: &Api, json: bool) -> Result<()> {
    let seen: views::GithubRepos = api.get("github-repos").await?;
    if json {
        return print::json(&seen);
    }
    if seen.repos.is_empty() {
        print::line(
            "GitHub shows the server no repository: give the token access to one, or install the \
             GitHub App on one",
        );
        return Ok(());
    }
    let row = |repo: &views::GithubRepo| {
        let built = match repo.enabled {
            Some(true) => "built",
            Some(false) => "disabled",
            None if repo.archived => "archived",
            None => "-",
        };
        let access = if repo.private { "private" } else { "public" };
        vec![repo.name.clone(), built.to_owned(), access.to_owned()]
    };
    print::table(&["REPO", "HERE", "ACCESS"], seen.repos.iter().map(row));
    if seen.cut {
        print::line("there are more; name one of them to: slipway repo add --github OWNER/NAME");
    }
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
