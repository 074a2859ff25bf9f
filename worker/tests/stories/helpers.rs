//! The functions that Travis gives its jobs, in both shells.

use slipway_pipelines::wire::JobOutcome;

use crate::fixture::{Story, job};
use crate::shells::{self, within};

#[tokio::test(flavor = "multi_thread")]
async fn the_helpers_that_travis_has_are_there() {
    let mut story = Story::begin(&[]).await;
    for image in shells::images() {
        let work = job(&[
            "tries() { echo try; test -e /tried || { : >/tried; return 7; }; }; travis_retry tries",
            "travis_wait 1 sh -c 'sleep 1; echo waited for'",
            "! travis_wait sh -c 'exit 9'",
            "travis_fold start x; echo folded; travis_fold end x",
            "travis_time_start; travis_time_finish",
            "sudo -E -u root A=b sh -c 'echo $A as root'",
            "travis_terminate 1",
            "echo unreached",
        ]);
        let came = story.run(within(image, work)).await;
        assert!(
            matches!(came.outcome, JobOutcome::Failed { .. }),
            "{:?} {}",
            came.outcome,
            came.log
        );
        for line in [
            "\ntry\nThe command \"tries\" failed (7), try 1 of 3.\ntry\n",
            "Still running (1 of 1): sh -c sleep 1; echo waited for\n",
            "\nLog:\n\nwaited for\n",
            "exited with 9.\n\nLog:\n",
            "\ntravis_fold:start:x\r\x1b[0Kfolded\ntravis_fold:end:x\r\x1b[0K",
            "\nb as root\n",
        ] {
            assert!(came.log.contains(line), "{line:?} is not in {}", came.log);
        }
        assert!(!came.log.contains("\nunreached"), "{}", came.log);
    }
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn travis_retry_gives_up_after_three_tries() {
    let mut story = Story::begin(&[]).await;
    for image in shells::images() {
        let never = "never() { echo try; return 9; }; travis_retry never";
        // With `set -e` it still tries again.
        let came = story.run(within(image, job(&[never, "set -e; travis_retry never"]))).await;
        assert_eq!(came.log.matches("\ntry\n").count(), 6, "{}", came.log);
        assert!(came.log.contains("failed (9), try 3 of 3.\n"), "{}", came.log);
        assert!(matches!(came.outcome, JobOutcome::Errored { .. }), "{:?}", came.outcome);
    }
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn travis_wait_kills_what_takes_too_long() {
    let mut story = Story::begin(&[]).await;
    for image in shells::images() {
        let work = job(&[
            // Its minutes pass at once, the command's own time does not.
            "sleep() { :; }",
            "travis_wait 3 sh -c 'echo $$ >/waited; exec tail -f /dev/null'",
            "kill -0 $(cat /waited) || echo it is gone",
        ]);
        let came = story.run(within(image, work)).await;
        assert!(
            matches!(came.outcome, JobOutcome::Failed { .. }),
            "{:?} {}",
            came.outcome,
            came.log
        );
        for line in ["Still running (3 of 3): sh -c", "\nTimeout (3 minutes) reached. Terminating "]
        {
            assert!(came.log.contains(line), "{line:?} is not in {}", came.log);
        }
        assert!(came.log.contains("exited with 137.\n"), "{}", came.log);
        assert!(came.log.contains("\nit is gone\n"), "{}", came.log);
    }
    story.end().await;
}
