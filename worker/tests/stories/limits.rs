//! What stops a job: its limits, and what is not there.

use std::time::{Duration, Instant};

use slipway_pipelines::plan::{JobImage, PhasePlan};
use slipway_pipelines::wire::JobOutcome;

use crate::fixture::{Story, job, phase};

fn reason(outcome: &JobOutcome) -> &str {
    match outcome {
        JobOutcome::Errored { reason } => reason,
        other => panic!("not errored but {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_without_end_is_cut_at_its_limit_and_says_so() {
    let mut story = Story::begin(&[]).await;
    let mut work = job(&["while :; do echo 0123456789012345678901234567890123456789; done"]);
    work.limits.log_bytes = 1024 * 1024;
    let came = story.run(work).await;
    assert_eq!(reason(&came.outcome), "The log limit of 1048576 bytes is reached.");
    let length = came.told.log.len();
    assert!((1024 * 1024..1024 * 1024 + 1024).contains(&length), "{length}");
    assert!(came.log.ends_with("The job errored: The log limit of 1048576 bytes is reached.\n"));
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn long_output_and_long_lines_arrive_whole() {
    let mut story = Story::begin(&[]).await;
    let came = story
        .run(job(&[
            // One line of ten million bytes.
            "head -c 10000000 /dev/zero | tr '\\0' x; echo",
            "yes 0123456789 | head -n 2000000",
        ]))
        .await;
    assert_eq!(came.outcome, JobOutcome::Passed);
    let x = came.told.log.iter().filter(|byte| **byte == b'x').count();
    assert!(x >= 10_000_000, "{x}");
    assert_eq!(came.log.matches("0123456789\n").count(), 2_000_000);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_takes_too_long_is_stopped() {
    let mut story = Story::begin(&[]).await;
    let mut work = job(&["sleep 600"]);
    work.limits.timeout_seconds = 2;
    let began = Instant::now();
    let came = story.run(work).await;
    assert_eq!(reason(&came.outcome), "The job took longer than its limit of 2 seconds.");
    assert!(began.elapsed() < Duration::from_secs(15));
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_silent_too_long_is_stopped() {
    let mut story = Story::begin(&[]).await;
    let mut work = job(&["echo begun; sleep 600"]);
    work.limits.silence_seconds = 2;
    let came = story.run(work).await;
    assert_eq!(reason(&came.outcome), "No output for 2 seconds.");
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_needs_too_much_memory_is_told_so() {
    let mut story = Story::begin(&[]).await;
    let mut work = job(&["x=a; while :; do x=$x$x; done"]);
    work.limits.memory_bytes = 32 * 1024 * 1024;
    let came = story.run(work).await;
    let wanted = "The job needed more memory than its limit of 32 MiB.";
    assert_eq!(reason(&came.outcome), wanted, "{}", came.log);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_nobody_has_is_named() {
    let mut story = Story::begin(&[]).await;
    let mut work = job(&["true"]);
    // A port where nothing listens: refused at once, on every machine.
    let reference = "127.0.0.1:1/no/such:image".to_owned();
    work.plan.image = JobImage::Named { reference };
    let came = story.run(work).await;
    let reason = reason(&came.outcome);
    let begins =
        "The image 127.0.0.1:1/no/such:image is not on this worker and can not be pulled: ";
    assert!(reason.starts_with(begins), "{reason}");
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_is_gone_errors_the_job() {
    let mut story = Story::begin(&[]).await;
    story.forget_commit();
    let came = story.run(job(&["true"])).await;
    let reason = reason(&came.outcome);
    assert!(reason.starts_with("The commit can not be had: "), "{reason}");
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skipped_script_passes() {
    let mut story = Story::begin(&[]).await;
    let mut work = job(&[]);
    work.plan.phases.script = PhasePlan::Skip;
    let came = story.run(work).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_bomb_ends_its_job_and_nothing_else() {
    let mut story = Story::begin(&[]).await;
    let mut work = job(&["while :; do sleep 100 & done"]);
    work.limits.pids = 64;
    let came = story.run(work.clone()).await;
    let wanted = "The job wanted more processes than its limit of 64.";
    assert!(reason(&came.outcome).ends_with(wanted), "{:?}", came.outcome);
    work.plan.phases.script = phase(&["bomb() { bomb | bomb & bomb; }; bomb"]);
    let came = story.run(work).await;
    assert!(!matches!(came.outcome, JobOutcome::Passed), "{}", came.log);
    let came = story.run(job(&["echo unharmed"])).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_fills_the_disk_is_stopped() {
    let mut story = Story::begin(&[]).await;
    let mut work = job(&["head -c 50000000 /dev/zero >/big; sleep 600"]);
    work.limits.disk_bytes = 16 << 20;
    let came = story.run(work).await;
    assert_eq!(reason(&came.outcome), "The job wrote 48 MiB to disk; its limit is 16 MiB.");
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_killed_for_want_of_memory_says_so() {
    let mut story = Story::begin(&[]).await;
    let mut work = job(&["sh -c 'x=a; while :; do x=$x$x; done'"]);
    work.limits.memory_bytes = 32 * 1024 * 1024;
    let came = story.run(work).await;
    let JobOutcome::Failed { reason } = &came.outcome else { panic!("{:?}", came.outcome) };
    assert!(reason.ends_with("The job needed more memory than its limit of 32 MiB."), "{reason}");
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_may_ask_for_less_silence_than_the_operator_bears() {
    let mut story = Story::begin(&[]).await;
    let mut work = job(&["sleep 600"]);
    work.plan.silence = Some(Duration::from_secs(2));
    let came = story.run(work.clone()).await;
    assert_eq!(reason(&came.outcome), "No output for 2 seconds.");
    work.plan.silence = Some(Duration::from_secs(6000));
    work.limits.silence_seconds = 1;
    let came = story.run(work).await;
    assert_eq!(reason(&came.outcome), "No output for 1 second.");
    story.end().await;
}
