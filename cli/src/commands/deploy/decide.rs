//! `slipway deploy approve`, `reject` and `rollback`: somebody decides.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use reqwest::Method;
use slipway_pipelines::ids::DeploymentId;
use slipway_pipelines::names::{EnvironmentName, RepoName};
use slipway_pipelines::wire::api::{Deployment, RollBack, RollingBack, WholeEnvironment};

use crate::api::{Api, ServerFlags, patiently};
use crate::print;
use crate::views::short;

/// Between two looks at a deployment that is waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

#[derive(Debug, clap::Args)]
pub(super) struct Decide {
    /// The repo, as OWNER/NAME.
    repo: RepoName,
    /// The deployment's id, or the environment where exactly one waits.
    #[arg(value_name = "ID|ENVIRONMENT")]
    which: String,
    #[command(flatten)]
    server: ServerFlags,
}

#[derive(Debug, clap::Args)]
pub(super) struct Rollback {
    /// The repo, as OWNER/NAME.
    repo: RepoName,
    /// The environment.
    environment: EnvironmentName,
    /// To the version that this run brought [default: the one that was verified last before]
    #[arg(long, value_name = "RUN")]
    to: Option<i32>,
    /// Wait so many seconds for its end; without, only for its turn to be asked for.
    #[arg(long, value_name = "SECONDS")]
    wait: Option<u64>,
    #[command(flatten)]
    server: ServerFlags,
}

/// Lets it go on.
pub(super) async fn approve(arguments: Decide) -> Result<()> {
    decide(arguments, "approve", "approved").await
}

/// Refuses it.
pub(super) async fn reject(arguments: Decide) -> Result<()> {
    decide(arguments, "reject", "rejected").await
}

async fn decide(arguments: Decide, verb: &str, done: &str) -> Result<()> {
    let (_data_dir, api) = arguments.server.connect()?;
    let repo = &arguments.repo;
    let id = match arguments.which.parse::<DeploymentId>() {
        Ok(id) => id,
        Err(_) => only_one(&api, repo, &arguments.which).await?,
    };
    api.call(Method::POST, &format!("{repo}/deployments/{id}/{verb}")).await?;
    let deployment: Deployment = api.get(&format!("{repo}/deployments/{id}")).await?;
    let commit = short(deployment.version.commit.as_str());
    let (environment, run) = (&deployment.environment, deployment.run);
    print::line(&print::safe(&format!("{environment}: {commit} of run {run} is {done}")));
    Ok(())
}

/// The one deployment of the environment that waits for an approval.
async fn only_one(api: &Api, repo: &RepoName, name: &str) -> Result<DeploymentId> {
    let Ok(name) = name.parse::<EnvironmentName>() else {
        bail!("{name:?} is neither the id of a deployment nor the name of an environment");
    };
    let found: Option<WholeEnvironment> = api.find(&format!("{repo}/environments/{name}")).await?;
    let Some(found) = found else { bail!("{repo} has no environment {name}") };
    let mut asked = found.deployments.iter().filter(|one| one.is_asked());
    match (asked.next(), asked.count()) {
        (None, _) => bail!("nothing waits for an approval in {name}"),
        (Some(one), 0) => Ok(one.id),
        (Some(_), others) => bail!(
            "{} deployments wait for an approval in {name}: name one by its id, which `slipway \
             deploy list {repo}` shows",
            others + 1
        ),
    }
}

/// Asks for it, and waits for its end where that is wanted.
pub(super) async fn rollback(arguments: Rollback) -> Result<()> {
    let (_data_dir, api) = arguments.server.connect()?;
    let (repo, environment) = (&arguments.repo, &arguments.environment);
    let path = format!("{repo}/environments/{environment}/rollback");
    let asked: RollingBack = api.post(&path, &RollBack { to_run: arguments.to }).await?;
    let path = format!("{repo}/deployments/{}", asked.deployment);
    let deployment: Deployment = api.get(&path).await?;
    let why = deployment.why.as_deref().unwrap_or("rollback");
    print::line(&print::safe(&format!("{environment}: {why}, deployment {}", deployment.id)));
    let Some(seconds) = arguments.wait else { return Ok(()) };
    let deadline = Instant::now() + Duration::from_secs(seconds);
    loop {
        let deployment: Deployment = patiently(async || api.get(&path).await).await?;
        let reason = deployment.reason.as_deref().unwrap_or_default();
        match (deployment.finished_at, deployment.state.as_str()) {
            (Some(_), "live") => {
                let commit = short(deployment.version.commit.as_str());
                print::line(&print::safe(&format!("{environment}: {commit} is live")));
                return Ok(());
            }
            (Some(_), _) => bail!("it is {}: {}", deployment.word(), print::safe(reason)),
            (None, _) if Instant::now() > deadline => {
                bail!("it is {} still after {seconds} s", deployment.word())
            }
            (None, _) => tokio::time::sleep(LOOK_AGAIN).await,
        }
    }
}
