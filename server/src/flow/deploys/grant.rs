//! May a deploy of a job run now, later without its job, or not at all?

use std::time::Duration;

use chrono::Utc;
use serde_json::json;
use slipway_pipelines::ids::AttemptId;
use slipway_pipelines::lifecycle::{DeploymentEvent, DeploymentState};
use slipway_pipelines::names::{EnvironmentName, RepoName};
use slipway_pipelines::plan::{DeployOn, DeployPlan, Provider, TagFilter, TriggerEvent};
use slipway_pipelines::wire::api::EnvironmentRules;
use slipway_pipelines::wire::{DeployGrant, DeployRequest};

use super::{change, waits_for};
use crate::db::assignments::Kind;
use crate::db::attempts;
use crate::db::deployments::{self, Approval, Deployment, NewDeployment};
use crate::db::environments::{self, Environment, Live};
use crate::db::jobs::Job;
use crate::db::repos::Repo;
use crate::db::runs::Run;
use crate::db::secrets::{self, Unopened};
use crate::db::{Tx, audit, deploy_queue, jobs, repos, runs};
use crate::error::FlowError;
use crate::state::Server;

/// A job waits so long for those before it; then its deploy goes on waiting without it.
const WITH_ITS_JOB: Duration = Duration::from_secs(60);

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
    let index = i32::try_from(index).map_err(anyhow::Error::new)?;
    let asking = Asking { server, attempt, index, job: &job, plan, run: &run, repo: &repo };
    if let Some(reason) = current.assignment.cancel {
        return Ok(DeployGrant::Withheld { reason });
    }
    if let Some(reason) = asking.withheld(&mut tx).await? {
        return Ok(DeployGrant::Withheld { reason });
    }
    let answer = asking.answer(&mut tx, request).await?;
    tx.commit().await?;
    if let DeployGrant::Deferred { .. } = answer {
        // Its turn may have come already; if this is not to be, the loop finds it.
        super::tick(server).await?;
    }
    Ok(answer)
}

struct Asking<'a> {
    server: &'a Server,
    attempt: AttemptId,
    index: i32,
    job: &'a Job,
    plan: &'a DeployPlan,
    run: &'a Run,
    repo: &'a Repo,
}

impl Asking<'_> {
    /// Why it may not run here at all, from the server's own facts (TRAVIS_SEMANTICS §13).
    async fn withheld(&self, tx: &mut Tx) -> Result<Option<String>, FlowError> {
        if !self.repo.enabled {
            return Ok(Some(format!("the repo {} is disabled", self.repo.name)));
        }
        let event = &self.run.trigger.event;
        if event.pull_request().is_some() {
            return Ok(Some("a pull request is never deployed".to_owned()));
        }
        let travis = self.run.file.as_deref() == Some(".travis.yml");
        if travis && !environments::travis_deploys(tx, self.repo.id).await? {
            let name = &self.repo.name;
            return Ok(Some(format!(
                "deploys of a .travis.yml are withheld, since Travis may still be deploying: \
                 write a .ci.yml to deploy from here, or switch them on with \
                 slipway repo set {name} --travis-deploys true"
            )));
        }
        Ok(elsewhere(&self.plan.on, event, &self.repo.name))
    }

    async fn answer(&self, tx: &mut Tx, request: DeployRequest) -> Result<DeployGrant, FlowError> {
        let name = self.plan.environment_name();
        environments::ensure(tx, self.repo.id, &name).await?;
        let environment = environments::lock(tx, self.repo.id, name.as_str()).await?;
        if let Some(reason) = refused(&environment.rules, &self.run.trigger.event, &name) {
            return Ok(DeployGrant::Withheld { reason });
        }
        let promoted = match &self.plan.promote {
            None => None,
            Some(from) => {
                let commit = &self.run.trigger.commit;
                match deploy_queue::verified(tx, self.repo.id, from, commit).await? {
                    Some(version) => Some(version),
                    None => {
                        return Ok(DeployGrant::Withheld { reason: unverified(from, self.run) });
                    }
                }
            }
        };
        let new = NewDeployment {
            environment: environment.id,
            run: self.run.id,
            job: self.job.id,
            attempt: self.attempt,
            index: self.index,
            plan: self.plan,
            version: promoted.as_ref().unwrap_or(&request.version),
            promoted: promoted.as_ref(),
            needs_approval: environment.rules.approval,
            actor: &self.run.actor,
        };
        deployments::create(tx, &new).await?;
        let mut asked = deployments::asked_by(tx, self.attempt, self.index).await?;
        if let Some(answer) = self.waits(tx, &environment, &mut asked, request).await? {
            return Ok(answer);
        }
        self.granted(tx, name, &environment, asked).await
    }

    /// The answer to one that can not begin now.
    async fn waits(
        &self,
        tx: &mut Tx,
        environment: &Environment,
        asked: &mut Deployment,
        request: DeployRequest,
    ) -> Result<Option<DeployGrant>, FlowError> {
        if asked.carried.is_some() {
            let word = || format!("it is {}", asked.state.word());
            let reason = asked.state.reason().map_or_else(word, str::to_owned);
            return Ok(Some(DeployGrant::Deferred { reason }));
        }
        if asked.state != DeploymentState::Waiting {
            return Ok(None);
        }
        self.make_way(tx, environment, asked).await?;
        let reason = waits_for(tx, asked, (&self.repo.name, &environment.name)).await?;
        if let Some(carried) = request.carried.filter(|_| can_defer(&self.plan.provider)) {
            deploy_queue::carry(tx, asked.id, &carried).await?;
            let reason = reason.unwrap_or_else(|| "its turn has come".to_owned());
            return Ok(Some(DeployGrant::Deferred { reason }));
        }
        let Some(reason) = reason else {
            let run = self.run.number.0;
            let actor = &self.run.actor;
            let_in(tx, asked, &environment.live).await?;
            let target = format!("{}/{}", self.repo.name, environment.name);
            let detail = json!({ "deployment": asked.id, "run": run });
            audit::write(tx, actor, "deploy.grant", &target, detail).await?;
            return Ok(None);
        };
        let waited = (Utc::now() - asked.created_at).to_std().unwrap_or_default();
        let long = asked.approval == Approval::Missing || waited > WITH_ITS_JOB;
        Ok(Some(if long && can_defer(&self.plan.provider) {
            DeployGrant::Defer { deployment: asked.id, reason }
        } else {
            DeployGrant::Wait { reason }
        }))
    }

    /// Those that this one takes the place of.
    async fn make_way(
        &self,
        tx: &mut Tx,
        environment: &Environment,
        asked: &Deployment,
    ) -> Result<(), FlowError> {
        let entry = (self.job.id, self.index);
        let mut gone = Vec::new();
        for id in deploy_queue::waiting_of_earlier(tx, entry, self.attempt).await? {
            gone.push((id, "its job was run again".to_owned()));
        }
        if environment.rules.newest_wins {
            let reason = format!("the deployment of run {} took its place", self.run.number);
            for id in deploy_queue::waiting_before(tx, environment.id, asked.id).await? {
                gone.push((id, reason.clone()));
            }
        }
        for (id, reason) in gone {
            let mut older = deployments::lock(tx, id).await?;
            if older.state == DeploymentState::Waiting {
                change(tx, &mut older, DeploymentEvent::Supersede { reason }).await?;
            }
        }
        Ok(())
    }

    async fn granted(
        &self,
        tx: &mut Tx,
        name: EnvironmentName,
        environment: &Environment,
        asked: Deployment,
    ) -> Result<DeployGrant, FlowError> {
        if let Some(reason) = asked.state.reason() {
            return Ok(DeployGrant::Withheld { reason: reason.to_owned() });
        }
        if asked.state.is_terminal() {
            return Ok(DeployGrant::Withheld { reason: "it is live already".to_owned() });
        }
        let key = &self.server.config.master_key;
        let scope = &self.plan.secrets;
        let secrets = match secrets::grant(tx, key, self.repo.id, self.attempt, scope).await {
            Err(FlowError::Internal(error)) if error.is::<Unopened>() => {
                return Ok(DeployGrant::Withheld { reason: error.to_string() });
            }
            other => other?,
        };
        Ok(DeployGrant::Granted {
            deployment: asked.id,
            environment: name,
            secrets,
            previous: asked.previous,
            previous_rendered: asked.previous_rendered,
            promoted: asked.promoted,
            ambient: environment.rules.ambient,
        })
    }
}

/// Its turn has come.
pub(super) async fn let_in(
    tx: &mut Tx,
    asked: &mut Deployment,
    live: &Live,
) -> Result<(), FlowError> {
    change(tx, asked, DeploymentEvent::Approve).await?;
    deployments::set_previous(tx, asked.id, live).await?;
    asked.previous.clone_from(&live.version);
    asked.previous_rendered.clone_from(&live.rendered);
    Ok(())
}

/// Whether it can run without its job: a script needs the job's own shell.
fn can_defer(provider: &Provider) -> bool {
    match provider {
        Provider::Registry(_)
        | Provider::Container(_)
        | Provider::Elasticbeanstalk(_)
        | Provider::Kubernetes(_)
        | Provider::S3(_) => true,
        Provider::Script { .. } | Provider::Unsupported { .. } => false,
    }
}

fn unverified(from: &EnvironmentName, run: &Run) -> String {
    let commit = run.trigger.commit.short();
    format!(
        "{commit} was never live and verified in {from}: deploy it there first, then run this again"
    )
}

/// Why the environment does not take it.
fn refused(
    rules: &EnvironmentRules,
    event: &TriggerEvent,
    name: &EnvironmentName,
) -> Option<String> {
    let branches = &rules.branches;
    let allowed = event.tag().is_none() && branches.iter().any(|branch| branch == event.branch());
    if branches.is_empty() || allowed {
        return None;
    }
    let what =
        event.tag().map_or_else(|| event.branch().to_owned(), |tag| format!("the tag {tag}"));
    Some(format!("{name} takes only {}, not {what}: its rules say so", branches.join(", ")))
}

/// Why the file does not want it here.
fn elsewhere(on: &DeployOn, event: &TriggerEvent, repo: &RepoName) -> Option<String> {
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
