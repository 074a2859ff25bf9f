//! What AWS says about the environment and its application.

use aws_sdk_elasticbeanstalk::types::{
    EnvironmentDescription, InstancesHealthAttribute, SingleInstanceHealth,
};

use slipway_pipelines::wire::FindingCode;

use super::super::aws::ask::Refusal;
use super::super::aws::failure::Failure;
use super::super::aws::refused::explain;
use super::Beanstalk;
use super::verdict::{Health, Instance, State};

/// Instances that are looked at: far more than Elastic Beanstalk's largest environments have.
const MOST_INSTANCES: usize = 10_000;

/// An environment at one time.
#[derive(Clone, Debug)]
pub(super) struct Environment {
    pub(super) state: State,
    pub(super) label: Option<String>,
    pub(super) health: Health,
    /// It has enhanced health: each instance can be asked for.
    pub(super) enhanced: bool,
    /// Its update can be aborted now.
    pub(super) abortable: bool,
    pub(super) url: Option<String>,
}

impl Environment {
    fn new(found: &EnvironmentDescription) -> Self {
        let health = found.health_status().map(|status| status.as_str());
        let colour = found.health().map_or("Grey", |colour| colour.as_str());
        let word = found.status().map_or("of unknown status", |status| status.as_str());
        Self {
            state: state(word),
            label: found.version_label().filter(|label| !label.is_empty()).map(str::to_owned),
            health: health.map_or_else(|| by_colour(colour), by_word),
            enhanced: health.is_some(),
            abortable: found.abortable_operation_in_progress().unwrap_or_default(),
            url: found
                .cname()
                .filter(|name| !name.is_empty())
                .map(|name| format!("http://{name}/")),
        }
    }

    /// One that is not listed any more.
    pub(super) fn gone() -> Self {
        Self {
            state: State::Gone("gone".to_owned()),
            label: None,
            health: Health::Unclear("no health".to_owned()),
            enhanced: false,
            abortable: false,
            url: None,
        }
    }

    /// For sentences: what it runs, and how it is.
    pub(super) fn now(&self) -> String {
        let label = self.label.as_deref().unwrap_or("no version");
        let (State::Busy(word) | State::Gone(word)) = &self.state else {
            let (Health::Good(word) | Health::Bad(word) | Health::Unclear(word)) = &self.health;
            return format!("it is Ready on {label} ({word})");
        };
        format!("it is {word}, on {label}")
    }
}

fn state(word: &str) -> State {
    match word {
        "Ready" => State::Ready,
        "Terminating" | "Terminated" => State::Gone(word.to_owned()),
        busy => State::Busy(busy.to_owned()),
    }
}

fn by_word(word: &str) -> Health {
    match word {
        "Ok" | "Info" => Health::Good(word.to_owned()),
        "Warning" | "Degraded" | "Severe" => Health::Bad(word.to_owned()),
        unclear => Health::Unclear(unclear.to_owned()),
    }
}

fn by_colour(colour: &str) -> Health {
    match colour {
        "Green" => Health::Good(colour.to_owned()),
        "Yellow" | "Red" => Health::Bad(colour.to_owned()),
        unclear => Health::Unclear(unclear.to_owned()),
    }
}

impl Beanstalk<'_> {
    /// The environment as it is now; none if there is none.
    pub(super) async fn look_up(&self, env: &str) -> Result<Option<Environment>, Refusal> {
        let call = || {
            let call = self.clients.beanstalk.describe_environments();
            let call = call.application_name(&self.options.app).environment_names(env);
            call.include_deleted(false).send()
        };
        let found = self.ask(call).await?;
        // Where a name is used again the terminated one may still be listed.
        let all = found.environments().iter().map(Environment::new);
        Ok(all.min_by_key(|one| matches!(one.state, State::Gone(_))))
    }

    /// The environment; that there is none is a failure that says what is missing.
    pub(super) async fn environment(&self, env: &str) -> Result<Environment, Failure> {
        let action = "elasticbeanstalk:DescribeEnvironments";
        let found = self.look_up(env).await;
        let found = found.map_err(|refusal| explain(action, &self.options.place(), &refusal))?;
        match found {
            Some(found) => Ok(found),
            None => {
                self.application().await?;
                let app = &self.options.app;
                let region = &self.options.region;
                let what = format!("application {app:?} has no environment {env:?} in {region}");
                Err(Failure::new(FindingCode::EnvironmentMissing, what)
                    .about(format!("environment {env}"))
                    .next("create it first, or set `env` and `region`"))
            }
        }
    }

    /// That the application is there.
    pub(super) async fn application(&self) -> Result<(), Failure> {
        let (app, region) = (&self.options.app, &self.options.region);
        let call = || self.clients.beanstalk.describe_applications().application_names(app).send();
        let found = self.ask(call).await.map_err(|refusal| {
            let subject = format!("application {app:?} in {region}");
            explain("elasticbeanstalk:DescribeApplications", &subject, &refusal)
        })?;
        if found.applications().is_empty() {
            let what = format!("there is no Elastic Beanstalk application {app:?} in {region}");
            return Err(Failure::new(FindingCode::ApplicationMissing, what)
                .about(format!("application {app}"))
                .next("create it first, or set `app` and `region`"));
        }
        Ok(())
    }

    /// Each instance that serves; none where the environment has only basic health.
    pub(super) async fn instances(&self, env: &str) -> Result<Option<Vec<Instance>>, Refusal> {
        let mut all = Vec::new();
        let mut next = None::<String>;
        loop {
            let call = || {
                let call = self.clients.beanstalk.describe_instances_health();
                let call = call.environment_name(env).set_next_token(next.clone());
                call.attribute_names(InstancesHealthAttribute::All).send()
            };
            let found = match self.ask(call).await {
                // Basic health.
                Err(refusal) if refusal.is(&["InvalidRequest"]) => return Ok(None),
                found => found?,
            };
            all.extend(found.instance_health_list().iter().map(instance));
            next = found.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if next.is_none() || all.len() >= MOST_INSTANCES {
                return Ok(Some(all));
            }
        }
    }
}

fn instance(found: &SingleInstanceHealth) -> Instance {
    let deployment = found.deployment();
    let of = |value: Option<&str>| value.map(str::to_owned);
    Instance {
        id: found.instance_id().unwrap_or("without an id").to_owned(),
        label: of(deployment.and_then(|one| one.version_label())),
        deployment: of(deployment.and_then(|one| one.status())),
    }
}
