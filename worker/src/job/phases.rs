//! What the marks of the job's shell come to (TRAVIS_SEMANTICS §6).

use chrono::{DateTime, Utc};
use slipway_pipelines::ids::StepNumber;
use slipway_pipelines::plan::{EnvVar, Phase, Provider, ScriptVerify};
use slipway_pipelines::wire::{JobOutcome, StepOutcome, Trust};

use super::attempt::{Attempt, Halt};
use super::carry::Carrier;
use super::deploys::{self, Scripted};
use super::prepare::Ready;
use super::scripted::Checked;
use super::shell::{Next, Shell};
use super::snapshot::Miss;
use super::{commit, images, limits, snapshot};
use crate::sandbox::{ContainerSpec, Sandbox as _, Starting};
use crate::script::{Course, Mark, OutOfTurn, Step};

/// The code of a process that was killed.
const KILLED: i64 = 137;
/// Codes of a program that is not there, or is made for another machine.
const NO_SHELL: [i64; 2] = [126, 127];
/// The program's own, when it finds no channel to the worker.
const NO_CHANNEL: i64 = 125;

impl From<OutOfTurn> for Halt {
    fn from(_: OutOfTurn) -> Self {
        Self::errored(super::shell::NOT_ITS_OWN)
    }
}

/// A job on its way through its phases.
struct Run<'a, 'b> {
    attempt: &'a Attempt<'b>,
    container: String,
    image: String,
    program_dir: String,
    steps: Vec<Step>,
    shell: Shell,
    carrier: Carrier<'a, 'b>,
    /// Which marks can come now.
    course: Course,
    /// The number of the step that runs.
    running: Option<StepNumber>,
    /// The first command of `script` that failed, in words.
    script_failed: Option<String>,
    /// What ended the job before its phases did, in words.
    stopped: Option<String>,
    /// The script deploy that was let in.
    scripted: Option<Scripted>,
    began: bool,
    /// The snapshot that is to be kept.
    snapshot: Option<Miss>,
    /// Held until the first command begins.
    starting: Option<(Starting, ContainerSpec)>,
}

/// Runs all phases in the container.
pub(super) async fn run(attempt: &Attempt<'_>, mut ready: Ready) -> Result<JobOutcome, Halt> {
    let container = ready.container.clone();
    let image = ready.image.clone();
    let program_dir = ready.program_dir.clone();
    let steps = std::mem::take(&mut ready.program.steps);
    let starting = ready.starting.take();
    let course = Course::new(&steps, &attempt.work.plan);
    let (snapshot, restored) = (ready.snapshot.take(), ready.restored);
    let shell = Shell::start(attempt, ready).await?;
    let carrier = Carrier::new(attempt, (&container, &program_dir), restored);
    let mut run = Run {
        attempt,
        container,
        image,
        program_dir,
        steps,
        shell,
        carrier,
        course,
        running: None,
        script_failed: None,
        stopped: None,
        scripted: None,
        began: false,
        snapshot,
        starting,
    };
    loop {
        match run.shell.next().await? {
            Next::Mark { mark: mark @ Mark::Done { traps }, .. } => {
                run.course.take(&mark)?;
                if traps {
                    run.last_words().await?;
                }
                return Ok(run.done().await);
            }
            Next::Mark { mark, offset, at } => run.mark(mark, offset, at).await?,
            Next::Ended { code } => return run.ended(code).await,
        }
    }
}

impl Run<'_, '_> {
    async fn mark(&mut self, mark: Mark, offset: u64, at: DateTime<Utc>) -> Result<(), Halt> {
        self.course.take(&mark)?;
        self.began = true;
        if let Some((starting, spec)) = self.starting.take() {
            // What waits for jobs is chosen by those who may write to their repos.
            if self.attempt.work.trust == Trust::Trusted {
                self.attempt.engine.sandbox.began(&spec);
            }
            drop(starting);
        }
        match mark {
            Mark::Env(place) => Err(bad_env(&self.attempt.work.plan.env, place)),
            Mark::Start(place) => {
                let step = &self.steps[place];
                let reporter = &self.attempt.reporter;
                self.running = Some(reporter.begin_at(step.phase, &step.command, offset, at));
                Ok(())
            }
            Mark::Result(passed) => {
                if !passed {
                    let own = || "The job set TRAVIS_TEST_RESULT itself.".to_owned();
                    self.script_failed.get_or_insert_with(own);
                }
                Ok(())
            }
            Mark::End(place, code) => {
                self.end(place, code, offset, at);
                Ok(())
            }
            Mark::Skip(index) => {
                deploys::skip(self.attempt, index);
                Ok(())
            }
            Mark::Take
            | Mark::Gather
            | Mark::Leave
            | Mark::Images
            | Mark::State
            | Mark::Snapshot
            | Mark::Commit => {
                let answer = Box::pin(self.asked(&mark)).await?;
                self.shell.answer(answer).await
            }
            Mark::Deploy(index) => self.deploy(index).await,
            Mark::Verify(index) => self.verify(index).await,
            Mark::Done { .. } => Ok(()),
        }
    }

    /// Does what the shell waits for; gives the answer.
    async fn asked(&mut self, mark: &Mark) -> Result<&'static str, Halt> {
        let (attempt, container) = (self.attempt, &self.container);
        match mark {
            Mark::Take => {
                self.stopped = self.carrier.take().await;
                if self.stopped.is_some() {
                    self.course.stop();
                    return Ok("stop");
                }
            }
            Mark::Gather => self.carrier.gather(self.script_failed.is_some()).await,
            Mark::Leave => self.carrier.leave().await,
            Mark::Images => images::build_all(attempt, container).await?,
            Mark::State => {
                let Some(miss) = &self.snapshot else { return Ok("pass") };
                if !snapshot::prepare(attempt, container, &self.program_dir, miss).await {
                    return Ok("pass");
                }
            }
            Mark::Snapshot => {
                if let Some(miss) = self.snapshot.take() {
                    snapshot::keep(attempt, container, miss).await;
                }
            }
            Mark::Commit => commit::commit(attempt, container).await?,
            Mark::Env(_)
            | Mark::Start(_)
            | Mark::End(..)
            | Mark::Result(_)
            | Mark::Skip(_)
            | Mark::Deploy(_)
            | Mark::Verify(_)
            | Mark::Done { .. } => {}
        }
        Ok("go")
    }

    async fn deploy(&mut self, index: usize) -> Result<(), Halt> {
        let ran = deploys::run(self.attempt, &self.container, &self.program_dir, index).await?;
        if let Some(reason) = ran.stopped {
            self.stopped = Some(reason);
            self.course.stop();
        }
        if ran.scripted.is_some() {
            self.course.let_in(index);
        }
        self.scripted = ran.scripted;
        self.shell.answer(&ran.answer).await
    }

    /// Do these two places belong to one script deploy: the script, and the command that checks it?
    fn is_pair(&self, script: usize, check: usize) -> bool {
        let deploy =
            |place: usize| self.steps.get(place).filter(|step| step.phase == Phase::Deploy)?.deploy;
        deploy(script).is_some() && deploy(script) == deploy(check)
    }

    /// Is the command at this place the check of a script deploy?
    fn is_check(&self, place: usize) -> bool {
        place.checked_sub(1).is_some_and(|before| self.is_pair(before, place))
    }

    /// Does a check follow the script at this place: a command, or a look at an address?
    fn is_checked(&self, place: usize) -> bool {
        let deploys = &self.attempt.work.plan.deploys;
        let plan = self.steps.get(place).and_then(|step| deploys.get(step.deploy?));
        self.is_pair(place, place + 1)
            || plan.is_some_and(|plan| {
                matches!(plan.provider, Provider::Script { verify: Some(ScriptVerify::Url(_)), .. })
            })
    }

    /// The script passed; what its address answers is the verdict.
    async fn verify(&mut self, index: usize) -> Result<(), Halt> {
        let plan = self.attempt.work.plan.deploys.get(index);
        let (Some(plan), Some(scripted)) = (plan, self.scripted.take()) else {
            return Err(Halt::errored(super::shell::NOT_ITS_OWN));
        };
        let answer = match scripted.check(self.attempt, plan).await {
            Checked::Good => "go",
            Checked::Bad { .. } if plan.allow_failure => "pass",
            Checked::Bad { reason } => {
                self.stopped.get_or_insert(format!("deploy: {reason}."));
                self.course.stop();
                "stop"
            }
        };
        self.shell.answer(answer).await
    }

    fn end(&mut self, place: usize, code: i32, offset: u64, at: DateTime<Utc>) {
        let Some(number) = self.running.take() else { return };
        let step = &self.steps[place];
        let outcome = StepOutcome::Exited { code };
        self.attempt.worker.rooms.note(self.attempt.assignment.attempt, place, code);
        self.attempt.reporter.end_at(number, outcome, offset, at);
        if step.phase == Phase::Deploy && (code != 0 || !self.is_checked(place)) {
            let verifies = self.is_check(place);
            if let Some(scripted) = self.scripted.take() {
                scripted.ended(self.attempt, &step.command, verifies, code);
            }
        }
        if code == 0 {
            return;
        }
        let command = short(&step.command);
        let sentence = format!("`{command}` exited with {code}.");
        match step.phase {
            Phase::Script => {
                self.script_failed.get_or_insert(sentence);
            }
            Phase::BeforeInstall | Phase::Install | Phase::BeforeScript | Phase::BeforeDeploy => {
                self.stopped.get_or_insert(format!("{}: {sentence}", step.phase.name()));
            }
            Phase::Deploy => {
                let forgiven = step
                    .deploy
                    .and_then(|index| self.attempt.work.plan.deploys.get(index))
                    .is_some_and(|deploy| deploy.allow_failure);
                if !forgiven {
                    self.stopped.get_or_insert(format!("deploy: {sentence}"));
                }
            }
            Phase::Prepare
            | Phase::Images
            | Phase::Keep
            | Phase::BeforeCache
            | Phase::AfterSuccess
            | Phase::AfterFailure
            | Phase::AfterDeploy
            | Phase::AfterScript => {}
        }
    }

    /// Takes what the shell's traps write while it ends.
    async fn last_words(&mut self) -> Result<(), Halt> {
        while let Next::Mark { .. } = self.shell.next().await? {}
        Ok(())
    }

    /// The program came to its own end.
    async fn done(mut self) -> JobOutcome {
        if self.stopped.is_some() || self.script_failed.is_some() {
            let limit = limits::met(self.attempt, &self.container).await;
            let limit = limit.map(|limit| format!(" {limit}")).unwrap_or_default();
            let reasons = self.stopped.iter_mut().chain(&mut self.script_failed);
            reasons.for_each(|reason| reason.push_str(&limit));
        }
        match (self.stopped, self.script_failed) {
            (Some(reason), _) => JobOutcome::Errored { reason },
            (None, Some(reason)) => JobOutcome::Failed { reason },
            (None, None) => JobOutcome::Passed,
        }
    }

    /// The shell ended before its program: `exit` in a command, `set -e`, or a kill.
    async fn ended(&mut self, code: i64) -> Result<JobOutcome, Halt> {
        if let Some(number) = self.running.take() {
            let code = i32::try_from(code).unwrap_or(-1);
            let exited = StepOutcome::Exited { code };
            if let Some(place) = self.course.running() {
                self.attempt.worker.rooms.note(self.attempt.assignment.attempt, place, code);
            }
            self.attempt.reporter.end(number, exited);
        }
        let command = self.course.running().map(|place| short(&self.steps[place].command));
        if let Some(scripted) = self.scripted.take() {
            let place = self.course.running();
            let command = command.as_deref().unwrap_or("the script");
            let unchecked = place.is_none_or(|place| self.is_checked(place));
            if code == 0 && unchecked {
                scripted.unchecked(self.attempt, command);
            } else {
                let verifies = place.is_some_and(|place| self.is_check(place));
                let code = i32::try_from(code).unwrap_or(-1);
                scripted.ended(self.attempt, command, verifies, code);
            }
        }
        if !self.began && code == NO_CHANNEL {
            return Err(Halt::errored("The job's shell found no channel to the worker."));
        }
        let sandbox = &self.attempt.engine.sandbox;
        let gone = || async { !sandbox.is_running(&self.container).await.unwrap_or(true) };
        if !self.began && (NO_SHELL.contains(&code) || gone().await) {
            return Err(Halt::errored(sandbox.no_shell(&self.image).await));
        }
        if code == KILLED || code < 0 {
            let reason = limits::killed(self.attempt, &self.container, command.as_deref()).await;
            return Ok(JobOutcome::Errored { reason });
        }
        if code == 0 {
            return Ok(self.ended_well(command.as_deref()));
        }
        let by = command.map(|command| format!(" in `{command}`")).unwrap_or_default();
        let mut reason = format!("The job's shell ended with {code}{by}.");
        if let Some(limit) = limits::met(self.attempt, &self.container).await {
            reason = format!("{reason} {limit}");
        }
        Ok(match code {
            1 if self.began => JobOutcome::Failed { reason },
            _ => JobOutcome::Errored { reason },
        })
    }

    /// The shell ended with 0 before its program did. A command that ends it with `exit 0` passes
    /// the job, as on Travis; nothing else does.
    fn ended_well(&self, command: Option<&str>) -> JobOutcome {
        if let Some(command) = command {
            let reporter = &self.attempt.reporter;
            reporter.say(&format!(
                "\nThe job's shell ended with 0 in `{command}`: nothing after it ran."
            ));
            return JobOutcome::Passed;
        }
        match &self.script_failed {
            Some(reason) => JobOutcome::Failed { reason: reason.clone() },
            None => {
                let reason = "The job's shell ended with 0 before it had come to its end.";
                JobOutcome::Errored { reason: reason.to_owned() }
            }
        }
    }
}

/// A variable that no shell can read.
fn bad_env(env: &[EnvVar], place: usize) -> Halt {
    let name = env.get(place).map(|var| var.name.as_str()).unwrap_or_default();
    Halt::errored(format!(
        "The value of {name} in `env` is not what a shell can read; the log has its words. Values \
         are shell text: put '…' around one that is not meant to be."
    ))
}

/// A command as it fits into a sentence.
fn short(command: &str) -> String {
    const MOST: usize = 120;
    let line = command.lines().next().unwrap_or_default();
    let mut short: String = line.chars().take(MOST).collect();
    if short.len() < command.len() {
        short.push('…');
    }
    short
}
