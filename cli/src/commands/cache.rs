//! `slipway cache …`: what jobs keep from run to run.

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use reqwest::Method;
use slipway_pipelines::names::RepoName;
use slipway_pipelines::wire::api::{Cache as Shown, ClearedCaches};

use crate::api::ServerFlags;
use crate::print;

/// Caches of a repo: what its jobs keep from run to run, by branch and pull request.
#[derive(Debug, clap::Args)]
pub(crate) struct Cache {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The caches, those that were used last first.
    List(Chosen),
    /// Remove caches: all of them, or those that are chosen. The next run starts without.
    Clear(Chosen),
}

#[derive(Debug, clap::Args)]
struct Chosen {
    /// The repo, as OWNER/NAME.
    repo: RepoName,
    /// Only those of this branch (or tag).
    #[arg(long, value_name = "BRANCH", conflicts_with = "pull_request")]
    branch: Option<String>,
    /// Only those of this pull request.
    #[arg(long, value_name = "NUMBER")]
    pull_request: Option<i64>,
    /// Only those with this text in their name.
    #[arg(long = "match", value_name = "TEXT")]
    text: Option<String>,
    /// As JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerFlags,
}

impl Chosen {
    fn path(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let number = self.pull_request.map(|number| number.to_string());
        let chosen = [("branch", &self.branch), ("pull_request", &number), ("match", &self.text)];
        for (name, value) in chosen {
            query.extend_pairs(value.iter().map(|value| (name, value)));
        }
        format!("{}/caches?{}", self.repo, query.finish())
    }
}

/// Runs the command.
pub(crate) async fn run(arguments: Cache) -> Result<ExitCode> {
    match arguments.command {
        Command::List(chosen) => list(chosen).await?,
        Command::Clear(chosen) => clear(chosen).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(chosen: Chosen) -> Result<()> {
    let path = chosen.path();
    let (_data_dir, api) = chosen.server.connect()?;
    let caches: Vec<Shown> = api.get(&path).await?;
    if chosen.json {
        return print::json(&caches);
    }
    if caches.is_empty() {
        print::line(&format!("{} has no such cache", chosen.repo));
        return Ok(());
    }
    let rows = caches.iter().map(|cache| {
        vec![
            owner(cache),
            print::size(cache.size),
            print::ago(cache.used_at),
            print::ago(cache.stored_at),
            cache.name.clone(),
        ]
    });
    print::table(&["WHOSE", "SIZE", "USED", "STORED", "NAME"], rows);
    Ok(())
}

fn owner(cache: &Shown) -> String {
    let fork = if cache.fork { " (fork)" } else { "" };
    match (&cache.branch, cache.pull_request) {
        (Some(branch), _) => branch.clone(),
        (None, Some(number)) => format!("pull request {number}{fork}"),
        (None, None) => String::new(),
    }
}

async fn clear(chosen: Chosen) -> Result<()> {
    let path = chosen.path();
    let (_data_dir, api) = chosen.server.connect()?;
    let cleared: ClearedCaches = api.ask(Method::DELETE, &path).await?;
    if chosen.json {
        return print::json(&cleared);
    }
    let count = print::plural(usize::try_from(cleared.caches).unwrap_or(0), "cache");
    print::line(&format!("{count} of {} cleared, {}", chosen.repo, print::size(cleared.bytes)));
    Ok(())
}
