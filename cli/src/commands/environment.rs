//! `slipway environment …`: the rules of an environment, which the server keeps and no file of a
//! repo changes.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Subcommand;
use reqwest::Method;
use slipway_pipelines::names::{EnvironmentName, RepoName};
use slipway_pipelines::wire::api::{
    ChangeRules, Environment as Shown, EnvironmentRules, WholeEnvironment,
};

use crate::api::{Listing, ServerFlags};
use crate::print;
use crate::views::short;

/// Environments of a repo: what is live there, and who may deploy how.
#[derive(Debug, clap::Args)]
pub(crate) struct Environment {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Each environment with its rules.
    List(Listing),
    /// One environment with its rules.
    Show(Show),
    /// Change rules; what is not named stays. An environment that nothing was deployed to yet is
    /// made.
    Set(Set),
}

#[derive(Debug, clap::Args)]
struct Show {
    /// The repo, as OWNER/NAME.
    repo: RepoName,
    /// The environment.
    environment: EnvironmentName,
    /// As JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerFlags,
}

#[derive(Debug, clap::Args)]
#[group(id = "rules", required = true, multiple = true, args = ["approval", "branches",
    "newest_wins", "ambient", "writers_approve"])]
struct Set {
    /// The repo, as OWNER/NAME.
    repo: RepoName,
    /// The environment.
    environment: EnvironmentName,
    /// Does each deployment wait until somebody approves it?
    #[arg(long, value_name = "true|false")]
    approval: Option<bool>,
    /// Only these branches are deployed: main,release; an empty text: all.
    #[arg(long, value_name = "BRANCHES")]
    branches: Option<String>,
    /// Does a newer deployment take the place of those that wait?
    #[arg(long, value_name = "true|false")]
    newest_wins: Option<bool>,
    /// May a deploy use the worker's own identity: its cloud role, the cluster it runs in?
    #[arg(long, value_name = "true|false")]
    ambient: Option<bool>,
    /// May everybody who may write approve, and not only admins of the repo?
    #[arg(long, value_name = "true|false")]
    writers_approve: Option<bool>,
    #[command(flatten)]
    server: ServerFlags,
}

/// Runs the command.
pub(crate) async fn run(arguments: Environment) -> Result<ExitCode> {
    match arguments.command {
        Command::List(arguments) => list(arguments).await?,
        Command::Show(arguments) => show(arguments).await?,
        Command::Set(arguments) => set(arguments).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(arguments: Listing) -> Result<()> {
    let (_data_dir, api) = arguments.server.connect()?;
    let all: Vec<Shown> = api.get(&format!("{}/environments", arguments.repo)).await?;
    if arguments.json {
        return print::json(&all);
    }
    if all.is_empty() {
        print::line("there is no environment yet: a deploy makes it, or slipway environment set");
        return Ok(());
    }
    let row = |one: &Shown| vec![one.name.clone(), live(one), words(&one.rules)];
    print::table(&["ENVIRONMENT", "LIVE", "RULES"], all.iter().map(row));
    Ok(())
}

async fn show(arguments: Show) -> Result<()> {
    let (_data_dir, api) = arguments.server.connect()?;
    let (repo, name) = (&arguments.repo, &arguments.environment);
    let found: Option<WholeEnvironment> = api.find(&format!("{repo}/environments/{name}")).await?;
    let Some(WholeEnvironment { environment, .. }) = found else {
        bail!("{repo} has no environment {name}");
    };
    if arguments.json {
        return print::json(&environment);
    }
    print::line(&print::safe(&format!("{name}: {}", live(&environment))));
    print::line(&print::safe(&format!("  rules: {}", words(&environment.rules))));
    Ok(())
}

async fn set(arguments: Set) -> Result<()> {
    let (_data_dir, api) = arguments.server.connect()?;
    let (repo, name) = (&arguments.repo, &arguments.environment);
    let named = |text: String| {
        text.split(',').map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect()
    };
    let rules = ChangeRules {
        approval: arguments.approval,
        branches: arguments.branches.map(named),
        newest_wins: arguments.newest_wins,
        ambient: arguments.ambient,
        writers_approve: arguments.writers_approve,
    };
    let path = format!("{repo}/environments/{name}");
    api.call_with(Method::PATCH, &path, &rules).await?;
    let found: WholeEnvironment = api.get(&path).await?;
    print::line(&print::safe(&format!("{name}: {}", words(&found.environment.rules))));
    Ok(())
}

fn live(environment: &Shown) -> String {
    let version = environment.live.as_ref().map(|version| short(version.commit.as_str()));
    version.unwrap_or("nothing").to_owned() + " is live"
}

/// The rules for people.
fn words(rules: &EnvironmentRules) -> String {
    let mut words = Vec::new();
    if rules.approval {
        words.push("each deployment is approved".to_owned());
    }
    if !rules.branches.is_empty() {
        words.push(format!("only {}", rules.branches.join(", ")));
    }
    if rules.newest_wins {
        words.push("the newest wins".to_owned());
    }
    if rules.ambient {
        words.push("the worker's own identity may be used".to_owned());
    }
    if rules.writers_approve {
        words.push("who may write may approve".to_owned());
    }
    if words.is_empty() { "none".to_owned() } else { words.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_read_as_a_list() {
        assert_eq!(words(&EnvironmentRules::default()), "none");
        let rules = EnvironmentRules {
            approval: true,
            branches: vec!["main".to_owned(), "hotfix".to_owned()],
            newest_wins: true,
            ambient: true,
            writers_approve: true,
        };
        let wanted = "each deployment is approved; only main, hotfix; the newest wins; \
                      the worker's own identity may be used; who may write may approve";
        assert_eq!(words(&rules), wanted);
    }
}
