//! Following an environment to its verdict.

use std::time::Duration;

use tokio::time::Instant;

use super::super::aws::Pauses;
use super::Beanstalk;
use super::ask::Refusal;
use super::environment::Environment;
use super::events::{Ours, Told};
use super::explain::{Failure, explain};
use super::update::SAY_AGAIN;
use super::verdict::{Seen, State, Verdict, verdict};

/// How long a version must stay healthy where the file does not say.
pub(super) const SOAK: Duration = Duration::from_secs(30);

/// What is followed.
pub(super) struct Course<'a> {
    pub(super) env: &'a str,
    /// The version that it has to serve.
    pub(super) label: &'a str,
    pub(super) ours: &'a Ours,
    /// It has to be healthy by then; the soak may take longer.
    pub(super) deadline: Instant,
}

/// What the looks so far came to.
struct Looking {
    since: Instant,
    /// It was seen to be changed.
    begun: bool,
    told: Told,
    soaking: Option<Instant>,
    waiting: String,
    said: Instant,
}

impl Beanstalk<'_> {
    /// Follows it until it has soaked, or never will. Only what was seen counts: a look that AWS
    /// did not answer is no good look.
    pub(super) async fn follow(&self, course: &Course<'_>) -> Result<Environment, Failure> {
        let soak = self.plan.soak.unwrap_or(SOAK);
        let now = Instant::now();
        let mut looking = Looking {
            since: now,
            begun: false,
            told: Told::default(),
            soaking: None,
            waiting: "the update has not begun yet".to_owned(),
            said: now,
        };
        let mut pauses = Pauses::new(&self.ctx.aws.pace);
        loop {
            let verdict = match self.look(course, &mut looking).await {
                Ok((seen, environment)) => match verdict(course.label, &seen) {
                    Verdict::Healthy(how) if self.soaked(&mut looking, soak, &how) => {
                        return Ok(environment);
                    }
                    verdict => verdict,
                },
                Err((action, refusal)) if refusal.passing.is_none() => {
                    return Err(explain(action, &self.options.place(), &refusal));
                }
                Err((action, refusal)) => {
                    Verdict::Wait(format!("AWS did not answer {action}: {}", refusal.message))
                }
            };
            self.go_on(course, &mut looking, verdict)?;
            let pause = pauses.next();
            let left = looking.soaking.map(|since| soak.saturating_sub(since.elapsed()));
            tokio::time::sleep(left.map_or(pause, |left| left.min(pause))).await;
        }
    }

    /// One look.
    async fn look(
        &self,
        course: &Course<'_>,
        looking: &mut Looking,
    ) -> Result<(Seen, Environment), (&'static str, Refusal)> {
        let at = |action: &'static str| move |refusal| (action, refusal);
        let now = self.look_up(course.env).await;
        let now = now.map_err(at("elasticbeanstalk:DescribeEnvironments"))?;
        let now = now.unwrap_or_else(Environment::gone);
        let events = self.events(Some(course.env), course.ours).await;
        let events = events.map_err(at("elasticbeanstalk:DescribeEvents"))?;
        self.tell(&mut looking.told, &events);
        let instances = match now.enhanced {
            true => self.instances(course.env).await,
            false => Ok(None),
        };
        let instances = instances.map_err(at("elasticbeanstalk:DescribeInstancesHealth"))?;
        looking.begun |= matches!(now.state, State::Busy(_))
            || looking.since.elapsed() >= self.ctx.aws.pace.settle;
        let errors = events.into_iter().filter(|event| event.error).map(|event| event.message);
        let seen = Seen {
            state: now.state.clone(),
            label: now.label.clone(),
            health: now.health.clone(),
            instances,
            errors: errors.collect(),
            begun: looking.begun,
        };
        Ok((seen, now))
    }

    /// It is healthy: has it been so for long enough?
    fn soaked(&self, looking: &mut Looking, soak: Duration, how: &str) -> bool {
        let since = *looking.soaking.get_or_insert_with(|| {
            self.ctx.hop("healthy", how);
            Instant::now()
        });
        let soaked = since.elapsed() >= soak;
        if soaked {
            self.ctx.hop("soaked", format!("{how} for {} seconds", soak.as_secs()));
        }
        soaked
    }

    fn go_on(
        &self,
        course: &Course<'_>,
        looking: &mut Looking,
        verdict: Verdict,
    ) -> Result<(), Failure> {
        let why = match verdict {
            Verdict::Healthy(how) => {
                if looking.said.elapsed() >= SAY_AGAIN {
                    self.say(&format!("Still healthy: {how}"));
                    looking.said = Instant::now();
                }
                return Ok(());
            }
            Verdict::Failed(why) => return Err(Failure::from(why)),
            Verdict::Sick(why) if looking.soaking.is_some() => {
                return Err(Failure::from(format!("it did not stay healthy: {why}")));
            }
            Verdict::Sick(why) | Verdict::Wait(why) => why,
        };
        if looking.soaking.take().is_some() {
            self.say("It is not seen to be healthy any more: the soak begins again");
        }
        if Instant::now() >= course.deadline {
            return Err(Failure::from(format!(
                "{} was not seen to serve {} in time: {why}",
                course.env, course.label
            )));
        }
        if looking.waiting != why || looking.said.elapsed() >= SAY_AGAIN {
            self.say(&format!("Waiting: {why}"));
            looking.said = Instant::now();
            looking.waiting = why;
        }
        Ok(())
    }
}
