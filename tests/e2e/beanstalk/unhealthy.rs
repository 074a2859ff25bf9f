//! What Elastic Beanstalk calls done and is not, and the way back.

use std::time::Duration;

use slipway_harness::aws::{On, Script, Step};
use slipway_pipelines::plan::RollbackPolicy;
use slipway_pipelines::wire::DeployProgress;
use slipway_worker::deploy::DeployOutcome;

use crate::bench::{Bench, LABEL};

const OLD: &str = "slipway-bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb-6";

/// A bench whose environment is on a version that Slipway deployed before.
async fn bench() -> Bench {
    let mut bench = Bench::new().await;
    bench.aws.environment("app", "prod").live(OLD);
    let mut previous = bench.version(Some(OLD));
    previous.commit = "b".repeat(40).parse().expect("a commit");
    bench.previous = Some(previous);
    bench
}

async fn rolled_back(bench: &Bench) -> String {
    match bench.deploy().await {
        DeployOutcome::RolledBack { reason } => {
            bench.shows_no_key();
            assert_eq!(bench.aws.deployed_label("prod").as_deref(), Some(OLD), "{}", bench.log());
            reason
        }
        other => panic!("not rolled back: {other:?}\n{}", bench.log()),
    }
}

#[tokio::test]
async fn ready_and_green_on_the_old_version_is_a_failure() {
    let bench = bench().await;
    let script = Script::of([Step::updating(), Step::ready().on_old()]);
    bench.aws.environment("app", "prod").script(script);
    let reason = rolled_back(&bench).await;
    let expected = format!(
        "Elastic Beanstalk gave the update up: the environment is Ready (Ok), but on {OLD} and \
         not on {LABEL}; {OLD} serves again"
    );
    assert_eq!(reason, expected);
    let DeployProgress::RolledBack { serving, .. } = bench.verdict() else { panic!("checked") };
    assert_eq!(Some(serving), bench.previous);
}

#[tokio::test]
async fn an_error_event_fails_at_once_and_what_is_wrong_is_shown() {
    let bench = bench().await;
    let failed = Step::updating()
        .instances([(On::New, "In Progress"), (On::Old, "Deployed")])
        .health("Degraded")
        .cause("Command failed on 1 out of 2 instances.")
        .event("ERROR", "[Instance: i-1] Command failed on instance. Return code: 1");
    let script = Script::of([Step::updating(), failed.clone(), failed]);
    bench.aws.environment("app", "prod").script(script);
    bench.aws.log_tail("early\nnpm ERR! missing script: start\n");
    let reason = rolled_back(&bench).await;
    assert!(reason.contains("reported an error: [Instance: i-1] Command failed"), "{reason}");
    let health = bench.evidence("health of prod (Degraded)");
    assert_eq!(health, "Command failed on 1 out of 2 instances.");
    let tail = bench.evidence("last lines of the logs of instance i-1");
    assert_eq!(tail, "early\nnpm ERR! missing script: start");
    let events = bench.evidence("events of this update");
    assert_eq!(events, "03:04:05 ERROR [Instance: i-1] Command failed on instance. Return code: 1");
    // It was still running.
    assert_eq!(bench.aws.count("AbortEnvironmentUpdate"), 1);
    let hops = bench.hops();
    assert!(
        hops.ends_with(
            &["aborted", "going back", "healthy", "soaked", "gone back"].map(str::to_owned)
        ),
        "{hops:?}"
    );
    assert!(!bench.log().contains("X-Amz-Signature"), "{}", bench.log());
}

#[tokio::test]
async fn ready_before_the_error_is_not_taken_for_success() {
    let mut bench = bench().await;
    bench.soak = Duration::from_secs(3);
    let error = Step::ready().event("ERROR", "Failed to deploy application.");
    let script = Script::of([Step::updating(), Step::ready(), error]);
    bench.aws.environment("app", "prod").script(script);
    let reason = rolled_back(&bench).await;
    assert!(reason.contains("Failed to deploy application"), "{reason}");
}

#[tokio::test]
async fn what_does_not_stay_healthy_is_not_live() {
    let mut bench = bench().await;
    bench.soak = Duration::from_secs(3);
    let ill =
        Step::ready().health("Severe").cause("100.0 % of the requests are failing with HTTP 5xx.");
    let script = Script::of([Step::updating(), Step::ready(), Step::ready(), ill]);
    bench.aws.environment("app", "prod").script(script);
    bench.aws.refuse("RequestEnvironmentInfo", "AccessDenied", "not allowed", 1);
    let reason = rolled_back(&bench).await;
    assert!(
        reason.contains("it did not stay healthy: the environment's health is Severe"),
        "{reason}"
    );
    assert!(bench.evidence("health of instance i-1 (Severe)").contains("HTTP 5xx"));
    assert!(bench.log().contains("The tail of the logs can not be had: not allowed"));
}

#[tokio::test]
async fn instances_that_stay_on_the_old_version_are_named() {
    let mut bench = bench().await;
    bench.target.wait_timeout = Some(Duration::from_secs(4));
    let mixed = Step::ready().instances([(On::New, "Deployed"), (On::Old, "Deployed")]);
    bench.aws.environment("app", "prod").script(Script::of([Step::updating(), mixed]));
    let reason = rolled_back(&bench).await;
    let named = format!("1 of 2 instances are not on {LABEL} yet (instance i-2: {OLD}, Deployed)");
    assert!(reason.contains(&named), "{reason}");
}

#[tokio::test]
async fn a_deployment_that_failed_on_an_instance_fails() {
    let bench = bench().await;
    let failed = Step::updating().instances([(On::New, "Failed"), (On::Old, "Deployed")]);
    bench.aws.environment("app", "prod").script(Script::of([
        failed.clone(),
        failed.clone(),
        failed,
    ]));
    let reason = rolled_back(&bench).await;
    assert!(reason.starts_with("the deployment failed on instance i-1"), "{reason}");
}

#[tokio::test]
async fn without_rollback_it_is_left_as_it_is_and_said() {
    let mut bench = bench().await;
    bench.rollback = RollbackPolicy::Never;
    let ill = Step::ready().health("Severe").event("ERROR", "broken");
    bench.aws.environment("app", "prod").script(Script::of([Step::updating(), ill]));
    let reason = bench.fails().await;
    assert!(
        reason.ends_with(&format!("left as it is: it is Ready on {LABEL} (Severe)")),
        "{reason}"
    );
    assert_eq!(bench.aws.count("UpdateEnvironment"), 1);
}

#[tokio::test]
async fn a_way_back_that_fails_too_is_a_failure_that_says_both() {
    let bench = bench().await;
    let broken = |what| Script::of([Step::updating(), Step::ready().event("ERROR", what)]);
    bench.aws.environment("app", "prod").script(broken("first")).script(broken("second"));
    let reason = bench.fails().await;
    assert!(reason.contains("first; it did not go back either"), "{reason}");
    assert!(reason.contains("second"), "{reason}");
}

#[tokio::test]
async fn going_back_to_what_slipway_does_not_know_is_told_as_what_it_is() {
    let bench = Bench::new().await;
    let script = Script::of([Step::updating(), Step::ready().event("ERROR", "broken")]);
    bench.aws.environment("app", "prod").script(script);
    let reason = bench.fails().await;
    assert!(reason.ends_with("old serves again, which Slipway did not deploy"), "{reason}");
}

#[tokio::test]
async fn an_update_whose_answer_is_lost_is_looked_for_and_not_sent_again() {
    let bench = bench().await;
    bench.aws.refuse("UpdateEnvironment", "InternalFailure", "an error on the way", 1);
    let reason = rolled_back(&bench).await;
    assert!(reason.contains("gave the update up"), "{reason}");
    // The one that was lost, and the way back.
    assert_eq!(bench.aws.count("UpdateEnvironment"), 2);
}

#[tokio::test]
async fn an_environment_that_is_terminated_under_it_fails() {
    let bench = Bench::new().await;
    let script = Script::of([Step::updating(), Step::updating().status("Terminating")]);
    bench.aws.environment("app", "prod").script(script);
    let reason = bench.fails().await;
    assert!(reason.contains("the environment is Terminating"), "{reason}");
}

#[tokio::test]
async fn what_another_update_brought_meanwhile_is_what_it_goes_back_to() {
    let bench = Bench::new().await;
    let theirs = Script::of([Step::updating(), Step::updating(), Step::updating(), Step::ready()]);
    let broken = Script::of([Step::updating(), Step::ready().event("ERROR", "broken")]);
    bench.aws.environment("app", "prod").live("theirs").live("old");
    bench.aws.environment("app", "prod").coming("theirs").playing(theirs).script(broken);
    let reason = bench.fails().await;
    assert!(reason.ends_with("theirs serves again, which Slipway did not deploy"), "{reason}");
}
