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
    /// The jobs that must have passed before it starts.
    pub needs: Vec<JobNumber>,
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
    /// The same as soon as every required job is: nothing that is left can change it any more.
    /// For runs with `fast_finish`.
    pub early_verdict: Option<Verdict>,
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
/// we keep that word for what a person did). In a stage that has started, a job starts once all
/// that it needs passed, and is skipped once one of them did not, even if that one was allowed to
/// fail. The verdict is that of the first stage that did not pass; within it the first match of
/// canceled, errored, failed (§1), skipped.
#[must_use]
pub fn ready_jobs(jobs: &[JobView]) -> Readiness {
    let mut board = Board { jobs, skipped: vec![None; jobs.len()] };
    board.skip_by_needs();
    let mut start = board.by_stages();
    // What a stage skips may be needed by others, which skips those of still later stages.
    board.skip_by_needs();
    if start.is_empty() {
        board.skip_circles();
    }
    start.retain(|place| board.skipped[*place].is_none());
    let over = |place: usize| board.skipped[place].is_some() || jobs[place].state.is_terminal();
    let all = (0..jobs.len()).all(over);
    let required = (0..jobs.len()).all(|place| jobs[place].allow_failure || over(place));
    let verdict = board.verdict();
    Readiness {
        start: start.into_iter().map(|place| jobs[place].id).collect(),
        verdict: all.then(|| verdict.clone()),
        early_verdict: required.then_some(verdict),
        skip: jobs
            .iter()
            .zip(board.skipped)
            .filter_map(|(job, reason)| Some((job.id, reason?)))
            .collect(),
    }
}

/// The jobs, and which of them this decision skips. Places are those in the list.
struct Board<'a> {
    jobs: &'a [JobView],
    skipped: Vec<Option<String>>,
}

impl Board<'_> {
    fn waits(&self, place: usize) -> bool {
        self.jobs[place].state == JobState::Waiting && self.skipped[place].is_none()
    }

    /// The word of a state that is final and not `passed`; none while it may still pass.
    fn not_passed(&self, place: usize) -> Option<&'static str> {
        if self.skipped[place].is_some() {
            return Some("was skipped");
        }
        match &self.jobs[place].state {
            JobState::Failed { .. } => Some("failed"),
            JobState::Errored { .. } => Some("could not be done"),
            JobState::Canceled { .. } => Some("was canceled"),
            JobState::Skipped { .. } => Some("was skipped"),
            JobState::Waiting | JobState::Queued | JobState::Running { .. } | JobState::Passed => {
                None
            }
        }
    }

    fn did_not_pass(&self, place: usize) -> bool {
        !self.jobs[place].allow_failure && self.not_passed(place).is_some()
    }

    fn place(&self, number: JobNumber) -> Option<usize> {
        self.jobs.iter().position(|job| job.number == number)
    }

    /// Skips what needs a job that did not pass, and what needs that in turn.
    fn skip_by_needs(&mut self) {
        loop {
            let next = (0..self.jobs.len())
                .filter(|place| self.waits(*place))
                .find_map(|place| Some((place, self.unmet(place)?)));
            let Some((place, reason)) = next else { return };
            self.skipped[place] = Some(reason);
        }
    }

    /// Why the job's needs will never be met.
    fn unmet(&self, place: usize) -> Option<String> {
        self.jobs[place].needs.iter().find_map(|number| match self.place(*number) {
            None => Some(format!("it needs job {number}, which is not of this run")),
            Some(needed) => self.not_passed(needed).map(|how| {
                format!("it needs job {number} ({}), which {how}", self.jobs[needed].name)
            }),
        })
    }

    fn needs_met(&self, place: usize) -> bool {
        let passed = |number: &JobNumber| {
            self.place(*number).is_some_and(|place| self.jobs[place].state == JobState::Passed)
        };
        self.jobs[place].needs.iter().all(passed)
    }

    /// Goes through the stages: what may start in those that are open; what comes after one that
    /// did not pass is skipped.
    fn by_stages(&mut self) -> Vec<usize> {
        let mut stages: Vec<StageIndex> = self.jobs.iter().map(|job| job.stage).collect();
        stages.sort_unstable();
        stages.dedup();
        let mut start = Vec::new();
        let mut open = true;
        let mut broken: Option<&str> = None;
        let jobs = self.jobs;
        for stage in stages {
            let members: Vec<usize> =
                (0..jobs.len()).filter(|place| jobs[*place].stage == stage).collect();
            if let Some(name) = broken {
                for place in
                    members.into_iter().filter(|place| jobs[*place].state == JobState::Waiting)
                {
                    self.skipped[place]
                        .get_or_insert_with(|| format!("stage {name:?} did not pass"));
                }
                continue;
            }
            if open {
                let ready = members.iter().filter(|place| self.waits(**place));
                start.extend(ready.filter(|place| self.needs_met(**place)));
            }
            let undecided = |place: &usize| {
                let job = &jobs[*place];
                !job.allow_failure && !job.state.is_terminal() && self.skipped[*place].is_none()
            };
            open = open && !members.iter().any(undecided);
            // Later stages are skipped only when this one is decided: its other jobs still finish.
            if open {
                let culprit = members.iter().find(|place| self.did_not_pass(**place));
                broken = culprit.map(|place| jobs[*place].stage_name.as_str());
            }
        }
        start
    }

    /// Where nothing runs and nothing can start, what is left waits for itself. The compiler
    /// refuses such a file; a run must come to an end all the same.
    fn skip_circles(&mut self) {
        let moving =
            |job: &JobView| matches!(job.state, JobState::Queued | JobState::Running { .. });
        if self.jobs.iter().any(moving) {
            return;
        }
        for place in 0..self.jobs.len() {
            if self.waits(place) {
                self.skipped[place] = Some("the jobs that it needs wait for it as well".to_owned());
            }
        }
    }

    fn verdict(&self) -> Verdict {
        let culprits = (0..self.jobs.len()).filter(|place| self.did_not_pass(*place));
        let culprits: Vec<usize> = culprits.collect();
        let Some(stage) = culprits.iter().map(|place| self.jobs[*place].stage).min() else {
            return Verdict::Passed;
        };
        let culprits: Vec<usize> =
            culprits.into_iter().filter(|place| self.jobs[*place].stage == stage).collect();
        let sentence = |place: usize, reason: &str| {
            let job = &self.jobs[place];
            format!("job {} ({}): {reason}", job.number, job.name)
        };
        for place in &culprits {
            if let JobState::Canceled { reason } = &self.jobs[*place].state {
                return Verdict::Canceled { reason: sentence(*place, reason) };
            }
        }
        for place in &culprits {
            if let JobState::Errored { reason } = &self.jobs[*place].state {
                return Verdict::Errored { reason: sentence(*place, reason) };
            }
        }
        let failed = |place: &&usize| matches!(self.jobs[**place].state, JobState::Failed { .. });
        if culprits.iter().any(|place| failed(&place)) {
            return Verdict::Failed;
        }
        // Required, and never started, since a job that may fail did: nothing was shown to be good.
        let skipped = culprits.first().map(|place| {
            let reason = match (&self.skipped[*place], &self.jobs[*place].state) {
                (Some(reason), _) | (None, JobState::Skipped { reason }) => reason.as_str(),
                (None, _) => "it was skipped",
            };
            sentence(*place, reason)
        });
        Verdict::Errored { reason: skipped.unwrap_or_default() }
    }
}
