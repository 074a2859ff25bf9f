//! What a job's commands come to.

use slipway_pipelines::plan::EnvVar;
use slipway_pipelines::wire::{JobOutcome, Secret, SecretText, StepOutcome};

use crate::fixture::{Story, job, phase};

fn exited(code: i32) -> StepOutcome {
    StepOutcome::Exited { code }
}

fn failed(reason: &str) -> JobOutcome {
    JobOutcome::Failed { reason: reason.to_owned() }
}

fn errored(reason: &str) -> JobOutcome {
    JobOutcome::Errored { reason: reason.to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_passes_passes_the_job() {
    let mut story = Story::begin(&[("hello.txt", "from the repo\n")]).await;
    let mut work = job(&["cat hello.txt", "cd /tmp && X=1", "echo $X in $PWD"]);
    work.plan.env = vec![EnvVar { name: "GREETING".to_owned(), value: "\"a  b\"".to_owned() }];
    work.plan.phases.before_script = phase(&["mkdir -p /tmp", "echo \"$GREETING\""]);
    work.plan.phases.after_success = phase(&["echo result $TRAVIS_TEST_RESULT", "false"]);
    work.plan.phases.after_failure = phase(&["echo never"]);
    let came = story.run(work).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    let log = "$ cat hello.txt\nfrom the repo\nThe command \"cat hello.txt\" exited with 0.\n";
    assert_eq!(came.log_of("cat hello.txt"), log);
    assert_eq!(came.log_of("echo \"$GREETING\""), "$ echo \"$GREETING\"\na  b\n");
    assert!(came.log_of("echo $X in $PWD").starts_with("$ echo $X in $PWD\n1 in /tmp\n"));
    assert!(came.log.contains("result 0\n"), "{}", came.log);
    assert!(!came.log.contains("never"), "{}", came.log);
    let steps = came.steps();
    let last = steps.last().expect("steps").clone();
    assert_eq!(last, ("false".to_owned(), exited(1)), "{steps:?}");
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_script_command_runs_though_one_failed() {
    let mut story = Story::begin(&[]).await;
    let mut work = job(&["echo one; (exit 3)", "echo two"]);
    work.plan.phases.after_success = phase(&["echo never"]);
    work.plan.phases.after_failure = phase(&["echo sorry $TRAVIS_TEST_RESULT"]);
    work.plan.phases.after_script = phase(&["echo in any case"]);
    let came = story.run(work).await;
    assert_eq!(came.outcome, failed("`echo one; (exit 3)` exited with 3."), "{}", came.log);
    for line in ["\none\n", "\ntwo\n", "\nsorry 1\n", "\nin any case\n"] {
        assert!(came.log.contains(line), "{line:?} is not in {}", came.log);
    }
    assert!(!came.log.contains("never"), "{}", came.log);
    assert!(came.steps().contains(&("echo one; (exit 3)".to_owned(), exited(3))));
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_install_errors_the_job_and_nothing_follows() {
    let mut story = Story::begin(&[]).await;
    let mut work = job(&["echo script"]);
    work.plan.phases.install = phase(&["false", "echo second"]);
    work.plan.phases.after_script = phase(&["echo after"]);
    let came = story.run(work).await;
    assert_eq!(came.outcome, errored("install: `false` exited with 1."), "{}", came.log);
    assert!(!came.log.contains("echo"), "{}", came.log);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_in_a_command_ends_the_job_with_its_code() {
    let mut story = Story::begin(&[]).await;
    let cases = [
        ("exit 0", JobOutcome::Passed),
        ("exit 1", failed("The job's shell ended with 1 in `exit 1`.")),
        ("exit 7", errored("The job's shell ended with 7 in `exit 7`.")),
        ("set -e; false", failed("The job's shell ended with 1 in `set -e; false`.")),
    ];
    for (command, outcome) in cases {
        let came = story.run(job(&[command, "echo unreached"])).await;
        assert_eq!(came.outcome, outcome, "{}", came.log);
        assert!(!came.log.contains("unreached"), "{}", came.log);
    }
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_without_a_script_says_so() {
    let mut story = Story::begin(&[]).await;
    let mut work = job(&[]);
    work.plan.phases.script = slipway_pipelines::plan::PhasePlan::Absent;
    let came = story.run(work).await;
    assert_eq!(came.outcome, errored("The file has no script for this job."));
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_are_data_and_secrets_are_masked() {
    let mut story = Story::begin(&[]).await;
    let mut work = job(&[
        "echo \"<$TRAVIS_COMMIT_MESSAGE>\"",
        "echo $CI_COMMIT_SHORT ${#CI_COMMIT_SHORT} $CI_BRANCH $TRAVIS_JOB_NUMBER $CI",
        "echo $TOKEN; echo -n $TOKEN | base64; echo $TRAVIS_SECURE_ENV_VARS",
        "env | grep -c slipway_ || true",
    ]);
    work.secrets = vec![Secret {
        name: "TOKEN".parse().expect("a name"),
        value: SecretText::new("s3cr3t'value".to_owned()),
    }];
    let came = story.run(work).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    assert!(came.log.contains("<it's $(date) \"quoted\">\n"), "{}", came.log);
    assert!(came.log.contains(" 7 main 7.1 true\n"), "{}", came.log);
    assert!(came.log.contains("\n[secure]\n[secure]"), "{}", came.log);
    assert!(!came.log.contains("s3cr3t"), "{}", came.log);
    let counted = came.log_of("env | grep -c slipway_ || true");
    assert!(counted.contains("\n0\n"), "{}", came.log);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_bytes_are_kept_and_no_output_is_a_mark() {
    let mut story = Story::begin(&[]).await;
    let came = story
        .run(job(&[
            "printf 'a\\000b\\377\\001\\n'",
            "printf '\\000\\001\\002'",
            // Neither the terminal nor the first process's output is a control channel.
            "printf '\\033]777;nonce;1\\007done\\n'; echo done; echo nonce 9 done >/proc/1/fd/1",
            "exec >/dev/null",
            "echo unseen",
        ]))
        .await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    let has = |bytes: &[u8]| came.told.log.windows(bytes.len()).any(|window| window == bytes);
    assert!(has(b"a\0b\xff\x01\n"), "{}", came.log);
    assert!(has(b"\0\x01\x02"), "{}", came.log);
    assert!(!came.log.contains("\nunseen"), "{}", came.log);
    assert!(came.steps().contains(&("echo unseen".to_owned(), exited(0))));
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_do_not_see_each_others_files_nor_the_engine() {
    let mut story = Story::begin(&[]).await;
    let first = story.run(job(&["echo mine >/left-behind"])).await;
    assert_eq!(first.outcome, JobOutcome::Passed);
    let second = story
        .run(job(&[
            "test ! -e /left-behind",
            "test ! -e /var/run/docker.sock",
            "grep -q '^NoNewPrivs:.*1' /proc/self/status",
            "mount -t tmpfs none /mnt && echo mounted || true",
        ]))
        .await;
    assert_eq!(second.outcome, JobOutcome::Passed, "{}", second.log);
    assert!(!second.log.contains("\nmounted"), "{}", second.log);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_command_left_running_does_not_hold_the_job() {
    let mut story = Story::begin(&[]).await;
    let came = story.run(job(&["sleep 600 &", "echo started"])).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    let came = story.run(job(&["trap '' HUP; sleep 600 & exit 4"])).await;
    let wanted = "The job's shell ended with 4 in `trap '' HUP; sleep 600 & exit 4`.";
    assert_eq!(came.outcome, errored(wanted), "{}", came.log);
    story.end().await;
}
