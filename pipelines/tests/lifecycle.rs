//! The lifecycle as a model: whatever happens in whatever order, the rules hold (R9).

use chrono::DateTime;
use proptest::prelude::*;
use slipway_pipelines::ids::{AttemptNumber, JobId, JobNumber, StageIndex, WorkerId};
use slipway_pipelines::lifecycle::{
    DeploymentEvent, DeploymentState, JobEvent, JobState, JobView, RunEvent, RunState, Verdict,
    ready_jobs,
};
use slipway_pipelines::wire::JobOutcome;
use uuid::Uuid;

fn why() -> String {
    "because".to_owned()
}

fn outcomes() -> impl Strategy<Value = JobOutcome> {
    prop_oneof![
        3 => Just(JobOutcome::Passed),
        1 => Just(JobOutcome::Failed { reason: why() }),
        1 => Just(JobOutcome::Errored { reason: why() }),
        1 => Just(JobOutcome::Canceled { reason: why() }),
    ]
}

fn worker() -> WorkerId {
    WorkerId::from(Uuid::from_u128(7))
}

fn job_events() -> impl Strategy<Value = JobEvent> {
    let attempt = (1..4_i32).prop_map(AttemptNumber);
    prop_oneof![
        Just(JobEvent::BecameReady),
        attempt.clone().prop_map(|attempt| JobEvent::Claimed {
            attempt,
            worker: worker(),
            at: DateTime::UNIX_EPOCH
        }),
        attempt.clone().prop_map(|attempt| JobEvent::AttemptLost { attempt }),
        attempt.clone().prop_map(|attempt| JobEvent::TryAgain { attempt }),
        (attempt, outcomes())
            .prop_map(|(attempt, outcome)| JobEvent::Finished { attempt, outcome }),
        Just(JobEvent::GiveUp { reason: why() }),
        Just(JobEvent::Cancel { reason: why() }),
        Just(JobEvent::Skip { reason: why() }),
    ]
}

fn run_events() -> impl Strategy<Value = RunEvent> {
    prop_oneof![
        Just(RunEvent::Planned),
        Just(RunEvent::PlanErrored { reason: why() }),
        Just(RunEvent::NothingToDo { reason: why() }),
        Just(RunEvent::JobStarted { at: DateTime::UNIX_EPOCH }),
        Just(RunEvent::JobsDone { verdict: Verdict::Passed }),
        Just(RunEvent::JobsDone { verdict: Verdict::Failed }),
        Just(RunEvent::Cancel { reason: why() }),
    ]
}

fn deployment_events() -> impl Strategy<Value = DeploymentEvent> {
    prop_oneof![
        Just(DeploymentEvent::Approve),
        Just(DeploymentEvent::Start),
        Just(DeploymentEvent::Applied),
        Just(DeploymentEvent::Verified),
        Just(DeploymentEvent::Fail { reason: why() }),
        Just(DeploymentEvent::RollBack { reason: why() }),
        Just(DeploymentEvent::Lose { reason: why() }),
        Just(DeploymentEvent::Supersede { reason: why() }),
    ]
}

proptest! {
    #[test]
    fn a_job_that_has_ended_stays_so(events in proptest::collection::vec(job_events(), 0..24)) {
        let mut state = JobState::Waiting;
        for event in events {
            match state.apply(event) {
                Ok(next) => {
                    prop_assert!(!state.is_terminal(), "{state:?} became {next:?}");
                    state = next;
                }
                Err(rejected) => prop_assert_eq!(rejected.state, state.word()),
            }
        }
    }

    #[test]
    fn only_the_running_attempt_can_end_a_job(
        running in 1..4_i32, said in 1..4_i32, outcome in outcomes(),
    ) {
        let state = JobState::Running {
            attempt: AttemptNumber(running),
            worker: worker(),
            started_at: DateTime::UNIX_EPOCH,
        };
        let attempt = AttemptNumber(said);
        let finished = state.apply(JobEvent::Finished { attempt, outcome });
        let lost = state.apply(JobEvent::AttemptLost { attempt });
        let again = state.apply(JobEvent::TryAgain { attempt });
        prop_assert_eq!(finished.is_ok(), running == said);
        prop_assert_eq!(lost.is_ok(), running == said);
        prop_assert_eq!(again.is_ok(), running == said);
    }

    #[test]
    fn a_run_that_has_ended_stays_so(events in proptest::collection::vec(run_events(), 0..12)) {
        let mut state = RunState::Planning;
        for event in events {
            if let Ok(next) = state.apply(event) {
                prop_assert!(!state.is_terminal(), "{state:?} became {next:?}");
                state = next;
            }
        }
    }

    #[test]
    fn a_deployment_is_live_only_after_it_was_verified(
        events in proptest::collection::vec(deployment_events(), 0..16),
    ) {
        let mut state = DeploymentState::Waiting;
        for event in events {
            if let Ok(next) = state.apply(event.clone()) {
                prop_assert!(!state.is_terminal(), "{state:?} became {next:?}");
                if next == DeploymentState::Live {
                    prop_assert_eq!(event, DeploymentEvent::Verified);
                }
                state = next;
            }
        }
    }

    /// Plays a run to its end: start what may start, end it somehow, skip what never will. Needs
    /// are any: those of no sense must not hold a run up either.
    #[test]
    fn every_run_comes_to_a_verdict_by_stages_and_needs(
        jobs in proptest::collection::vec(
            (0..4_i32, any::<bool>(), outcomes(), proptest::collection::vec(1..14_i32, 0..4)),
            1..12,
        ),
    ) {
        let outcomes: Vec<JobOutcome> = jobs.iter().map(|(_, _, outcome, _)| outcome.clone()).collect();
        let mut views: Vec<JobView> = jobs
            .iter()
            .enumerate()
            .map(|(index, (stage, allow_failure, _, needs))| {
                let needs = needs.iter().copied().map(JobNumber).collect();
                JobView { needs, ..view(index, *stage, *allow_failure) }
            })
            .collect();
        let (mut rounds, mut early) = (0, None);
        let verdict = loop {
            rounds += 1;
            prop_assert!(rounds < 30, "the run does not end: {views:?}");
            let readiness = ready_jobs(&views);
            let before = views.clone();
            for (index, job) in before.iter().enumerate() {
                let skipped = readiness.skip.iter().any(|(id, _)| *id == job.id);
                if readiness.start.contains(&job.id) {
                    prop_assert!(!skipped && job.state == JobState::Waiting);
                    let earlier_open = before
                        .iter()
                        .any(|other| other.stage < job.stage && !other.allow_failure && !passed(other));
                    prop_assert!(!earlier_open, "{job:?} starts before its stage");
                    let met = |need| before.iter().any(|other| other.number == need && passed(other));
                    prop_assert!(job.needs.iter().copied().all(met), "{job:?} starts too early");
                    views[index].state = end(&outcomes[index]);
                } else if skipped {
                    prop_assert_eq!(&job.state, &JobState::Waiting);
                    views[index].state = JobState::Skipped { reason: why() };
                }
            }
            // What was said early stays true.
            if let Some(said) = &early {
                prop_assert_eq!(Some(kind(said)), readiness.early_verdict.as_ref().map(kind));
            }
            early = readiness.early_verdict;
            if let Some(verdict) = readiness.verdict {
                break verdict;
            }
        };
        let all_required_passed = views.iter().all(|job| job.allow_failure || passed(job));
        prop_assert_eq!(verdict == Verdict::Passed, all_required_passed);
        prop_assert_eq!(early, Some(verdict));
    }
}

/// The word of a verdict without its sentence.
fn kind(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "failed",
        Verdict::Errored { .. } => "errored",
        Verdict::Canceled { .. } => "canceled",
    }
}

fn view(index: usize, stage: i32, allow_failure: bool) -> JobView {
    let number = JobNumber(i32::try_from(index).expect("few jobs") + 1);
    JobView {
        id: JobId::from(Uuid::from_u128(index as u128 + 1)),
        number,
        name: format!("job {number}"),
        stage: StageIndex(stage),
        stage_name: format!("stage {stage}"),
        needs: Vec::new(),
        allow_failure,
        state: JobState::Waiting,
    }
}

fn passed(job: &JobView) -> bool {
    job.state == JobState::Passed
}

fn end(outcome: &JobOutcome) -> JobState {
    match outcome.clone() {
        JobOutcome::Passed => JobState::Passed,
        JobOutcome::Failed { reason } => JobState::Failed { reason },
        JobOutcome::Errored { reason } => JobState::Errored { reason },
        JobOutcome::Canceled { reason } => JobState::Canceled { reason },
    }
}

#[test]
fn a_job_of_a_later_stage_waits_for_the_stage_and_is_skipped_with_its_name() {
    let mut jobs = vec![view(0, 0, false), view(1, 0, true), view(2, 1, false)];
    assert_eq!(ready_jobs(&jobs).start, vec![jobs[0].id, jobs[1].id]);

    jobs[0].state = JobState::Passed;
    assert_eq!(
        ready_jobs(&jobs).start,
        vec![jobs[1].id, jobs[2].id],
        "an allowed failure holds nobody up"
    );

    jobs[0].state = JobState::Failed { reason: why() };
    jobs[1].state = JobState::Passed;
    let readiness = ready_jobs(&jobs);
    assert_eq!(readiness.skip, vec![(jobs[2].id, "stage \"stage 0\" did not pass".to_owned())]);
    assert_eq!(readiness.verdict, Some(Verdict::Failed));
}

#[test]
fn canceled_speaks_before_errored_before_failed() {
    let mut jobs = vec![view(0, 0, false), view(1, 0, false), view(2, 0, false)];
    jobs[0].state = JobState::Failed { reason: why() };
    jobs[1].state = JobState::Errored { reason: why() };
    jobs[2].state = JobState::Passed;
    let verdict = ready_jobs(&jobs).verdict;
    assert_eq!(verdict, Some(Verdict::Errored { reason: "job 2 (job 2): because".to_owned() }));
    jobs[2].state = JobState::Canceled { reason: why() };
    assert!(matches!(ready_jobs(&jobs).verdict, Some(Verdict::Canceled { .. })));
}

fn needing(index: usize, stage: i32, needs: &[i32]) -> JobView {
    let needs = needs.iter().copied().map(JobNumber).collect();
    JobView { needs, ..view(index, stage, false) }
}

fn skips(jobs: &[JobView]) -> Vec<(JobNumber, String)> {
    let number = |id: JobId| jobs.iter().find(|job| job.id == id).map(|job| job.number);
    let skip = ready_jobs(jobs).skip.into_iter();
    skip.filter_map(|(id, reason)| Some((number(id)?, reason))).collect()
}

#[test]
fn a_job_starts_once_all_that_it_needs_passed_within_its_stage_and_across() {
    let mut jobs = vec![view(0, 0, false), needing(1, 0, &[1]), needing(2, 1, &[1, 2])];
    assert_eq!(ready_jobs(&jobs).start, vec![jobs[0].id]);
    jobs[0].state = JobState::Passed;
    assert_eq!(ready_jobs(&jobs).start, vec![jobs[1].id], "the second stage is not open yet");
    jobs[1].state = JobState::Passed;
    assert_eq!(ready_jobs(&jobs).start, vec![jobs[2].id]);
}

#[test]
fn what_needs_a_job_that_did_not_pass_is_skipped_with_the_sentence_and_so_on() {
    let mut jobs =
        vec![view(0, 0, false), needing(1, 0, &[1]), needing(2, 0, &[2]), view(3, 0, false)];
    jobs[0].state = JobState::Failed { reason: why() };
    let said = skips(&jobs);
    assert_eq!(
        said,
        vec![
            (JobNumber(2), "it needs job 1 (job 1), which failed".to_owned()),
            (JobNumber(3), "it needs job 2 (job 2), which was skipped".to_owned()),
        ]
    );
    let readiness = ready_jobs(&jobs);
    assert_eq!(readiness.start, vec![jobs[3].id], "who needs nothing goes on");
    assert_eq!(readiness.verdict, None);
}

#[test]
fn a_required_job_that_needs_an_allowed_failure_does_not_make_the_run_green() {
    let mut jobs = vec![view(0, 0, true), needing(1, 0, &[1]), view(2, 1, false)];
    jobs[0].state = JobState::Failed { reason: why() };
    let readiness = ready_jobs(&jobs);
    assert!(readiness.start.is_empty(), "{readiness:?}");
    let reason = "job 2 (job 2): it needs job 1 (job 1), which failed".to_owned();
    assert_eq!(readiness.verdict, Some(Verdict::Errored { reason }));
}

#[test]
fn a_run_of_jobs_that_need_each_other_ends_and_says_so() {
    let jobs = vec![needing(0, 0, &[2]), needing(1, 0, &[1]), needing(2, 0, &[9])];
    let said = skips(&jobs);
    assert_eq!(said[0].1, "the jobs that it needs wait for it as well");
    assert_eq!(said[2].1, "it needs job 9, which is not of this run");
    assert!(matches!(ready_jobs(&jobs).verdict, Some(Verdict::Errored { .. })));
}

#[test]
fn the_verdict_is_known_early_while_allowed_failures_go_on() {
    let mut jobs = vec![view(0, 0, false), view(1, 0, true), view(2, 1, true)];
    jobs[0].state = JobState::Passed;
    jobs[1].state = JobState::Queued;
    let readiness = ready_jobs(&jobs);
    assert_eq!((readiness.verdict, readiness.early_verdict), (None, Some(Verdict::Passed)));
    assert_eq!(readiness.start, vec![jobs[2].id], "and later stages still start");
}
