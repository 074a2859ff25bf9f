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
        prop_assert_eq!(finished.is_ok(), running == said);
        prop_assert_eq!(lost.is_ok(), running == said);
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

    /// Plays a run to its end: start what may start, end it somehow, skip what never will.
    #[test]
    fn every_run_comes_to_a_verdict_stage_by_stage(
        jobs in proptest::collection::vec((0..4_i32, any::<bool>(), outcomes()), 1..12),
    ) {
        let outcomes: Vec<JobOutcome> = jobs.iter().map(|(.., outcome)| outcome.clone()).collect();
        let mut views: Vec<JobView> = jobs
            .iter()
            .enumerate()
            .map(|(index, (stage, allow_failure, _))| view(index, *stage, *allow_failure))
            .collect();
        let mut rounds = 0;
        let verdict = loop {
            rounds += 1;
            prop_assert!(rounds < 10, "the run does not end: {views:?}");
            let readiness = ready_jobs(&views);
            for (index, job) in views.clone().iter().enumerate() {
                if readiness.start.contains(&job.id) {
                    let earlier_open = views
                        .iter()
                        .any(|other| other.stage < job.stage && !other.allow_failure && !passed(other));
                    prop_assert!(!earlier_open, "{job:?} starts before its stage");
                    views[index].state = end(&outcomes[index]);
                } else if readiness.skip.iter().any(|(id, _)| *id == job.id) {
                    views[index].state = JobState::Skipped { reason: why() };
                }
            }
            if let Some(verdict) = readiness.verdict {
                break verdict;
            }
        };
        let all_required_passed = views.iter().all(|job| job.allow_failure || passed(job));
        prop_assert_eq!(verdict == Verdict::Passed, all_required_passed);
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
