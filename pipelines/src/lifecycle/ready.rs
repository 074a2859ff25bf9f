//! Which jobs may start, and what the jobs of a run come to. The server's schedule and
//! `slipway run` both ask here.

use crate::ids::{JobId, JobNumber, StageIndex};

use super::job::JobState;

/// What the decision needs of one job.
#[derive(Clone, Debug)]
pub struct JobView {
    /// Its id.
    pub id: JobId,
    /// Its number, for sentences.
    pub number: JobNumber,
    /// Its name, for sentences.
    pub name: String,
    /// Its stage.
    pub stage: StageIndex,
    /// Its stage's name, for sentences.
    pub stage_name: String,
    /// Its failure does not count.
    pub allow_failure: bool,
    /// Where it is.
    pub state: JobState,
}

/// What to do with the jobs of a run now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// Waiting jobs that may start.
    pub start: Vec<JobId>,
    /// Waiting jobs that never will, each with the sentence that says why.
    pub skip: Vec<(JobId, String)>,
    /// What the run came to, once every job is terminal (after `skip` is done).
    pub verdict: Option<Verdict>,
}

/// What the jobs of a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every required job passed.
    Passed,
    /// A required job failed.
    Failed,
    /// A required job could not be done.
    Errored {
        /// One sentence: which job, why.
        reason: String,
    },
    /// A required job was canceled.
    Canceled {
        /// One sentence: which job, why.
        reason: String,
    },
}

/// Decides for a run with these jobs (in job-number order).
///
/// A stage starts when all required jobs of every stage before it passed; the jobs of later
/// stages are skipped once one of them did not (TRAVIS_SEMANTICS §5; Travis calls them canceled,
/// we keep that word for what a person did). The verdict is that of the first stage that did
/// not pass; within it the first match of canceled, errored, failed (§1).
#[must_use]
pub fn ready_jobs(jobs: &[JobView]) -> Readiness {
    let mut readiness = Readiness::default();
    let mut stages: Vec<StageIndex> = jobs.iter().map(|job| job.stage).collect();
    stages.sort_unstable();
    stages.dedup();

    let mut open = true;
    let mut broken: Option<&JobView> = None;
    for stage in stages {
        let members = || jobs.iter().filter(move |job| job.stage == stage);
        if let Some(culprit) = broken {
            let reason = format!("stage {:?} did not pass", culprit.stage_name);
            let waiting = members().filter(|job| job.state == JobState::Waiting);
            readiness.skip.extend(waiting.map(|job| (job.id, reason.clone())));
            continue;
        }
        if open {
            let waiting = members().filter(|job| job.state == JobState::Waiting);
            readiness.start.extend(waiting.map(|job| job.id));
        }
        if members().any(|job| !job.allow_failure && !job.state.is_terminal()) {
            open = false;
        }
        // Later stages are skipped only when this one is decided: its other jobs still finish.
        if open {
            broken = members().find(|job| did_not_pass(job));
        }
    }
    let skipped = |id: JobId| readiness.skip.iter().any(|(skip, _)| *skip == id);
    if jobs.iter().all(|job| job.state.is_terminal() || skipped(job.id)) {
        readiness.verdict = Some(verdict(jobs));
    }
    readiness
}

fn did_not_pass(job: &JobView) -> bool {
    !job.allow_failure
        && match &job.state {
            JobState::Failed { .. } | JobState::Errored { .. } | JobState::Canceled { .. } => true,
            JobState::Waiting
            | JobState::Queued
            | JobState::Running { .. }
            | JobState::Passed
            | JobState::Skipped { .. } => false,
        }
}

fn verdict(jobs: &[JobView]) -> Verdict {
    let Some(stage) = jobs.iter().filter(|job| did_not_pass(job)).map(|job| job.stage).min() else {
        return Verdict::Passed;
    };
    let culprits = || jobs.iter().filter(|job| job.stage == stage && did_not_pass(job));
    let sentence =
        |job: &JobView, reason: &str| format!("job {} ({}): {reason}", job.number, job.name);
    for job in culprits() {
        if let JobState::Canceled { reason } = &job.state {
            return Verdict::Canceled { reason: sentence(job, reason) };
        }
    }
    for job in culprits() {
        if let JobState::Errored { reason } = &job.state {
            return Verdict::Errored { reason: sentence(job, reason) };
        }
    }
    Verdict::Failed
}
