//! `slipway token …`: tokens for programs.

use std::process::ExitCode;

use anyhow::Result;
use chrono::{DateTime, Utc};
use clap::Subcommand;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use slipway_pipelines::ids::ApiTokenId;
use slipway_pipelines::names::RepoName;
use slipway_pipelines::wire::SecretText;

use crate::api::ServerFlags;
use crate::print;

/// Tokens for your programs: each never does more than you may.
#[derive(Debug, clap::Args)]
pub(crate) struct Token {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make one; it is printed this once.
    Create(Create),
    /// Those that hold.
    List(List),
    /// End one.
    Revoke(Revoke),
}

#[derive(Debug, clap::Args)]
struct Create {
    /// What it is for, in your words.
    name: String,
    /// The most that it may do: read, write or admin.
    #[arg(long, default_value = "read", value_parser = ["read", "write", "admin"])]
    role: String,
    /// In this repo only.
    #[arg(long, value_name = "OWNER/NAME")]
    repo: Option<RepoName>,
    /// For how long.
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=366))]
    days: u32,
    #[command(flatten)]
    server: ServerFlags,
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
struct Revoke {
    /// Its id, which `list` shows.
    id: ApiTokenId,
    #[command(flatten)]
    server: ServerFlags,
}

#[derive(Deserialize)]
struct Made {
    token: SecretText,
}

/// A token, without itself.
#[derive(Debug, Deserialize, Serialize)]
struct Shown {
    id: ApiTokenId,
    name: String,
    role: String,
    repo: Option<String>,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    last_used_at: Option<DateTime<Utc>>,
}

/// Runs the command.
pub(crate) async fn run(arguments: Token) -> Result<ExitCode> {
    match arguments.command {
        Command::Create(arguments) => create(arguments).await?,
        Command::List(arguments) => list(arguments).await?,
        Command::Revoke(arguments) => {
            let (_data_dir, api) = arguments.server.connect()?;
            api.call(Method::DELETE, &format!("tokens/{}", arguments.id)).await?;
            print::line("it holds no longer");
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn create(arguments: Create) -> Result<()> {
    let (_data_dir, api) = arguments.server.connect()?;
    let Create { name, role, repo, days, .. } = arguments;
    let asked = serde_json::json!({ "name": name, "role": role, "repo": repo, "days": days });
    let made: Made = api.post("tokens", &asked).await?;
    // To standard output alone, so that it can go straight into a file or a variable.
    print::line(made.token.expose());
    Ok(())
}

async fn list(arguments: List) -> Result<()> {
    let (_data_dir, api) = arguments.server.connect()?;
    let tokens: Vec<Shown> = api.get("tokens").await?;
    if arguments.json {
        return print::json(&tokens);
    }
    if tokens.is_empty() {
        print::line("no token holds; make one by: slipway token create NAME");
        return Ok(());
    }
    let row = |token: &Shown| {
        let scope = token.repo.as_deref().unwrap_or("every repo of yours");
        let used = token.last_used_at.map_or("never".to_owned(), print::ago);
        let ends = token.expires_at.format("%Y-%m-%d").to_string();
        let name = print::cut(&print::safe(&token.name), 40);
        vec![token.id.to_string(), name, token.role.clone(), scope.to_owned(), ends, used]
    };
    print::table(&["ID", "FOR", "ROLE", "IN", "ENDS", "USED"], tokens.iter().map(row));
    Ok(())
}
