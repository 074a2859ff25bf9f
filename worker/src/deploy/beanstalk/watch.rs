//! Following an environment to its verdict.

use std::time::Duration;

use slipway_pipelines::wire::{Finding, FindingCode, FindingVerdict};
use tokio::time::Instant;

use super::super::aws::Pauses;
use super::super::aws::ask::Refusal;
use super::super::aws::failure::Failure;
use super::super::aws::refused::explain;
use super::environment::Environment;
use super::events::{Happened, Ours, Told};
use super::update::SAY_AGAIN;
use super::verdict::{Seen, State, Verdict, verdict};
use super::{Beanstalk, told};

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
    /// The ERROR events of our request.
    errors: Vec<Happened>,
    /// A cause why it waits is on the page.
    shown: bool,
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
            errors: Vec::new(),
            shown: false,
        };
        let mut pauses = Pauses::new(&self.ctx.aws.pace);
        loop {
            let verdict = match self.look(course, &mut looking).await {
                Ok((seen, environment)) => match verdict(course.label, &seen) {
                    Verdict::Healthy(how) if self.soaked(&mut looking, soak, &how) => {
                        self.hide(&mut looking);
                        return Ok(environment);
                    }
                    verdict => verdict,
                },
                Err((action, refusal)) if refusal.passing.is_none() => {
                    return Err(explain(action, &self.options.place(), &refusal));
                }
                Err((action, refusal)) => {
                    let why = format!("AWS did not answer {action}: {}", refusal.message);
                    Verdict::Wait(Some(FindingCode::WatchLost), why)
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
        looking.errors = events.into_iter().filter(|event| event.error).collect();
        let errors = looking.errors.iter().map(|event| event.message.clone());
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

    /// Shows why it waits.
    fn wait_with(&self, looking: &mut Looking, course: &Course<'_>, code: FindingCode, why: &str) {
        let verdict = match code {
            FindingCode::WatchLost => FindingVerdict::Transient,
            _ => FindingVerdict::Waiting,
        };
        let subject = format!("environment {}", course.env);
        self.ctx.found(vec![Finding::new(code, verdict, subject, why, told::hint(code))]);
        looking.shown = true;
    }

    /// What it waited for has come.
    fn hide(&self, looking: &mut Looking) {
        if std::mem::take(&mut looking.shown) {
            self.ctx.found(Vec::new());
        }
    }

    fn go_on(
        &self,
        course: &Course<'_>,
        looking: &mut Looking,
        verdict: Verdict,
    ) -> Result<(), Failure> {
        let why = match verdict {
            Verdict::Healthy(how) => {
                self.hide(looking);
                if looking.said.elapsed() >= SAY_AGAIN {
                    self.say(&format!("Still healthy: {how}"));
                    looking.said = Instant::now();
                }
                return Ok(());
            }
            Verdict::Failed(code, why) => {
                let failure = Failure::new(code, why).hint(told::hint(code));
                return Err(told::by_events(failure, &looking.errors));
            }
            Verdict::Sick(why) if looking.soaking.is_some() => {
                let why = format!("it did not stay healthy: {why}");
                return Err(caused(FindingCode::UnhealthyInstances, why));
            }
            Verdict::Sick(why) => (Some(FindingCode::UnhealthyInstances), why),
            Verdict::Wait(code, why) => (code, why),
        };
        let (code, why) = why;
        if looking.soaking.take().is_some() {
            self.say("It is not seen to be healthy any more: the soak begins again");
        }
        if Instant::now() >= course.deadline {
            let why =
                format!("{} was not seen to serve {} in time: {why}", course.env, course.label);
            return Err(caused(code.unwrap_or(FindingCode::TimedOut), why));
        }
        if looking.waiting != why || looking.said.elapsed() >= SAY_AGAIN {
            self.say(&format!("Waiting: {why}"));
            match code {
                Some(code) => self.wait_with(looking, course, code, &why),
                None => self.hide(looking),
            }
            looking.said = Instant::now();
            looking.waiting = why;
        }
        Ok(())
    }
}

fn caused(code: FindingCode, why: String) -> Failure {
    Failure::new(code, why).hint(told::hint(code))
}
