//! `slipway secret …`: set from a terminal or standard input, listed by name, never read back.

mod seen;
pub(super) mod unseen;

use std::io::{IsTerminal, Read};
use std::os::fd::AsFd;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use reqwest::Method;
use slipway_pipelines::names::{RepoName, SecretName};

use crate::api::{Listing, ServerFlags};
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
    /// Set one. A terminal asks for the value and does not show it; else it is read from standard
    /// input: printf %s "$TOKEN" | slipway secret set …
    Set(One),
    /// The names of the secrets that are set.
    List(Listing),
    /// Remove one.
    Remove(One),
    /// Which secrets a commit saw: in which runs and jobs, when, and whether the value still counts.
    Seen(seen::Seen),
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

/// Runs the command.
pub(crate) async fn run(arguments: Secret) -> Result<ExitCode> {
    match arguments.command {
        Command::Set(one) => {
            let path = path(&one);
            let question = format!("{} of {}: ", one.secret, one.repo);
            let (_data_dir, api) = one.server.connect()?;
            api.put_raw(&path, value(&question, std::io::stdin())?).await?;
            print::line(&format!("{} is set for {}", one.secret, one.repo));
        }
        Command::Remove(one) => {
            let path = path(&one);
            let (_data_dir, api) = one.server.connect()?;
            api.call(Method::DELETE, &path).await?;
            print::line(&format!("{} is removed from {}", one.secret, one.repo));
        }
        Command::Seen(asked) => seen::run(asked).await?,
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

/// What is typed or piped in, without the one line end that `echo` and the enter key add.
fn value(question: &str, mut input: impl Read + IsTerminal + AsFd) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if input.is_terminal() {
        bytes = unseen::ask(question, &mut input)?;
    } else {
        let mut limited = input.by_ref().take(LARGEST);
        limited.read_to_end(&mut bytes).context("standard input can not be read")?;
    }
    if bytes.ends_with(b"\n") {
        bytes.pop();
        if bytes.ends_with(b"\r") {
            bytes.pop();
        }
    }
    if bytes.is_empty() {
        bail!(
            "the value is empty, and a secret is not: type it at a terminal, or pipe it in, as in \
             printf %s \"$TOKEN\" | slipway secret set …"
        );
    }
    Ok(bytes)
}
