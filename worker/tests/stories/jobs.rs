//! What a job's commands come to.

use slipway_pipelines::plan::EnvVar;
use slipway_pipelines::wire::{JobOutcome, StepOutcome};

use crate::fixture::{Story, job, phase};

fn exited(code: i32) -> StepOutcome {
    StepOutcome::Exited { code }
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
    assert_eq!(came.log_of("cat hello.txt"), "$ cat hello.txt\nfrom the repo\n");
    assert_eq!(came.log_of("echo \"$GREETING\""), "$ echo \"$GREETING\"\na  b\n");
    assert_eq!(came.log_of("echo $X in $PWD"), "$ echo $X in $PWD\n1 in /tmp\n");
    assert!(came.log.contains("result 0\n"), "{}", came.log);
    assert!(!came.log.contains("never"), "{}", came.log);
    let steps: Vec<_> =
        came.steps().into_iter().skip_while(|(t, _)| t != "mkdir -p /tmp").collect();
    let last = steps.last().expect("steps").clone();
    assert_eq!(last, ("false".to_owned(), exited(1)), "{steps:?}");
    story.end().await;
}
