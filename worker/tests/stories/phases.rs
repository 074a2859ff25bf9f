//! TRAVIS_SEMANTICS §6, row by row, where `jobs` has not told it.

use slipway_pipelines::plan::PhasePlan;
use slipway_pipelines::wire::JobOutcome;

use crate::fixture::{Story, job, phase};
use crate::shells::{self, within};

fn errored(reason: &str) -> JobOutcome {
    JobOutcome::Errored { reason: reason.to_owned() }
}

fn failed(reason: &str) -> JobOutcome {
    JobOutcome::Failed { reason: reason.to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_before_the_script_stops_the_job_at_once() {
    let mut story = Story::begin(&[]).await;
    let names = ["before_install", "install", "before_script"];
    for (image, name) in
        shells::images().into_iter().flat_map(|image| names.map(|name| (image, name)))
    {
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
        let came = story.run(within(image, work)).await;
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
        "echo then $TRAVIS_TEST_RESULT $CI_TEST_RESULT",
        "cd /nowhere || cd /",
    ]);
    work.plan.phases.before_install =
        phase(&["export WORD=kept; cd /tmp || mkdir -p /tmp && cd /tmp"]);
    work.plan.phases.install = phase(&["greet() { echo hello from a function; }"]);
    work.plan.phases.before_script = phase(&["trap 'sleep 1; echo the trap ran' EXIT"]);
    work.plan.phases.after_script = phase(&["echo last $WORD at $PWD $TRAVIS_TEST_RESULT"]);
    for image in shells::images() {
        let came = story.run(within(image, work.clone())).await;
        assert_eq!(came.outcome, failed("`false` exited with 1."), "{}", came.log);
        for line in [
            "\nkept at /tmp in 0\nhello from a function\n",
            "\nthen 1 1\n",
            "\nlast kept at / 1\n",
            "\nthe trap ran\n",
        ] {
            assert!(came.log.contains(line), "{line:?} is not in {}", came.log);
        }
    }
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn aliases_and_options_carry_over() {
    let mut story = Story::begin(&[]).await;
    let mut work = job(&["hail; echo /*bin", "set -u; echo ${NOWHERE:-unset}"]);
    // bash knows aliases in scripts only when it is asked to.
    let shopt = "[ -z \"$BASH_VERSION\" ] || shopt -s expand_aliases";
    work.plan.phases.install = phase(&[shopt, "alias hail='echo by an alias'", "set -f"]);
    work.plan.phases.after_success = phase(&["echo $NOWHERE", "echo unreached"]);
    for image in shells::images() {
        let came = story.run(within(image, work.clone())).await;
        for line in ["\nby an alias\n/*bin\n", "\nunset\n"] {
            assert!(came.log.contains(line), "{line:?} is not in {}", came.log);
        }
        assert!(!came.log.contains("\nunreached"), "{}", came.log);
        assert!(!matches!(came.outcome, JobOutcome::Passed), "`set -u` ends a shell: {}", came.log);
    }
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_traces_sees_its_own_commands_only() {
    let mut story = Story::begin(&[]).await;
    let mut work = job(&["set -x; WORD=here", "echo $WORD", "(exit 3)", "set +x", "echo quiet"]);
    work.plan.phases.after_failure = phase(&["set -x; echo $-"]);
    work.plan.phases.after_script = phase(&["echo traced"]);
    for image in shells::images() {
        let came = story.run(within(image, work.clone())).await;
        assert_eq!(came.outcome, failed("`(exit 3)` exited with 3."), "{}", came.log);
        let log = came.log.replace("\n++", "\n+");
        for part in [
            "\n$ echo $WORD\n+echo here\nhere\nThe command \"echo $WORD\" exited with 0.\n",
            "\n$ echo quiet\nquiet\nThe",
            "\n$ echo traced\n+echo traced\ntraced\n\nDone. Your build exited with 1.\n",
        ] {
            assert!(log.contains(part), "{part:?} is not in {log}");
        }
        assert!(!log.contains("slipway_"), "{log}");
    }
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_phases_come_in_their_order() {
    let mut story = Story::begin(&[]).await;
    let says = |name: &str| phase(&[&format!("echo is-{name}")]);
    let mut work = job(&["echo is-script"]);
    let phases = &mut work.plan.phases;
    phases.before_install = says("before_install");
    phases.install = says("install");
    phases.before_script = says("before_script");
    phases.after_success = says("after_success");
    phases.after_failure = says("after_failure");
    phases.after_script = says("after_script");
    let begin = ["before_install", "install", "before_script", "script"];
    for image in shells::images() {
        for (fails, then) in [(false, "after_success"), (true, "after_failure")] {
            if fails {
                work.plan.phases.script = phase(&["echo is-script; (exit 2)"]);
            } else {
                work.plan.phases.script = says("script");
            }
            let came = story.run(within(image, work.clone())).await;
            let order: Vec<&str> =
                came.log.lines().filter_map(|line| line.strip_prefix("is-")).collect();
            let wanted: Vec<&str> = begin.into_iter().chain([then, "after_script"]).collect();
            assert_eq!(order, wanted, "{}", came.log);
        }
    }
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_phase_can_be_skipped() {
    let mut story = Story::begin(&[]).await;
    let mut work = job(&["echo ran"]);
    let phases = &mut work.plan.phases;
    let all = [
        &mut phases.before_install,
        &mut phases.install,
        &mut phases.before_script,
        &mut phases.after_success,
        &mut phases.after_failure,
        &mut phases.after_script,
    ];
    all.into_iter().for_each(|phase| *phase = PhasePlan::Skip);
    let came = story.run(work).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    assert_eq!(came.log.matches("\n$ ").count(), 1, "{}", came.log);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_may_say_itself_that_it_failed() {
    let mut story = Story::begin(&[]).await;
    for image in shells::images() {
        let mut work = job(&["TRAVIS_TEST_RESULT=1", "echo goes on"]);
        work.plan.phases.after_success = phase(&["echo never"]);
        work.plan.phases.after_failure = phase(&["echo failed by itself"]);
        let came = story.run(within(image, work.clone())).await;
        let own = "The job set TRAVIS_TEST_RESULT itself.";
        assert_eq!(came.outcome, failed(own), "{}", came.log);
        assert!(came.log.contains("\nfailed by itself\n"), "{}", came.log);
        assert!(!came.log.contains("\nnever\n"), "{}", came.log);
        // Never that it passed.
        work.plan.phases.script = phase(&["(exit 3)", "export TRAVIS_TEST_RESULT=0"]);
        let came = story.run(within(image, work.clone())).await;
        assert_eq!(came.outcome, failed("`(exit 3)` exited with 3."), "{}", came.log);
        assert!(came.log.contains("\nfailed by itself\n"), "{}", came.log);
        // One that takes it away has said nothing.
        work.plan.phases.script = phase(&["unset TRAVIS_TEST_RESULT"]);
        let came = story.run(within(image, work)).await;
        assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    }
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_ends_the_job_in_any_phase() {
    let mut story = Story::begin(&[]).await;
    for image in shells::images() {
        for (code, word) in [(0, "passed"), (1, "failed"), (5, "errored")] {
            let mut work = job(&["(exit 3)", "echo of-script"]);
            work.plan.phases.after_failure = phase(&[&format!("exit {code}")]);
            work.plan.phases.after_script = phase(&["echo unreached"]);
            let came = story.run(within(image, work)).await;
            let fits = match &came.outcome {
                JobOutcome::Passed => word == "passed",
                JobOutcome::Failed { .. } => word == "failed",
                JobOutcome::Errored { .. } => word == "errored",
                JobOutcome::Canceled { .. } => false,
            };
            assert!(fits, "exit {code}: {:?}\n{}", came.outcome, came.log);
            assert!(!came.log.contains("\nunreached"), "{}", came.log);
        }
        let mut work = job(&["echo of-script"]);
        work.plan.phases.install = phase(&["exit 1"]);
        let came = story.run(within(image, work)).await;
        assert_eq!(came.outcome, failed("The job's shell ended with 1 in `exit 1`."));
        assert!(!came.log.contains("\nof-script"), "{}", came.log);
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
