//! A run as lines of JSON, for programs. docs/run.md has their shapes.

use std::io::{self, Write};

use serde::Serialize;
use slipway_pipelines::ids::{JobNumber, StepNumber};
use slipway_pipelines::lifecycle::RunState;

use super::record::{Job, Record, Step, Told};
use super::show::Show;

/// Writes a line for all that happens.
pub(super) struct Json<W>(pub(super) W);

/// A line.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Line<'a> {
    /// A job's state changed.
    Job {
        job: JobNumber,
        name: &'a str,
        state: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
    },
    /// A step began (`started`), or ended.
    Step {
        job: JobNumber,
        step: StepNumber,
        state: &'static str,
        phase: &'static str,
        command: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        exit: Option<i32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        seconds: Option<f64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
    },
    /// A line of a job's log.
    Log {
        job: JobNumber,
        #[serde(skip_serializing_if = "Option::is_none")]
        step: Option<StepNumber>,
        text: &'a str,
    },
    /// The end.
    Run {
        state: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
        jobs: Vec<JobOf<'a>>,
    },
}

/// A job, as it ended.
#[derive(Debug, Serialize)]
pub(super) struct JobOf<'a> {
    name: &'a str,
    number: JobNumber,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    steps: Vec<StepOf<'a>>,
}

/// A step, as it ended.
#[derive(Debug, Serialize)]
struct StepOf<'a> {
    phase: &'static str,
    command: &'a str,
    exit: Option<i32>,
    seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

impl<'a> Line<'a> {
    fn of(job: &'a Job, told: &'a Told) -> Self {
        match told {
            Told::Job => Self::Job {
                job: job.number,
                name: &job.name,
                state: job.state.word(),
                reason: job.state.reason(),
            },
            Told::Began(step) | Told::Ended(step) => {
                let step = &job.steps[*step];
                Self::Step {
                    job: job.number,
                    step: step.number,
                    state: step.word(),
                    phase: step.phase.name(),
                    command: &step.command,
                    exit: step.exit(),
                    seconds: step.outcome.is_some().then(|| step.seconds()),
                    reason: step.reason(),
                }
            }
            Told::Line(text) => {
                let step = job.running().map(|step| step.number);
                Self::Log { job: job.number, step, text }
            }
        }
    }

    /// The last one.
    pub(super) fn run(state: &'a RunState, jobs: &'a [Job]) -> Self {
        let jobs = jobs.iter().map(JobOf::of).collect();
        Self::Run { state: state.word(), reason: state.reason(), jobs }
    }
}

impl<'a> JobOf<'a> {
    fn of(job: &'a Job) -> Self {
        let step = |step: &'a Step| StepOf {
            phase: step.phase.name(),
            command: &step.command,
            exit: step.exit(),
            seconds: step.seconds(),
            reason: step.reason(),
        };
        Self {
            name: &job.name,
            number: job.number,
            state: job.state.word(),
            reason: job.state.reason(),
            steps: job.steps.iter().map(step).collect(),
        }
    }
}

impl<W: Write> Json<W> {
    /// Writes it.
    pub(super) fn line(&mut self, line: &Line<'_>) -> io::Result<()> {
        serde_json::to_writer(&mut self.0, line)?;
        writeln!(self.0)
    }
}

impl<W: Write + Send> Show for Json<W> {
    fn told(&mut self, record: &Record, at: usize, told: &Told) -> io::Result<()> {
        self.line(&Line::of(&record.jobs[at], told))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }

    fn end(&mut self, record: &Record, state: &RunState) -> io::Result<()> {
        self.line(&Line::run(state, &record.jobs))?;
        self.0.flush()
    }
}
