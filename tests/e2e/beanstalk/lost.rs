//! What is true after the worker was lost in the middle.

use slipway_harness::aws::{Script, Step};
use slipway_pipelines::wire::DeployProgress;
use slipway_worker::deploy::DeployOutcome;

use crate::bench::{Bench, LABEL, packed};

#[tokio::test]
async fn an_update_that_still_runs_is_followed_to_its_verdict() {
    let bench = Bench::new().await;
    bench.aws.environment("app", "prod").coming(LABEL).playing(Script::of([
        Step::updating(),
        Step::updating(),
        Step::updating(),
        Step::ready(),
    ]));
    assert_eq!(bench.verify(Some(LABEL)).await, DeployOutcome::Live, "{}", bench.log());
    let DeployProgress::Live { version, url } = bench.verdict() else { panic!("checked") };
    assert_eq!(version.label.as_deref(), Some(LABEL));
    assert!(url.is_some());
    assert_eq!(bench.aws.count("UpdateEnvironment"), 0, "looking deploys nothing");
}

#[tokio::test]
async fn an_environment_that_never_took_it_says_what_is_live() {
    let bench = Bench::new().await;
    let outcome = bench.verify(Some(LABEL)).await;
    let reason =
        format!("the worker was lost before prod took version {LABEL}: it is Ready on old (Ok)");
    assert_eq!(outcome, DeployOutcome::Failed { reason });
}

#[tokio::test]
async fn without_its_secrets_it_says_that_it_can_not_look() {
    let mut bench = Bench::new().await;
    bench.secrets.clear();
    let DeployOutcome::Failed { reason } = bench.verify(Some(LABEL)).await else {
        panic!("nothing was seen")
    };
    assert!(reason.starts_with("the worker was lost and the target can not be asked"), "{reason}");
}

#[tokio::test]
async fn a_version_alone_is_looked_for() {
    let mut bench = Bench::new().await;
    bench.target.only_create_app_version = true;
    let DeployOutcome::Failed { reason } = bench.verify(Some(LABEL)).await else {
        panic!("there is none")
    };
    assert!(reason.contains("lost before it made version"), "{reason}");
    let mut bench = Bench::new().await;
    bench.target.only_create_app_version = true;
    assert_eq!(bench.deploy().await, DeployOutcome::Live, "{}", bench.log());
    bench.forget();
    assert_eq!(bench.verify(Some(LABEL)).await, DeployOutcome::Live, "{}", bench.log());
}

#[tokio::test]
async fn a_version_whose_label_was_taken_is_found_by_the_one_it_got() {
    let mut bench = Bench::new().await;
    assert_eq!(bench.deploy().await, DeployOutcome::Live, "{}", bench.log());
    bench.tree(packed(&[("Procfile", "web: ./other\n")]));
    assert_eq!(bench.deploy().await, DeployOutcome::Live, "{}", bench.log());
    bench.forget();
    assert_eq!(bench.verify(Some(LABEL)).await, DeployOutcome::Live, "{}", bench.log());
    let DeployProgress::Live { version, .. } = bench.verdict() else { panic!("checked") };
    assert_eq!(version.label, bench.aws.deployed_label("prod"));
    assert_ne!(version.label.as_deref(), Some(LABEL));
}
