//! `slipway user …`: who has logged in, and who may do everything.

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::api::ServerFlags;
use crate::print;

/// People that logged in by GitHub.
#[derive(Debug, clap::Args)]
pub(crate) struct User {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Everybody that ever logged in.
    List(List),
    /// Make somebody an admin of the installation, who may do everything.
    Admin(Admin),
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
struct Admin {
    /// The account's name on GitHub; it must have logged in once.
    login: String,
    /// Take it back.
    #[arg(long)]
    off: bool,
    #[command(flatten)]
    server: ServerFlags,
}

/// A person, as the server tells it.
#[derive(Debug, Deserialize, Serialize)]
struct Person {
    login: String,
    forge_id: Option<i64>,
    admin: bool,
}

/// Runs the command.
pub(crate) async fn run(arguments: User) -> Result<ExitCode> {
    match arguments.command {
        Command::List(arguments) => list(arguments).await?,
        Command::Admin(arguments) => admin(arguments).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(arguments: List) -> Result<()> {
    let (_data_dir, api) = arguments.server.connect()?;
    let people: Vec<Person> = api.get("users").await?;
    if arguments.json {
        return print::json(&people);
    }
    if people.is_empty() {
        print::line("nobody has logged in by GitHub yet");
        return Ok(());
    }
    let row = |person: &Person| {
        let id = person.forge_id.map(|id| id.to_string()).unwrap_or_default();
        let admin = if person.admin { "admin of the installation" } else { "" };
        vec![print::safe(&person.login), id, admin.to_owned()]
    };
    print::table(&["LOGIN", "ACCOUNT", ""], people.iter().map(row));
    Ok(())
}

async fn admin(arguments: Admin) -> Result<()> {
    let (_data_dir, api) = arguments.server.connect()?;
    let body = serde_json::json!({ "admin": !arguments.off });
    api.call_with(Method::PATCH, &format!("users/{}", arguments.login), &body).await?;
    let login = print::safe(&arguments.login);
    print::line(&match arguments.off {
        false => format!("{login} may do everything from now on"),
        true => format!("{login} may do what GitHub lets them do, and no more"),
    });
    Ok(())
}
