//! TRAVIS_SEMANTICS §6, row by row, where `jobs` has not told it.

use slipway_pipelines::plan::PhasePlan;
use slipway_pipelines::wire::JobOutcome;

use crate::fixture::{Story, job, phase};

fn errored(reason: &str) -> JobOutcome {
    JobOutcome::Errored { reason: reason.to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_before_the_script_stops_the_job_at_once() {
    let mut story = Story::begin(&[]).await;
    for name in ["before_install", "install", "before_script"] {
        let mut work = job(&["echo of-script"]);
        let failing = phase(&["(exit 4)", "echo of-second"]);
        let phases = &mut work.plan.phases;
        match name {
            "before_install" => phases.before_install = failing,
            "install" => phases.install = failing,
            _ => phases.before_script = failing,
        }
        phases.after_success = phase(&["echo of-success"]);
        phases.after_failure = phase(&["echo of-failure"]);
        phases.after_script = phase(&["echo of-after"]);
        let came = story.run(work).await;
        assert_eq!(came.outcome, errored(&format!("{name}: `(exit 4)` exited with 4.")));
        assert!(!came.log.contains("$ echo of-"), "{}", came.log);
        let tail = "$ (exit 4)\nThe command \"(exit 4)\" exited with 4.\n\nYour build has been \
                    stopped.\n\nDone. Your build exited with 2.\n";
        assert!(came.log.contains(tail), "{}", came.log);
    }
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_of_each_command_of_the_script_how_it_ended() {
    let mut story = Story::begin(&[]).await;
    let came = story.run(job(&["echo one", "(exit 3)"])).await;
    let log = "$ echo one\none\nThe command \"echo one\" exited with 0.\n$ (exit 3)\nThe command \
               \"(exit 3)\" exited with 3.\n\nDone. Your build exited with 1.\n";
    assert!(came.log.contains(log), "{}", came.log);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_shell_carries_everything_over() {
    let mut story = Story::begin(&[]).await;
    let mut work = job(&[
        "echo $WORD at $PWD in $TRAVIS_TEST_RESULT; greet",
        "false",
        "echo then $TRAVIS_TEST_RESULT",
        "cd /nowhere || cd /",
    ]);
    work.plan.phases.before_install =
        phase(&["export WORD=kept; cd /tmp || mkdir -p /tmp && cd /tmp"]);
    work.plan.phases.install = phase(&["greet() { echo hello from a function; }"]);
    work.plan.phases.before_script = phase(&["trap 'echo the trap ran' EXIT"]);
    work.plan.phases.after_script = phase(&["echo last $WORD at $PWD $TRAVIS_TEST_RESULT"]);
    let came = story.run(work).await;
    assert!(matches!(came.outcome, JobOutcome::Failed { .. }), "{:?} {}", came.outcome, came.log);
    for line in [
        "\nkept at /tmp in 0\nhello from a function\n",
        "\nthen 1\n",
        "\nlast kept at / 1\n",
        "\nthe trap ran\n",
    ] {
        assert!(came.log.contains(line), "{line:?} is not in {}", came.log);
    }
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errexit_that_was_left_on_ends_the_job_at_the_next_failure() {
    let mut story = Story::begin(&[]).await;
    let mut work = job(&["echo before", "false", "echo unreached"]);
    work.plan.phases.install = phase(&["set -e"]);
    work.plan.phases.after_failure = phase(&["echo unreached"]);
    let came = story.run(work).await;
    let reason = "The job's shell ended with 1 in `false`.".to_owned();
    assert_eq!(came.outcome, JobOutcome::Failed { reason }, "{}", came.log);
    assert!(!came.log.contains("\nunreached"), "{}", came.log);
    // Neither it nor `set -u` and `set -f` is in the way of a job that passes.
    let mut work = job(&["set -euf; echo ran"]);
    work.plan.phases.after_success = phase(&["echo and after"]);
    let came = story.run(work).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    assert!(came.log.contains("\nand after\n"), "{}", came.log);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_follows_the_script_changes_nothing_of_its_outcome() {
    let mut story = Story::begin(&[]).await;
    let mut work = job(&["true"]);
    work.plan.phases.after_success = phase(&["(exit 5)", "echo goes on"]);
    work.plan.phases.after_script = phase(&["(exit 6)", "echo to the end"]);
    let came = story.run(work).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    assert!(came.log.contains("\ngoes on\n") && came.log.contains("\nto the end\n"));
    let mut work = job(&[]);
    work.plan.phases.install = PhasePlan::Skip;
    work.plan.phases.script = PhasePlan::Skip;
    work.plan.phases.after_success = phase(&["echo skipped is $TRAVIS_TEST_RESULT"]);
    let came = story.run(work).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    assert!(came.log.contains("\nskipped is 0\n"), "{}", came.log);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_helpers_that_travis_has_are_there() {
    let mut story = Story::begin(&[]).await;
    let came = story
        .run(job(&[
            "tries() { echo try; test -e /tried || { : >/tried; return 7; }; }; travis_retry tries",
            "travis_wait 1 sh -c 'echo waited for; exit 0'",
            "! travis_wait sh -c 'exit 9'",
            "travis_fold start x; echo folded; travis_fold end x",
            "travis_time_start; travis_time_finish",
            "sudo -E -u root A=b sh -c 'echo $A as root'",
            "travis_terminate 1",
            "echo unreached",
        ]))
        .await;
    assert!(matches!(came.outcome, JobOutcome::Failed { .. }), "{:?} {}", came.outcome, came.log);
    for line in [
        "\ntry\nThe command \"tries\" failed (7), try 1 of 3.\ntry\n",
        "Still running (1 of 1): sh -c echo waited for; exit 0\n",
        "\nLog:\n\nwaited for\n",
        "exited with 9.\n\nLog:\n",
        "\ntravis_fold:start:x\r\x1b[0Kfolded\ntravis_fold:end:x\r\x1b[0K",
        "\nb as root\n",
    ] {
        assert!(came.log.contains(line), "{line:?} is not in {}", came.log);
    }
    assert!(!came.log.contains("\nunreached"), "{}", came.log);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_has_the_variables_that_travis_documents() {
    let mut story = Story::begin(&[]).await;
    let mut work = job(&["env"]);
    work.plan.allow_failure = true;
    let came = story.run(work).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    for wanted in [
        "CI=true",
        "TRAVIS=true",
        "CONTINUOUS_INTEGRATION=true",
        "HAS_JOSH_K_SEAL_OF_APPROVAL=true",
        "TZ=UTC",
        "DEBIAN_FRONTEND=noninteractive",
        "USER=root",
        "HOME=/root",
        "LANG=C.UTF-8",
        "RAILS_ENV=test",
        "RACK_ENV=test",
        "MERB_ENV=test",
        "PS4=+",
        "TRAVIS_ALLOW_FAILURE=true",
        "TRAVIS_APP_HOST=127.0.0.1",
        "TRAVIS_BRANCH=main",
        "TRAVIS_BUILD_DIR=/build/acme/app",
        "TRAVIS_BUILD_NUMBER=7",
        "TRAVIS_BUILD_STAGE_NAME=Test",
        "TRAVIS_BUILD_WEB_URL=http://127.0.0.1/acme/app/runs/7",
        "TRAVIS_COMMIT_RANGE=",
        "TRAVIS_CPU_ARCH=amd64",
        "TRAVIS_DEBUG_MODE=false",
        "TRAVIS_EVENT_TYPE=push",
        "TRAVIS_JOB_NAME=test",
        "TRAVIS_JOB_NUMBER=7.1",
        "TRAVIS_JOB_RESTARTED=false",
        "TRAVIS_JOB_WEB_URL=http://127.0.0.1/acme/app/runs/7/jobs/1",
        "TRAVIS_OS_NAME=linux",
        "TRAVIS_PULL_REQUEST=false",
        "TRAVIS_PULL_REQUEST_BRANCH=",
        "TRAVIS_PULL_REQUEST_SHA=",
        "TRAVIS_PULL_REQUEST_SLUG=",
        "TRAVIS_REPO_SLUG=acme/app",
        "TRAVIS_SECURE_ENV_VARS=false",
        "TRAVIS_SUDO=true",
        "TRAVIS_TAG=",
        "TRAVIS_TEST_RESULT=0",
        "TRAVIS_DIST=",
        "TRAVIS_INFRA=container",
        "TRAVIS_UID=0",
        "CI_BRANCH=main",
        "CI_JOB_NUMBER=7.1",
        "CI_PULL_REQUEST=false",
        "CI_DIST=",
    ] {
        let (name, value) = wanted.split_once('=').expect("a pair");
        // The architecture is this machine's.
        let value = if name.ends_with("ARCH") { "" } else { value };
        let begins = format!("\n{name}={value}");
        assert!(came.log.contains(&begins), "{wanted} is not in {}", came.log);
    }
    story.end().await;
}
