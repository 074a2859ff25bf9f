//! Tells GitHub what is true of each deployment, until it has taken it. Level-triggered, as
//! `report_github`: what happened in between need not be told.

use std::time::Duration;

use slipway_pipelines::ids::DeploymentId;
use tokio_util::sync::CancellationToken;

use super::FlowError;
use super::report_github::delay;
use crate::db::github_deployments::{self, Due};
use crate::github::deployments::Deployed;
use crate::github::{Github, GithubError};
use crate::state::Server;

/// So many are told of at once.
const TOGETHER: i64 = 8;
/// Longer than all requests about one may take.
const BUSY: Duration = Duration::from_secs(120);

/// Tells what is due. What fails is due later, so this ends.
pub(crate) async fn tick(server: &Server, stop: &CancellationToken) -> Result<(), FlowError> {
    let Some(github) = &server.github else { return Ok(()) };
    loop {
        let mut tx = server.db.begin().await?;
        let due = github_deployments::take_due(&mut tx, BUSY, TOGETHER).await?;
        tx.commit().await?;
        if due.is_empty() {
            return Ok(());
        }
        let reports = due.iter().map(|row| report(server, github, row));
        tokio::select! {
            reported = futures::future::try_join_all(reports) => reported.map(drop)?,
            // What is under way is told again by whoever finds the row.
            () = stop.cancelled() => return Ok(()),
        }
    }
}

async fn report(server: &Server, github: &Github, due: &Due) -> Result<(), FlowError> {
    let deployed = match deployed(server, due.deployment).await {
        // Its repo was removed meanwhile, and this row with it.
        Err(FlowError::NotFound) => return Ok(()),
        other => other?,
    };
    let answer = tell(server, github, due, &deployed).await?;
    let mut tx = server.db.begin().await?;
    match answer {
        Ok(()) => github_deployments::told(&mut tx, due.deployment, &deployed.word).await?,
        Err(error) => {
            let delay = delay(&error, due.tries);
            let (repo, environment) = (&deployed.repo, &deployed.environment);
            let error = error.to_string();
            tracing::warn!(%repo, environment, error, tries = due.tries, ?delay,
                "GitHub did not take what became of a deployment");
            github_deployments::failed(&mut tx, due.deployment, &error, delay).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

async fn tell(
    server: &Server,
    github: &Github,
    due: &Due,
    deployed: &Deployed,
) -> Result<Result<(), GithubError>, FlowError> {
    let id = match made(github, due, deployed).await {
        Ok(id) => id,
        Err(error) => return Ok(Err(error)),
    };
    if due.github_id != Some(id) {
        store(server, due.deployment, Some(id)).await?;
    }
    let told = github.tell_deployment(deployed, id).await;
    if let Err(GithubError::NotFound) = &told {
        // Somebody removed it: another one is made at the next try.
        store(server, due.deployment, None).await?;
    }
    Ok(told)
}

async fn made(github: &Github, due: &Due, deployed: &Deployed) -> Result<i64, GithubError> {
    if let Some(id) = due.github_id {
        return Ok(id);
    }
    if due.tries > 1
        && let Some(id) = github.find_deployment(deployed).await?
    {
        // An earlier try made it, and ended before that was written down.
        return Ok(id);
    }
    github.create_deployment(deployed).await
}

async fn store(server: &Server, id: DeploymentId, made: Option<i64>) -> Result<(), FlowError> {
    let mut tx = server.db.begin().await?;
    github_deployments::set_github_id(&mut tx, id, made).await?;
    Ok(tx.commit().await?)
}

/// What is true of it now.
async fn deployed(server: &Server, id: DeploymentId) -> Result<Deployed, FlowError> {
    let fact = github_deployments::fact(&server.db, id).await?;
    let repo = fact.repo.parse().map_err(|error| anyhow::anyhow!("{}: {error}", fact.repo))?;
    let base = server.config.public_url.as_str().trim_end_matches('/');
    let page = format!("{base}/{}/deployments/{id}", fact.repo);
    Ok(Deployed {
        id,
        repo,
        commit: fact.commit.unwrap_or_default(),
        environment: fact.environment,
        run: fact.run,
        subject: fact.subject,
        word: fact.word,
        reason: fact.reason,
        page,
        url: fact.url,
    })
}
