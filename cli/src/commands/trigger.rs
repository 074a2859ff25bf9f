//! `slipway trigger …`: a run without a push.

use std::process::ExitCode;

use anyhow::Result;
use slipway_pipelines::names::RepoName;
use slipway_pipelines::wire::api::{StartRun, Started};

use super::runs::follow;
use crate::api::ServerFlags;
use crate::print;

/// Start a run of a branch's head. With --follow the exit code is that of the run: 0 passed or
/// skipped, 1 failed, 2 errored, 3 canceled, 10 when it could not be followed.
#[derive(Debug, clap::Args)]
pub(crate) struct Trigger {
    /// The repo, as OWNER/NAME.
    repo: RepoName,
    /// The branch [default: the repo's default branch]
    #[arg(long)]
    branch: Option<String>,
    /// What to show instead of the commit's message.
    #[arg(long)]
    message: Option<String>,
    /// Asked for again with the same key, it is the same run: for scripts that try again.
    #[arg(long)]
    key: Option<String>,
    /// Follow it until it ends, as `runs watch` does.
    #[arg(long, short)]
    follow: bool,
    /// As JSON.
    #[arg(long, conflicts_with = "follow")]
    json: bool,
    #[command(flatten)]
    server: ServerFlags,
}

/// Runs the command.
pub(crate) async fn run(arguments: Trigger) -> Result<ExitCode> {
    let (_data_dir, api) = arguments.server.connect()?;
    let Trigger { repo, branch, message, key, .. } = arguments;
    let asked = StartRun { branch, message, key };
    let started: Started = api.post(&format!("{repo}/runs"), &asked).await?;
    if arguments.json {
        print::json(&started)?;
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.follow {
        return Ok(follow::watched(follow::follow(&api, &repo, started.run).await));
    }
    print::line(&format!("run {} of {repo}: {}", started.run, started.url));
    Ok(ExitCode::SUCCESS)
}
