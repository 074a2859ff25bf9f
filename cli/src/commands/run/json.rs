//! A run as lines of JSON, for programs. docs/run.md has their shapes.

use std::io::{self, Write};

use serde_json::{Value, json};
use slipway_pipelines::lifecycle::RunState;

use super::record::{Job, Record, Step, Told};
use super::show::Show;

/// Writes a line for all that happens.
pub(super) struct Json<W>(pub(super) W);

impl<W: Write> Json<W> {
    fn line(&mut self, value: &Value) -> io::Result<()> {
        writeln!(self.0, "{value}")?;
        // Whoever reads acts on each.
        self.0.flush()
    }
}

impl<W: Write + Send> Show for Json<W> {
    fn told(&mut self, record: &Record, at: usize, told: &Told) -> io::Result<()> {
        let job = &record.jobs[at];
        let number = job.number;
        self.line(&match told {
            Told::Job => json!({
                "type": "job", "job": number, "name": job.name,
                "state": job.state.word(), "reason": job.state.reason(),
            }),
            Told::Began(step) | Told::Ended(step) => {
                let step = &job.steps[*step];
                let mut value = of_step(step);
                value["type"] = "step".into();
                value["job"] = json!(number);
                value["step"] = json!(step.number);
                value["state"] = step.word().into();
                value["reason"] = json!(step.reason());
                if step.outcome.is_none() {
                    value["seconds"] = Value::Null;
                }
                value
            }
            Told::Line(text) => {
                let step = job.running().map(|step| step.number);
                json!({ "type": "log", "job": number, "step": step, "text": text })
            }
        })
    }

    fn end(&mut self, record: &Record, state: &RunState) -> io::Result<()> {
        let jobs: Vec<Value> = record.jobs.iter().map(of_job).collect();
        self.line(&json!({
            "type": "run", "state": state.word(), "reason": state.reason(), "jobs": jobs,
        }))
    }
}

fn of_job(job: &Job) -> Value {
    let steps: Vec<Value> = job.steps.iter().map(of_step).collect();
    json!({
        "name": job.name, "number": job.number, "state": job.state.word(),
        "reason": job.state.reason(), "steps": steps,
    })
}

fn of_step(step: &Step) -> Value {
    json!({
        "phase": step.phase.name(), "command": step.command, "exit": step.exit(),
        "seconds": step.seconds(),
    })
}
