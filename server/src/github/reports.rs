//! What is true of a run now, and the one sentence of it that GitHub shows. Pure: facts in, words
//! out, and never a better word than the run's own state.

use chrono::{DateTime, Utc};
use slipway_pipelines::ids::{RunId, RunNumber};
use slipway_pipelines::language::Diagnostic;
use slipway_pipelines::lifecycle::RunState;
use slipway_pipelines::names::RepoName;
use slipway_pipelines::plan::Trigger;
use slipway_pipelines::wire::Version;

/// A run as it is when GitHub is told.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) id: RunId,
    pub(crate) repo: RepoName,
    pub(crate) number: RunNumber,
    pub(crate) trigger: Trigger,
    pub(crate) state: RunState,
    /// The run's page.
    pub(crate) url: String,
    /// The file its plan came from.
    pub(crate) file: Option<String>,
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) started_at: Option<DateTime<Utc>>,
    pub(crate) finished_at: Option<DateTime<Utc>>,
    /// A later run is about the same commit: it has the last word.
    pub(crate) superseded: bool,
    pub(crate) jobs: Vec<JobFact>,
    pub(crate) deployments: Vec<DeployFact>,
}

/// One job of it.
#[derive(Clone, Debug)]
pub(crate) struct JobFact {
    pub(crate) number: i32,
    pub(crate) name: String,
    pub(crate) stage: String,
    pub(crate) allow_failure: bool,
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    pub(crate) seconds: Option<i64>,
}

/// One deployment of it.
#[derive(Clone, Debug)]
pub(crate) struct DeployFact {
    pub(crate) environment: String,
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) version: Version,
}

impl JobFact {
    fn is(&self, words: &[&str]) -> bool {
        words.contains(&self.state.as_str())
    }
}

impl Facts {
    /// What is true now, in one sentence without a full stop.
    pub(crate) fn sentence(&self) -> String {
        match &self.state {
            RunState::Planning => "Reading the pipeline file".to_owned(),
            RunState::Queued => format!("{} to run, waiting for a worker", count(self.jobs.len())),
            RunState::Running { .. } => self.so_far(),
            RunState::Passed | RunState::Failed => self.outcome(),
            RunState::Errored { reason } if self.jobs.is_empty() => format!("Errored: {reason}"),
            RunState::Errored { .. } => self.outcome(),
            RunState::Canceled { reason } => format!("Canceled: {reason}"),
            RunState::Skipped { reason } => format!("Nothing to do: {reason}"),
        }
    }

    fn so_far(&self) -> String {
        let of = |words: &[&str]| self.jobs.iter().filter(|job| job.is(words)).count();
        let open = of(&["waiting", "queued", "running"]);
        let done = self.jobs.len() - open;
        let head =
            format!("{done} of {} done, {} running", count(self.jobs.len()), of(&["running"]));
        match self.trouble() {
            Some(trouble) => format!("{head}; {trouble}"),
            None => head,
        }
    }

    fn outcome(&self) -> String {
        let of = |word: &str| self.jobs.iter().filter(|job| job.state == word).count();
        let mut sentence = format!("{} of {} passed", of("passed"), count(self.jobs.len()));
        if of("skipped") > 0 {
            sentence.push_str(&format!(", {} skipped", of("skipped")));
        }
        if let Some(trouble) = self.trouble() {
            sentence.push_str("; ");
            sentence.push_str(&trouble);
        } else if let Some(reason) = self.state.reason() {
            sentence.push_str("; ");
            sentence.push_str(reason);
        }
        sentence
    }

    /// The first job that went wrong; one that must not has the first word.
    fn trouble(&self) -> Option<String> {
        let wrong = |job: &&JobFact| job.is(&["failed", "errored", "canceled"]);
        let required = self.jobs.iter().filter(wrong).find(|job| !job.allow_failure);
        let job = required.or_else(|| self.jobs.iter().find(wrong))?;
        let number = format!("{}.{}", self.number, job.number);
        let reason = job.reason.as_deref().unwrap_or("no reason was told");
        let may = if job.allow_failure { " (allowed to fail)" } else { "" };
        Some(format!("job {number} {}{may}: {reason}", job.state))
    }

    /// Is it a run of a pull request?
    pub(crate) fn is_pull_request(&self) -> bool {
        self.trigger.event.pull_request().is_some()
    }
}

fn count(jobs: usize) -> String {
    if jobs == 1 { "1 job".to_owned() } else { format!("{jobs} jobs") }
}

#[cfg(test)]
pub(super) mod tests {
    use chrono::TimeZone;
    use slipway_pipelines::plan::{Actor, TriggerEvent};
    use uuid::Uuid;

    use super::*;

    pub(in crate::github) fn job(number: i32, state: &str, reason: Option<&str>) -> JobFact {
        JobFact {
            number,
            name: format!("job {number}"),
            stage: "test".to_owned(),
            allow_failure: false,
            state: state.to_owned(),
            reason: reason.map(str::to_owned),
            seconds: Some(61),
        }
    }

    pub(in crate::github) fn facts(state: RunState, jobs: Vec<JobFact>) -> Facts {
        let at = Utc.timestamp_opt(1_800_000_000, 0).single();
        Facts {
            id: Uuid::nil().into(),
            repo: "acme/web".parse().expect("a name"),
            number: RunNumber(3),
            trigger: Trigger {
                event: TriggerEvent::Push { branch: "main".to_owned() },
                commit: "a".repeat(40).parse().expect("a commit"),
                before: None,
                message: "Mend".to_owned(),
                author: "Ada".to_owned(),
                actor: Actor::Forge { id: 5, login: "ada".to_owned() },
            },
            url: "http://slipway.test/acme/web/runs/3".to_owned(),
            file: Some(".ci.yml".to_owned()),
            diagnostics: Vec::new(),
            started_at: at,
            finished_at: at.filter(|_| state.is_terminal()),
            state,
            superseded: false,
            jobs,
            deployments: Vec::new(),
        }
    }

    #[test]
    fn each_state_has_a_true_sentence() {
        let running = RunState::Running { started_at: Utc::now() };
        let red = || job(2, "failed", Some("\"make test\" exited with 2"));
        let allowed = JobFact { allow_failure: true, ..red() };
        for (state, jobs, says) in [
            (RunState::Planning, vec![], "Reading the pipeline file"),
            (RunState::Queued, vec![job(1, "queued", None)], "1 job to run, waiting for a worker"),
            (
                running,
                vec![job(1, "passed", None), job(2, "running", None), job(3, "waiting", None)],
                "1 of 3 jobs done, 1 running",
            ),
            (RunState::Passed, vec![job(1, "passed", None)], "1 of 1 job passed"),
            (
                RunState::Passed,
                vec![job(1, "passed", None), allowed],
                "1 of 2 jobs passed; job 3.2 failed (allowed to fail): \"make test\" exited with 2",
            ),
            (
                RunState::Failed,
                vec![job(1, "passed", None), red(), job(3, "skipped", Some("x"))],
                "1 of 3 jobs passed, 1 skipped; job 3.2 failed: \"make test\" exited with 2",
            ),
            (
                RunState::Errored { reason: ".ci.yml is missing".to_owned() },
                vec![],
                "Errored: .ci.yml is missing",
            ),
            (
                RunState::Canceled { reason: "canceled by ada".to_owned() },
                vec![job(1, "canceled", Some("x"))],
                "Canceled: canceled by ada",
            ),
        ] {
            assert_eq!(facts(state, jobs).sentence(), says);
        }
    }
}
