//! What jobs do to their own shell, processes and surroundings.

use slipway_pipelines::plan::{EnvVar, ServicePlan};
use slipway_pipelines::wire::JobOutcome;

use crate::fixture::{IMAGE, Story, job};
use crate::shells::{self, within};

fn errored(reason: &str) -> JobOutcome {
    JobOutcome::Errored { reason: reason.to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_that_is_replaced_counts_by_how_that_program_ends() {
    let mut story = Story::begin(&[]).await;
    for image in shells::images() {
        for (command, outcome) in [
            (
                "exec sh -c 'exit 3'",
                errored("The job's shell ended with 3 in `exec sh -c 'exit 3'`."),
            ),
            (
                "exec no-such-program",
                errored("The job's shell ended with 127 in `exec no-such-program`."),
            ),
            ("exec true", JobOutcome::Passed),
        ] {
            let came = story.run(within(image, job(&[command, "echo unreached"]))).await;
            assert_eq!(came.outcome, outcome, "{}", came.log);
            assert!(!came.log.contains("\nunreached"), "{}", came.log);
            if outcome == JobOutcome::Passed {
                let said = "\nThe job's shell ended with 0 in `exec true`: nothing after it ran.\n";
                assert!(came.log.contains(said), "{}", came.log);
            }
        }
    }
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_kills_all_its_processes_is_told_so() {
    let mut story = Story::begin(&[]).await;
    for image in shells::images() {
        let work = job(&["echo before", "kill -9 -1; sleep 60", "echo unreached"]);
        let came = story.run(within(image, work)).await;
        let JobOutcome::Errored { reason } = &came.outcome else { panic!("{:?}", came.outcome) };
        let all = "Everything in the job's container was killed while `kill -9 -1; sleep 60` ran: by \
                   a command of the job, or from outside, as when the engine stops.";
        let shell = "The job's shell was killed while `kill -9 -1; sleep 60` ran.";
        assert!(reason == all || reason == shell, "{reason}\n{}", came.log);
    }
    let came = story.run(job(&["kill -9 $$", "echo unreached"])).await;
    assert_eq!(came.outcome, errored("The job's shell was killed while `kill -9 $$` ran."));
    let came = story.run(job(&["kill -TERM $$", "echo unreached"])).await;
    assert_eq!(came.outcome, errored("The job's shell ended with 143 in `kill -TERM $$`."));
    // The first process is not the job's to kill.
    let came = story.run(job(&["kill -9 1 || true; echo goes on"])).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    story.end().await;
}

/// Ends when somebody connects to it.
fn fragile(required: bool) -> ServicePlan {
    let serve = "echo 'is told to stop by the first who comes'; nc -l -p 7070 </dev/null";
    ServicePlan {
        name: "db".to_owned(),
        image: IMAGE.to_owned(),
        env: Vec::new(),
        command: Some(["sh", "-c", serve].map(str::to_owned).into()),
        ready: None,
        ports: vec![7070],
        required,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_stops_its_own_service_is_told_so() {
    let mut story = Story::begin(&[]).await;
    let stop = "echo shutdown | nc localhost 7070; sleep 6";
    let mut work = job(&[stop, "echo after it"]);
    work.plan.services = vec![fragile(true)];
    let came = story.run(work.clone()).await;
    assert_eq!(came.outcome, errored("Service db died."), "{}", came.log);
    let words = "Service db died. Its last lines:\nis told to stop by the first who comes";
    assert!(came.log.contains(words), "{}", came.log);
    work.plan.services = vec![fragile(false)];
    let came = story.run(work).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    assert!(came.log.contains(words) && came.log.contains("\nafter it\n"), "{}", came.log);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_closes_its_output_goes_on_unseen() {
    let mut story = Story::begin(&[]).await;
    for image in shells::images() {
        let came = story.run(within(image, job(&["exec >&- 2>&-", "echo unseen", "true"]))).await;
        // Whether a shell minds that it can not write is its own matter.
        assert!(!matches!(came.outcome, JobOutcome::Errored { .. }), "{:?}", came.outcome);
        for said in
            ["\n$ echo unseen\nThe command", "\n$ true\nThe command \"true\" exited with 0.\n"]
        {
            assert!(came.log.contains(said), "{said:?} is not in {}", came.log);
        }
    }
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_that_no_program_can_be_given_is_told_by_the_kernel() {
    let mut story = Story::begin(&[]).await;
    let large =
        |n: usize, size: usize| EnvVar { name: format!("LARGE_{n}"), value: "x".repeat(size) };
    for image in shells::images() {
        // Together, and one alone: two limits of the kernel.
        for vars in [(0..60).map(|n| large(n, 60_000)).collect(), vec![large(0, 200_000)]] {
            let mut work = job(&["echo a builtin runs ${#LARGE_0}", "/bin/ls /"]);
            work.plan.env = vars;
            let came = story.run(within(image, work)).await;
            assert!(matches!(came.outcome, JobOutcome::Failed { .. }), "{:?}", came.outcome);
            assert!(came.log.contains("\na builtin runs "), "{}", came.log);
            assert!(came.log.contains("rgument list too long"), "{}", came.log);
        }
    }
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_may_vanish_under_a_job() {
    let mut story = Story::begin(&[]).await;
    for image in shells::images() {
        let work = job(&[
            "mkdir /gone && cd /gone && rmdir /gone",
            "echo still here",
            "cd .. ; cd / && pwd",
            "rm -rf $TRAVIS_BUILD_DIR /build/.slipway-*",
            "echo and here",
        ]);
        let came = story.run(within(image, work)).await;
        assert!(came.log.contains("\nstill here\n"), "{}", came.log);
        assert!(came.log.contains("\nand here\n"), "{}", came.log);
        assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    }
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_have_a_terminal_to_write_to_and_nothing_to_read() {
    let mut story = Story::begin(&[]).await;
    for image in shells::images() {
        let work = job(&[
            "test -t 1 && test -t 2 && ! test -t 0",
            "cat; read -r line || echo nothing to read",
            "stty size <&1",
            "printf '\\033[31mred\\033[0m\\n\\033[2J\\033[H\\033]0;a title\\007'",
            "stty raw -echo <&1; echo done",
        ]);
        let came = story.run(within(image, work)).await;
        assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
        for part in [
            "\nnothing to read\n",
            "\n24 120\n",
            "\n\x1b[31mred\x1b[0m\n\x1b[2J\x1b[H\x1b]0;a title\x07",
        ] {
            assert!(came.log.contains(part), "{part:?} is not in {}", came.log);
        }
    }
    story.end().await;
}
