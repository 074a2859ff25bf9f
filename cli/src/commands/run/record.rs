//! What has happened in a run so far: what every way of showing it needs.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use slipway_pipelines::ids::{JobNumber, StepNumber};
use slipway_pipelines::lifecycle::{JobState, RunState};
use slipway_pipelines::plan::{JobPlan, Phase, Plan};
use slipway_pipelines::wire::{AttemptEvent, StepOutcome, TestReport};
use slipway_worker::{Artifact, KeptJob, News};

use super::lines::Splitter;

/// Lines that are remembered of a step: what is shown of it when it fails.
const TAIL: usize = 40;

/// A whole run.
#[derive(Debug)]
pub(super) struct Record {
    /// By number.
    pub(super) jobs: Vec<Job>,
    pub(super) artifacts: Vec<Artifact>,
    pub(super) began: DateTime<Utc>,
}

/// One job.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) number: JobNumber,
    pub(super) name: String,
    pub(super) allow_failure: bool,
    pub(super) state: JobState,
    pub(super) steps: Vec<Step>,
    pub(super) tests: Option<TestReport>,
    pub(super) kept: Option<KeptJob>,
    pub(super) began: Option<DateTime<Utc>>,
    pub(super) ended: Option<DateTime<Utc>>,
    /// Where all of its log is.
    pub(super) log: Option<PathBuf>,
    file: Option<File>,
    splitter: Splitter,
    /// The end of what it said outside of steps, or in all of them.
    pub(super) tail: VecDeque<String>,
}

/// One step.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) number: StepNumber,
    pub(super) phase: Phase,
    pub(super) command: String,
    pub(super) began: DateTime<Utc>,
    pub(super) ended: Option<DateTime<Utc>>,
    pub(super) outcome: Option<StepOutcome>,
    pub(super) tail: VecDeque<String>,
}

/// What is new, in the order in which it is to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// A job's state.
    Job,
    /// A step began: its place in the job's list.
    Began(usize),
    /// A step ended.
    Ended(usize),
    /// A line of the log.
    Line(String),
}

impl Record {
    /// Of a run that has not begun; each job's log goes to a file below `logs`.
    pub(super) fn new(plan: &Plan, logs: &Path) -> Self {
        let jobs = plan.jobs.iter().map(|job| Job::new(job, logs)).collect();
        Self { jobs, artifacts: Vec::new(), began: Utc::now() }
    }

    /// Takes what happened; gives what is new and the job it is about.
    pub(super) fn take(&mut self, news: News) -> Option<(usize, Vec<Told>)> {
        let number = match &news {
            News::Job { job, .. }
            | News::Event { job, .. }
            | News::Log { job, .. }
            | News::Tests { job, .. } => *job,
            News::Artifact(artifact) => artifact.job,
            News::Kept(kept) => kept.job,
        };
        let at = self.jobs.iter().position(|job| job.number == number)?;
        let job = &mut self.jobs[at];
        let told = match news {
            News::Job { state, .. } => job.is(state),
            News::Event { event, .. } => job.event(event),
            News::Log { bytes, .. } => job.log(&bytes),
            News::Tests { report, .. } => {
                job.tests = Some(report);
                Vec::new()
            }
            News::Artifact(artifact) => {
                self.artifacts.push(artifact);
                Vec::new()
            }
            News::Kept(kept) => {
                job.kept = Some(kept);
                Vec::new()
            }
        };
        Some((at, told))
    }

    /// Nothing more happens: what has no end yet gets this one.
    pub(super) fn close(&mut self, state: &RunState) {
        let reason = state.reason().unwrap_or_default().to_owned();
        for job in self.jobs.iter_mut().filter(|job| !job.state.is_terminal()) {
            let reason = reason.clone();
            let begun = matches!(job.state, JobState::Running { .. });
            job.state = if begun || matches!(state, RunState::Canceled { .. }) {
                JobState::Canceled { reason }
            } else {
                JobState::Skipped { reason }
            };
        }
    }

    /// How many jobs are in a state of this kind.
    pub(super) fn count(&self, is: impl Fn(&JobState) -> bool) -> usize {
        self.jobs.iter().filter(|job| is(&job.state)).count()
    }
}

impl Job {
    fn new(plan: &JobPlan, logs: &Path) -> Self {
        let path = logs.join(format!("{}.log", plan.number));
        // A run goes on without its logs on disk.
        let file = File::create(&path).ok();
        Self {
            number: plan.number,
            name: plan.name.clone(),
            allow_failure: plan.allow_failure,
            state: JobState::Waiting,
            steps: Vec::new(),
            tests: None,
            kept: None,
            began: None,
            ended: None,
            log: file.is_some().then_some(path),
            file,
            splitter: Splitter::default(),
            tail: VecDeque::new(),
        }
    }

    /// Its last step that has not ended.
    pub(super) fn running(&self) -> Option<&Step> {
        self.steps.iter().rev().find(|step| step.outcome.is_none())
    }

    /// The step because of which it did not pass, as far as one is to blame.
    pub(super) fn culprit(&self) -> Option<&Step> {
        let counts = |step: &&Step| match step.phase {
            Phase::Keep
            | Phase::BeforeCache
            | Phase::AfterSuccess
            | Phase::AfterFailure
            | Phase::AfterDeploy
            | Phase::AfterScript => false,
            Phase::Prepare
            | Phase::BeforeInstall
            | Phase::Install
            | Phase::BeforeScript
            | Phase::Script
            | Phase::Images
            | Phase::BeforeDeploy
            | Phase::Deploy => true,
        };
        self.steps.iter().filter(counts).find(|step| step.failed())
    }

    fn is(&mut self, state: JobState) -> Vec<Told> {
        let mut told = Vec::new();
        if matches!(state, JobState::Running { .. }) {
            self.began = Some(Utc::now());
        }
        if state.is_terminal() {
            self.ended = Some(Utc::now());
            told.extend(self.splitter.finish().map(|line| self.line(line)));
        }
        self.state = state;
        told.push(Told::Job);
        told
    }

    fn event(&mut self, event: AttemptEvent) -> Vec<Told> {
        match event {
            AttemptEvent::StepStarted { step, phase, title, at, .. } => {
                let tail = VecDeque::new();
                let (command, began) = (title, at);
                let (ended, outcome) = (None, None);
                let step = Step { number: step, phase, command, began, ended, outcome, tail };
                self.steps.push(step);
                vec![Told::Began(self.steps.len() - 1)]
            }
            AttemptEvent::StepFinished { step, outcome, at, .. } => {
                let Some(place) = self.steps.iter().position(|one| one.number == step) else {
                    return Vec::new();
                };
                (self.steps[place].outcome, self.steps[place].ended) = (Some(outcome), Some(at));
                vec![Told::Ended(place)]
            }
            // The log says the same in words.
            AttemptEvent::ImageResolved { .. }
            | AttemptEvent::ImageBuilt { .. }
            | AttemptEvent::Service { .. }
            | AttemptEvent::Published { .. }
            | AttemptEvent::Deployment { .. } => Vec::new(),
        }
    }

    fn log(&mut self, bytes: &[u8]) -> Vec<Told> {
        if let Some(file) = &mut self.file
            && file.write_all(bytes).is_err()
        {
            // Half a log helps nobody who looks for its end.
            (self.file, self.log) = (None, None);
        }
        let lines = self.splitter.push(bytes);
        lines.into_iter().map(|line| self.line(line)).collect()
    }

    fn line(&mut self, line: String) -> Told {
        let open = self.steps.iter_mut().rev().find(|step| step.outcome.is_none());
        for tail in open.map(|step| &mut step.tail).into_iter().chain([&mut self.tail]) {
            if tail.len() == TAIL {
                tail.pop_front();
            }
            tail.push_back(line.clone());
        }
        Told::Line(line)
    }
}

impl Step {
    /// Its exit code; a built-in action that did its work has 0.
    pub(super) fn exit(&self) -> Option<i32> {
        match self.outcome.as_ref()? {
            StepOutcome::Exited { code } => Some(*code),
            StepOutcome::Done => Some(0),
            StepOutcome::Failed { .. } | StepOutcome::Skipped { .. } => None,
        }
    }

    /// Why it has no exit code.
    pub(super) fn reason(&self) -> Option<&str> {
        match self.outcome.as_ref()? {
            StepOutcome::Failed { reason } | StepOutcome::Skipped { reason } => Some(reason),
            StepOutcome::Exited { .. } | StepOutcome::Done => None,
        }
    }

    /// Did it not do its work?
    pub(super) fn failed(&self) -> bool {
        match &self.outcome {
            Some(StepOutcome::Exited { code }) => *code != 0,
            Some(StepOutcome::Failed { .. }) => true,
            Some(StepOutcome::Done | StepOutcome::Skipped { .. }) | None => false,
        }
    }

    /// `started`, or how it ended.
    pub(super) fn word(&self) -> &'static str {
        match &self.outcome {
            None => "started",
            Some(StepOutcome::Exited { code: 0 } | StepOutcome::Done) => "passed",
            Some(StepOutcome::Exited { .. } | StepOutcome::Failed { .. }) => "failed",
            Some(StepOutcome::Skipped { .. }) => "skipped",
        }
    }

    /// How long it took, or takes.
    pub(super) fn seconds(&self) -> f64 {
        let until = self.ended.unwrap_or_else(Utc::now);
        let millis = (until - self.began).num_milliseconds().max(0);
        // Milliseconds are as exact as anybody reads, and no step takes a month.
        f64::from(u32::try_from(millis).unwrap_or(u32::MAX)) / 1000.0
    }
}
