//! Deployments: who may, one at a time, and what became of it.

use chrono::{DateTime, Utc};
use slipway_pipelines::ids::{AttemptId, DeploymentId};
use slipway_pipelines::lifecycle::{DeploymentEvent, DeploymentState};
use slipway_pipelines::names::RepoName;
use slipway_pipelines::plan::{DeployOn, TagFilter, TriggerEvent};
use slipway_pipelines::wire::{DeployGrant, DeployProgress, DeployRequest};

use super::FlowError;
use crate::db::assignments::{self, Kind};
use crate::db::attempts::{self, Current};
use crate::db::deployments::{self, Deployment, NewDeployment};
use crate::db::secrets::{self, Unopened};
use crate::db::{Tx, audit, jobs, repos, runs};
use crate::state::Server;

/// May this deploy run now? Asking again gets the same deployment.
///
/// # Errors
/// [`FlowError::NotFound`] if the job has no such deploy.
pub async fn grant(
    server: &Server,
    attempt: AttemptId,
    index: u32,
    request: DeployRequest,
) -> Result<DeployGrant, FlowError> {
    let mut tx = server.db.begin().await?;
    let current = attempts::current(&mut tx, attempt).await?;
    let Kind::Job(job) = current.assignment.kind else { return Err(FlowError::NotFound) };
    let job = jobs::lock(&mut tx, job).await?;
    let place = usize::try_from(index).map_err(anyhow::Error::new)?;
    let plan = job.plan.deploys.get(place).ok_or(FlowError::NotFound)?;
    let run = runs::lock(&mut tx, job.run).await?;
    let repo = repos::by_id(&mut tx, run.repo).await?;
    if let Some(cancel) = current.assignment.cancel {
        return Ok(DeployGrant::Withheld { reason: cancel });
    }
    if !repo.enabled {
        return Ok(DeployGrant::Withheld { reason: format!("the repo {} is disabled", repo.name) });
    }
    if let Some(reason) = withheld(&plan.on, run.file.as_deref(), &run.trigger.event, &repo.name) {
        return Ok(DeployGrant::Withheld { reason });
    }
    let name = plan.environment_name();
    let (environment, live) = deployments::environment(&mut tx, repo.id, &name).await?;
    let index = i32::try_from(index).map_err(anyhow::Error::new)?;
    let actor = run.actor.as_str();
    let version = &request.version;
    let new = NewDeployment {
        environment,
        run: run.id,
        job: job.id,
        attempt,
        index,
        plan,
        version,
        actor,
    };
    deployments::create(&mut tx, &new).await?;
    let mut asked = deployments::asked_by(&mut tx, attempt, index).await?;
    if asked.state == DeploymentState::Waiting {
        if let Some((number, state)) = deployments::before(&mut tx, &asked).await? {
            tx.commit().await?;
            let reason = format!("the deployment of run {number} to {name} is {state}");
            return Ok(DeployGrant::Wait { reason });
        }
        change(&mut tx, &mut asked, DeploymentEvent::Approve).await?;
        deployments::set_previous(&mut tx, asked.id, &live).await?;
        asked.previous = live.version;
        asked.previous_rendered = live.rendered;
        let target = format!("{}/{name}", repo.name);
        let detail = serde_json::json!({ "deployment": asked.id, "run": run.number });
        audit::write(&mut tx, actor, "deploy.grant", &target, detail).await?;
    }
    if let Some(reason) = asked.state.reason() {
        return Ok(DeployGrant::Withheld { reason: reason.to_owned() });
    }
    if asked.state.is_terminal() {
        return Ok(DeployGrant::Withheld { reason: "it is live already".to_owned() });
    }
    let key = &server.config.master_key;
    let secrets = match secrets::grant(&mut tx, key, repo.id, attempt, &plan.secrets).await {
        Err(FlowError::Internal(error)) if error.is::<Unopened>() => {
            return Ok(DeployGrant::Withheld { reason: error.to_string() });
        }
        other => other?,
    };
    tx.commit().await?;
    Ok(DeployGrant::Granted {
        deployment: asked.id,
        environment: name,
        secrets,
        previous: asked.previous,
        previous_rendered: asked.previous_rendered,
        promoted: None,
        ambient: false,
    })
}

/// Why a deploy may not run here, from the server's own facts (TRAVIS_SEMANTICS §13).
fn withheld(
    on: &DeployOn,
    file: Option<&str>,
    event: &TriggerEvent,
    repo: &RepoName,
) -> Option<String> {
    if event.pull_request().is_some() {
        return Some("a pull request is never deployed".to_owned());
    }
    if file == Some(".travis.yml") {
        let sentence = "deploys of a .travis.yml are withheld, since Travis may still be deploying";
        return Some(format!("{sentence}: write a .ci.yml to deploy from here"));
    }
    if let Some(wanted) = on.repo.as_ref().filter(|wanted| *wanted != repo) {
        return Some(format!("it deploys only from {wanted}"));
    }
    match (on.tags, event.tag()) {
        (Some(TagFilter::OnlyTags), None) => return Some("it deploys only tags".to_owned()),
        (Some(TagFilter::NoTags), Some(_)) => return Some("it does not deploy tags".to_owned()),
        (Some(_), _) | (None, _) => {}
    }
    let branches = on.branches.as_ref()?;
    let matches = branches.iter().any(|branch| branch == event.branch());
    (!matches).then(|| format!("it deploys only {}", branches.join(", ")))
}

async fn change(
    tx: &mut Tx,
    deployment: &mut Deployment,
    event: DeploymentEvent,
) -> Result<(), FlowError> {
    let next = deployment.state.apply(event)?;
    deployments::change(tx, deployment, &next).await?;
    deployment.state = next;
    Ok(())
}

/// Takes in what a worker says about a deployment of its attempt.
pub(crate) async fn progress(
    tx: &mut Tx,
    current: &Current,
    id: DeploymentId,
    progress: DeployProgress,
    at: DateTime<Utc>,
) -> Result<(), FlowError> {
    let mut deployment = deployments::lock(tx, id).await?;
    let its_own = match current.assignment.kind {
        Kind::Plan => false,
        Kind::Job(_) => deployment.attempt == current.id,
        Kind::Verify { deployment, .. } => deployment == id,
    };
    if !its_own {
        return Err(FlowError::NotFound);
    }
    if deployment.state.is_terminal() {
        let state = deployment.state.word();
        tracing::warn!(deployment = %id, state, "a deployment that is over was reported about");
        return Ok(());
    }
    if deployment.state == DeploymentState::Approved {
        change(tx, &mut deployment, DeploymentEvent::Start).await?;
    }
    match progress {
        DeployProgress::Hop { name, detail } => {
            deployments::add_hop(tx, id, &name, &detail, at).await
        }
        DeployProgress::Rendered { manifests } => {
            deployments::set_rendered(tx, id, &manifests).await
        }
        DeployProgress::Findings { findings } => deployments::set_findings(tx, id, &findings).await,
        DeployProgress::Applied { version, url } => {
            deployments::set_version(tx, id, &version, url.as_deref()).await?;
            applied(tx, &mut deployment).await
        }
        DeployProgress::Live { version, url } => {
            deployments::set_version(tx, id, &version, url.as_deref()).await?;
            applied(tx, &mut deployment).await?;
            change(tx, &mut deployment, DeploymentEvent::Verified).await
        }
        DeployProgress::Failed { reason, evidence } => {
            deployments::add_evidence(tx, id, &evidence).await?;
            change(tx, &mut deployment, DeploymentEvent::Fail { reason }).await
        }
        DeployProgress::RolledBack { reason, serving, evidence } => {
            deployments::add_evidence(tx, id, &evidence).await?;
            let serving = serving.digest.unwrap_or_else(|| serving.commit.to_string());
            deployments::add_hop(tx, id, "rolled_back", &format!("serving {serving}"), at).await?;
            change(tx, &mut deployment, DeploymentEvent::RollBack { reason }).await
        }
    }
}

/// A target may take a change and say so once only, at the end.
async fn applied(tx: &mut Tx, deployment: &mut Deployment) -> Result<(), FlowError> {
    if deployment.state == DeploymentState::Running {
        change(tx, deployment, DeploymentEvent::Applied).await?;
    }
    Ok(())
}

/// The attempt is over: its open deployments end, or become unknown and are looked at. Answers
/// whether there was one that had begun to change its target.
pub(crate) async fn settle(
    tx: &mut Tx,
    attempt: AttemptId,
    reason: &str,
) -> Result<bool, FlowError> {
    let mut begun = false;
    for mut deployment in deployments::open_of(tx, attempt).await? {
        let reason = reason.to_owned();
        match deployment.state {
            // A grant went out: the worker may have begun before its first word arrived.
            DeploymentState::Approved | DeploymentState::Running | DeploymentState::Verifying => {
                begun = true;
                if deployment.state == DeploymentState::Approved {
                    change(tx, &mut deployment, DeploymentEvent::Start).await?;
                }
                change(tx, &mut deployment, DeploymentEvent::Lose { reason }).await?;
                let kind = Kind::Verify { deployment: deployment.id, job: deployment.job };
                assignments::create(tx, deployment.run, kind).await?;
            }
            DeploymentState::Waiting => {
                change(tx, &mut deployment, DeploymentEvent::Fail { reason }).await?;
            }
            DeploymentState::Live
            | DeploymentState::Failed { .. }
            | DeploymentState::RolledBack { .. }
            | DeploymentState::Unknown { .. }
            | DeploymentState::Superseded { .. } => {}
        }
    }
    Ok(begun)
}

/// A verify ended: what it could not settle is failed, never live.
pub(crate) async fn give_up(tx: &mut Tx, id: DeploymentId, reason: &str) -> Result<(), FlowError> {
    let mut deployment = deployments::lock(tx, id).await?;
    if deployment.state.is_terminal() {
        return Ok(());
    }
    let reason = format!("what is true on the target could not be found out: {reason}");
    change(tx, &mut deployment, DeploymentEvent::Fail { reason }).await
}
