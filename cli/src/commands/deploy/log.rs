//! `slipway deploy log`: what was done about a deployment without its job.

use std::time::Duration;

use anyhow::{Context as _, Result};
use slipway_pipelines::ids::DeploymentId;
use slipway_pipelines::names::RepoName;
use slipway_pipelines::wire::api::{Deployment, WholeEnvironment};

use super::super::job::print_log;
use crate::api::{Api, ServerFlags};

const LOOK_AGAIN: Duration = Duration::from_millis(500);

#[derive(Debug, clap::Args)]
pub(super) struct Log {
    /// The repo, as OWNER/NAME.
    repo: RepoName,
    /// The deployment's id, or an environment: its newest deployment.
    #[arg(value_name = "ID|ENVIRONMENT")]
    which: String,
    /// Go on until it is over.
    #[arg(long, short)]
    follow: bool,
    #[command(flatten)]
    server: ServerFlags,
}

/// Prints it.
pub(super) async fn run(arguments: Log) -> Result<()> {
    let (_data_dir, api) = arguments.server.connect()?;
    let repo = &arguments.repo;
    let id = match arguments.which.parse::<DeploymentId>() {
        Ok(id) => id,
        Err(_) => newest(&api, repo, &arguments.which).await?,
    };
    let path = format!("{repo}/deployments/{id}");
    let found: Option<Deployment> = api.find(&path).await?;
    let deployment = found.with_context(|| format!("{repo} has no deployment {id}"))?;
    let mut offset = 0;
    loop {
        let read = print_log(&api, &format!("{path}/log?"), offset).await?;
        offset = read.offset;
        if read.complete || read.unheard || !arguments.follow {
            break;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    if offset == 0 {
        let (run, job) = (deployment.run, deployment.job);
        let path = format!("slipway job logs {repo} {run}.{job}");
        tell(&format!("nothing was done about it without its job; see: {path}"));
    }
    Ok(())
}

async fn newest(api: &Api, repo: &RepoName, name: &str) -> Result<DeploymentId> {
    let found: Option<WholeEnvironment> = api.find(&format!("{repo}/environments/{name}")).await?;
    let found = found.with_context(|| format!("{repo} has no environment {name}"))?;
    let newest = found.deployments.iter().max_by_key(|one| one.created_at);
    newest.map(|one| one.id).with_context(|| format!("nothing was deployed to {name} yet"))
}

/// To standard error: it is no part of the log.
#[expect(clippy::print_stderr, reason = "a command speaks to its user")]
fn tell(sentence: &str) {
    eprintln!("slipway: {sentence}");
}
