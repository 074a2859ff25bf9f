//! `slipway secret …`: set from standard input, listed by name, never read back.

use std::io::{IsTerminal, Read};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use reqwest::Method;
use slipway_pipelines::names::{RepoName, SecretName};

use crate::api::ServerFlags;
use crate::print;

/// The server's own limit is lower; this one only ends an endless input.
const LARGEST: u64 = 1 << 20;

/// Secrets of a repo, sealed in the database and masked in logs.
#[derive(Debug, clap::Args)]
pub(crate) struct Secret {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Set one; its value is read from standard input: printf %s "$TOKEN" | slipway secret set …
    Set(One),
    /// The names of the secrets that are set.
    List(List),
    /// Remove one.
    Remove(One),
}

#[derive(Debug, clap::Args)]
struct One {
    /// The repo, as OWNER/NAME.
    repo: RepoName,
    /// The secret's name, as the environment variable that jobs see.
    secret: SecretName,
    #[command(flatten)]
    server: ServerFlags,
}

#[derive(Debug, clap::Args)]
struct List {
    /// The repo, as OWNER/NAME.
    repo: RepoName,
    /// As JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerFlags,
}

/// Runs the command.
pub(crate) async fn run(arguments: Secret) -> Result<ExitCode> {
    match arguments.command {
        Command::Set(one) => {
            let path = path(&one);
            let (_data_dir, api) = one.server.connect()?;
            api.put_raw(&path, value(std::io::stdin())?).await?;
            print::line(&format!("{} is set for {}", one.secret, one.repo));
        }
        Command::Remove(one) => {
            let path = path(&one);
            let (_data_dir, api) = one.server.connect()?;
            api.call(Method::DELETE, &path).await?;
            print::line(&format!("{} is removed from {}", one.secret, one.repo));
        }
        Command::List(list) => {
            let (_data_dir, api) = list.server.connect()?;
            let names: Vec<SecretName> = api.get(&format!("{}/secrets", list.repo)).await?;
            if list.json {
                print::json(&names)?;
            } else if names.is_empty() {
                print::line(&format!("{} has no secrets", list.repo));
            }
            for name in names.iter().filter(|_| !list.json) {
                print::line(name.as_str());
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn path(one: &One) -> String {
    format!("{}/secrets/{}", one.repo, one.secret)
}

/// What is piped in, without the one line end that `echo` adds.
fn value(mut input: impl Read + IsTerminal) -> Result<Vec<u8>> {
    if input.is_terminal() {
        bail!(
            "a terminal would show the secret; pipe it in, for example from a file: slipway secret \
             set OWNER/NAME SECRET < FILE"
        );
    }
    let mut bytes = Vec::new();
    input
        .by_ref()
        .take(LARGEST)
        .read_to_end(&mut bytes)
        .context("standard input can not be read")?;
    if bytes.ends_with(b"\n") {
        bytes.pop();
        if bytes.ends_with(b"\r") {
            bytes.pop();
        }
    }
    if bytes.is_empty() {
        bail!("standard input is empty, and a secret is not");
    }
    Ok(bytes)
}
