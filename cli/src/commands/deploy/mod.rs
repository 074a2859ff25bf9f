//! `slipway deploy …`: what is live, and why the last deployment went as it went.

mod decide;
mod log;

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Subcommand;
use slipway_pipelines::names::{EnvironmentName, RepoName};
use slipway_pipelines::wire::Evidence;
use slipway_pipelines::wire::api::{Deployment, Environment, WholeEnvironment};

use crate::api::{Api, Listing, ServerFlags};
use crate::print;
use crate::views::{findings, short};

/// Deployments: one try each to bring one version to one environment.
#[derive(Debug, clap::Args)]
pub(crate) struct Deploy {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Each environment: what is live, and its deployments, the newest first.
    List(Listing),
    /// Why a deployment went as it went: every hop, the reason, and the evidence word for word.
    Why(Why),
    /// What was done about a deployment without its job: after an approval, to bring it back, to
    /// look at it. A deploy inside a job is in the job's log.
    Log(log::Log),
    /// Let a deployment go on that waits for an approval. It holds for its commit only: what is
    /// pushed afterwards is asked for anew.
    Approve(decide::Decide),
    /// Refuse it: it never begins.
    Reject(decide::Decide),
    /// Bring back the version that was verified before what is live, as a deployment of its own.
    Rollback(decide::Rollback),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Why {
    /// The repo, as OWNER/NAME.
    repo: RepoName,
    /// The environment [default: the one that was deployed to last]
    environment: Option<EnvironmentName>,
    /// The deployment of this run [default: the newest]
    #[arg(long, value_name = "RUN")]
    run: Option<i32>,
    /// As JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerFlags,
}

/// Runs the command.
pub(crate) async fn run(arguments: Deploy) -> Result<ExitCode> {
    match arguments.command {
        Command::List(arguments) => list(arguments).await?,
        Command::Why(arguments) => why(arguments).await?,
        Command::Log(arguments) => log::run(arguments).await?,
        Command::Approve(arguments) => decide::approve(arguments).await?,
        Command::Reject(arguments) => decide::reject(arguments).await?,
        Command::Rollback(arguments) => decide::rollback(arguments).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// `slipway why …`: the same as `slipway deploy why …`.
pub(crate) async fn run_why(arguments: Why) -> Result<ExitCode> {
    why(arguments).await?;
    Ok(ExitCode::SUCCESS)
}

async fn environments(api: &Api, repo: &RepoName) -> Result<Vec<WholeEnvironment>> {
    let names: Vec<Environment> = api.get(&format!("{repo}/environments")).await?;
    let mut all = Vec::new();
    for environment in names {
        all.push(api.get(&format!("{repo}/environments/{}", environment.name)).await?);
    }
    Ok(all)
}

async fn list(arguments: Listing) -> Result<()> {
    let (_data_dir, api) = arguments.server.connect()?;
    let all = environments(&api, &arguments.repo).await?;
    if arguments.json {
        return print::json(&all);
    }
    if all.is_empty() {
        print::line("nothing has been deployed yet");
        return Ok(());
    }
    let mut rows = Vec::new();
    for WholeEnvironment { environment, deployments } in &all {
        let live =
            environment.live.as_ref().map_or("nothing", |version| short(version.commit.as_str()));
        let url = environment.url.as_deref().unwrap_or_default();
        print::line(
            print::safe(&format!("{}: {live} is live  {url}", environment.name)).trim_end(),
        );
        rows.extend(deployments.iter().map(row));
    }
    print::line("");
    print::table(&["ENVIRONMENT", "RUN", "COMMIT", "STATE", "WHEN", "WHY"], rows);
    for asked in all.iter().flat_map(|one| &one.deployments).filter(|one| one.is_asked()) {
        let (repo, id) = (&arguments.repo, asked.id);
        let what = format!("{} of run {}", short(asked.version.commit.as_str()), asked.run);
        print::line(&print::safe(&format!(
            "{} waits for an approval of {what}: slipway deploy approve {repo} {id}",
            asked.environment
        )));
    }
    Ok(())
}

fn row(deployment: &Deployment) -> Vec<String> {
    vec![
        deployment.environment.clone(),
        deployment.run.to_string(),
        short(deployment.version.commit.as_str()).to_owned(),
        deployment.word(),
        print::ago(deployment.created_at),
        print::cut(deployment.reason.as_deref().or(deployment.why.as_deref()).unwrap_or(""), 60),
    ]
}

async fn why(arguments: Why) -> Result<()> {
    let (_data_dir, api) = arguments.server.connect()?;
    let all = environments(&api, &arguments.repo).await?;
    let wanted = |environment: &WholeEnvironment| {
        let name = &environment.environment.name;
        arguments.environment.as_ref().is_none_or(|wanted| wanted.as_str() == name)
    };
    let deployments = all.into_iter().filter(wanted).flat_map(|found| found.deployments);
    let deployments = deployments.filter(|one| arguments.run.is_none_or(|run| run == one.run));
    let Some(newest) = deployments.max_by_key(|one| one.created_at) else {
        bail!("there is no such deployment of {}", arguments.repo);
    };
    // The list may leave out what is long.
    let path = format!("{}/deployments/{}", arguments.repo, newest.id);
    let deployment: Deployment = api.find(&path).await?.unwrap_or(newest);
    if arguments.json {
        return print::json(&deployment);
    }
    explain(&deployment);
    Ok(())
}

fn explain(deployment: &Deployment) {
    let commit = short(deployment.version.commit.as_str());
    let environment = print::safe(&deployment.environment);
    print::line(&format!(
        "{environment}  {commit} of run {}  {}",
        deployment.run,
        deployment.word()
    ));
    if let Some(reason) = &deployment.reason {
        print::line(&format!("  {}", print::safe(reason)));
    }
    if let Some(why) = &deployment.why {
        print::line(&format!("  {} by {}", print::safe(why), print::safe(&deployment.actor)));
    }
    if let Some(by) = &deployment.approved_by {
        print::line(&format!("  approved by {}", print::safe(by)));
    }
    if let Some(previous) = &deployment.previous {
        print::line(&format!("  before it: {}", short(previous.commit.as_str())));
    }
    for hop in &deployment.hops {
        print::line(&format!("  {}  {}", print::safe(&hop.name), print::safe(&hop.detail)));
    }
    findings::lines(&deployment.findings).iter().for_each(|line| print::line(line));
    // The findings have shown theirs.
    let shown = |evidence: &&Evidence| {
        let texts = deployment.findings.iter().flat_map(|finding| {
            let tail = finding.log_tail.iter();
            finding.evidence.iter().map(|seen| &seen.text).chain(tail)
        });
        texts.into_iter().any(|text| *text == evidence.text)
    };
    for evidence in deployment.evidence.iter().filter(|evidence| !shown(evidence)) {
        print::line(&format!("  {}:", print::safe(&evidence.source)));
        for line in print::safe_lines(&evidence.text) {
            print::line(&format!("    {line}"));
        }
    }
}
