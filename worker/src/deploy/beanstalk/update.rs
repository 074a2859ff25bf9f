//! Telling the environment to change, and to stop changing.

use std::time::Duration;

use aws_sdk_elasticbeanstalk::operation::RequestId as _;
use slipway_pipelines::wire::{Finding, FindingCode, FindingVerdict};
use tokio::time::Instant;

use super::super::aws::Pauses;
use super::super::aws::ask::Passing;
use super::super::aws::failure::Failure;
use super::super::aws::refused::explain;
use super::Beanstalk;
use super::environment::Environment;
use super::events::Ours;
use super::verdict::State;

/// While it waits, the log says so this often: silence would end the job.
pub(super) const SAY_AGAIN: Duration = Duration::from_secs(60);

impl Beanstalk<'_> {
    /// Waits until nobody changes the environment.
    pub(super) async fn until_ready(
        &self,
        env: &str,
        deadline: Instant,
    ) -> Result<Environment, Failure> {
        let mut pauses = Pauses::new(&self.ctx.aws.pace);
        let mut said = None::<Instant>;
        loop {
            let now = self.environment(env).await?;
            let word = match &now.state {
                State::Ready => {
                    if said.is_some() {
                        self.ctx.found(Vec::new());
                    }
                    return Ok(now);
                }
                State::Gone(word) => {
                    let what = format!("{} is {word}", self.options.place());
                    return Err(Failure::new(FindingCode::EnvironmentMissing, what)
                        .next("create it again, or name another `env`"));
                }
                State::Busy(word) => word,
            };
            if Instant::now() >= deadline {
                let what = format!("{} is still {word}", self.options.place());
                return Err(Failure::new(FindingCode::EnvironmentNotReady, what)
                    .next("something else changes it, so look at its events and deploy again"));
            }
            if said.is_none() {
                self.ctx.hop("waiting", format!("{env} is {word}"));
                self.wait_for(env, word);
                said = Some(Instant::now());
            } else if said.is_some_and(|said| said.elapsed() >= SAY_AGAIN) {
                self.say(&format!("Still waiting: {env} is {word}"));
                said = Some(Instant::now());
            }
            tokio::time::sleep(pauses.next()).await;
        }
    }

    /// Shows that another update is waited for.
    fn wait_for(&self, env: &str, word: &str) {
        let finding = Finding::new(
            FindingCode::EnvironmentNotReady,
            FindingVerdict::Waiting,
            format!("environment {env}"),
            format!("it is {word}: another update of it runs"),
            "wait, or abort that update in the console",
        );
        self.ctx.found(vec![finding.seen("Status of the environment", word)]);
    }

    /// Tells it to take the version once it is ready; gives what it was then, and how the events
    /// of this update are found.
    pub(super) async fn update(
        &self,
        env: &str,
        label: &str,
        deadline: Instant,
    ) -> Result<(Environment, Ours), Failure> {
        let action = "elasticbeanstalk:UpdateEnvironment";
        loop {
            let before = self.until_ready(env, deadline).await?;
            let by_label = || Ours::Label(label.to_owned());
            let call = || {
                let call = self.clients.beanstalk.update_environment();
                let call = call.application_name(&self.options.app).environment_name(env);
                call.version_label(label).send()
            };
            let refusal = match self.ask_once(call).await {
                Ok(begun) => {
                    let id = begun.request_id().map(str::to_owned);
                    return Ok((before, id.map_or_else(by_label, Ours::Request)));
                }
                Err(refusal) => refusal,
            };
            if refusal.passing == Some(Passing::Unknown) {
                // It may have been done: asking again could start a second update.
                self.say(&format!("{action} was not answered: looking whether it was done"));
                return Ok((before, by_label()));
            }
            // Somebody else was quicker.
            let not_ready = refusal.message.contains("Must be Ready");
            if !not_ready || Instant::now() >= deadline {
                return Err(explain(action, &self.options.place(), &refusal));
            }
        }
    }

    /// Ends an update that still runs, and waits until the environment is ready again.
    pub(super) async fn abort(&self, env: &str, deadline: Instant) -> Result<Environment, Failure> {
        let now = self.environment(env).await?;
        if now.abortable && matches!(now.state, State::Busy(_)) {
            let call = || {
                let call = self.clients.beanstalk.abort_environment_update();
                call.environment_name(env).send()
            };
            match self.ask(call).await {
                Ok(_) => self.ctx.hop("aborted", format!("the update of {env}")),
                // It may have come to its end by itself.
                Err(refusal) => {
                    self.say(&format!("The update was not aborted: {}", refusal.message))
                }
            }
        }
        self.until_ready(env, deadline).await
    }
}
