//! What goes well, and how it is told.

use std::time::Duration;

use slipway_harness::aws::{On, Script, Step};
use slipway_pipelines::plan::Template;
use slipway_pipelines::wire::DeployProgress;
use slipway_worker::deploy::DeployOutcome;

use crate::bench::{Bench, LABEL, packed, secret, unpacked};

#[tokio::test]
async fn a_version_that_is_seen_to_serve_on_each_instance_is_live() {
    let bench = Bench::new().await;
    assert_eq!(bench.deploy().await, DeployOutcome::Live, "{}", bench.log());
    let hops =
        ["bucket made", "packed", "uploaded", "version created", "updating", "healthy", "soaked"];
    assert_eq!(bench.hops(), hops);
    let version = bench.version(Some(LABEL));
    let url = Some("http://prod.stand-in.elasticbeanstalk.example/".to_owned());
    assert_eq!(bench.verdict(), DeployProgress::Live { version, url });
    assert_eq!(bench.aws.deployed_label("prod").as_deref(), Some(LABEL));
    let files = unpacked(&bench.aws.bundle("prod").expect("a bundle"));
    assert_eq!(
        files,
        [
            ("Procfile".to_owned(), 0o100_644, "web: ./run\n".to_owned()),
            ("run".to_owned(), 0o100_755, "#!/bin/sh\n".to_owned()),
        ]
    );
    let log = bench.log();
    for line in [
        "healthy: Ok (2 instances)",
        "INFO Deploying new version to instance(s).",
        "Waiting: the environment is Updating",
    ] {
        assert!(log.contains(line), "{line:?} is not in\n{log}");
    }
    bench.shows_no_key();
}

#[tokio::test]
async fn the_version_carries_the_commits_subject_and_lies_in_the_folder() {
    let mut bench = Bench::new().await;
    bench.target.bucket_path = Some(Template("/bundles/web/".to_owned()));
    assert_eq!(bench.deploy().await, DeployOutcome::Live, "{}", bench.log());
    let requests = bench.aws.requests();
    let created = requests.iter().find(|one| one.action == "CreateApplicationVersion");
    let created = &created.expect("a version was made").parameters;
    assert_eq!(created["Description"], "A change");
    assert_eq!(created["AutoCreateApplication"], "false");
    assert_eq!(created["SourceBundle.S3Key"], format!("bundles/web/{LABEL}.zip"));
}

#[tokio::test]
async fn without_an_environment_the_version_alone_is_the_deploy() {
    let mut bench = Bench::new().await;
    bench.target.only_create_app_version = true;
    bench.aws.process_versions(&["UNPROCESSED", "PROCESSING", "PROCESSED"]);
    assert_eq!(bench.deploy().await, DeployOutcome::Live, "{}", bench.log());
    let version = bench.version(Some(LABEL));
    assert_eq!(bench.verdict(), DeployProgress::Live { version, url: None });
    assert_eq!(bench.aws.deployed_label("prod").as_deref(), Some("old"));
    assert!(bench.log().contains("version created: slipway-"), "{}", bench.log());
    assert_eq!(bench.aws.count("UpdateEnvironment"), 0);
}

#[tokio::test]
async fn another_update_is_waited_for_and_said() {
    let bench = Bench::new().await;
    let theirs =
        [Step::updating(), Step::updating(), Step::updating(), Step::updating(), Step::ready()];
    bench.aws.environment("app", "prod").playing(Script::of(theirs));
    assert_eq!(bench.deploy().await, DeployOutcome::Live, "{}", bench.log());
    assert!(bench.log().contains("waiting: prod is Updating"), "{}", bench.log());
}

#[tokio::test]
async fn an_aws_that_wants_to_be_asked_less_often_is_no_failure() {
    let bench = Bench::new().await;
    for action in ["DescribeEnvironments", "UpdateEnvironment", "CreateApplicationVersion"] {
        bench.aws.refuse(action, "Throttling", "Rate exceeded", 3);
    }
    bench.aws.refuse("PutObject", "SlowDown", "Please reduce your request rate.", 2);
    assert_eq!(bench.deploy().await, DeployOutcome::Live, "{}", bench.log());
    let said = "AWS wants to be asked less often (Throttling): asking on";
    assert!(bench.log().contains(said), "{}", bench.log());
}

#[tokio::test]
async fn neither_events_nor_enhanced_health_are_needed() {
    let bench = Bench::new().await;
    let quiet = Script::of([Step::updating(), Step::ready()]);
    bench.aws.environment("app", "prod").basic_health().script(quiet);
    assert_eq!(bench.deploy().await, DeployOutcome::Live, "{}", bench.log());
    assert!(bench.log().contains("healthy: Green (basic health)"), "{}", bench.log());
    assert_eq!(bench.aws.count("DescribeInstancesHealth"), 0);
}

#[tokio::test]
async fn ready_with_instances_on_both_versions_is_waited_for() {
    let bench = Bench::new().await;
    let mixed = || Step::ready().instances([(On::New, "Deployed"), (On::Old, "Deployed")]);
    let script = Script::of([Step::updating(), mixed(), mixed(), Step::ready()]);
    bench.aws.environment("app", "prod").script(script);
    assert_eq!(bench.deploy().await, DeployOutcome::Live, "{}", bench.log());
    let said = "1 of 2 instances are not on slipway-";
    assert!(bench.log().contains(said), "{}", bench.log());
}

#[tokio::test]
async fn the_same_bundle_is_not_put_twice_and_another_gets_a_label_of_its_own() {
    let mut bench = Bench::new().await;
    bench.soak = Duration::ZERO;
    assert_eq!(bench.deploy().await, DeployOutcome::Live, "{}", bench.log());
    assert_eq!(bench.deploy().await, DeployOutcome::Live, "{}", bench.log());
    assert_eq!(bench.aws.count("PutObject"), 1, "{}", bench.log());
    assert_eq!(bench.aws.count("CreateApplicationVersion"), 1);
    bench.tree(packed(&[("Procfile", "web: ./other\n")]));
    assert_eq!(bench.deploy().await, DeployOutcome::Live, "{}", bench.log());
    let label = bench.aws.deployed_label("prod").expect("a label");
    assert!(label.starts_with(&format!("{LABEL}-")), "{label}");
}

#[tokio::test]
async fn the_keys_of_elastic_beanstalks_own_names_go_first() {
    let mut bench = Bench::new().await;
    for (secret, name) in bench.secrets.iter_mut().zip(["ACCESS_KEY_ID", "SECRET_ACCESS_KEY"]) {
        secret.name = format!("ELASTIC_BEANSTALK_{name}").parse().expect("a name");
    }
    bench.secrets.push(secret("AWS_ACCESS_KEY_ID", "AKIASOMETHINGELSE000"));
    bench.secrets.push(secret("AWS_SESSION_TOKEN", "a-token-of-the-other-key"));
    bench.target.env = None;
    bench.env.push(("ELASTIC_BEANSTALK_ENV".to_owned(), "prod".to_owned()));
    assert_eq!(bench.deploy().await, DeployOutcome::Live, "{}", bench.log());
}

#[tokio::test]
async fn another_applications_bundle_is_not_replaced() {
    let mut bench = Bench::new().await;
    bench.aws.environment("admin", "admin-prod");
    assert_eq!(bench.deploy().await, DeployOutcome::Live, "{}", bench.log());
    let first = bench.aws.bundle("prod");
    bench.target.app = Some(Template("admin".to_owned()));
    bench.target.env = Some(Template("admin-prod".to_owned()));
    bench.tree(packed(&[("Procfile", "web: ./admin\n")]));
    assert_eq!(bench.deploy().await, DeployOutcome::Live, "{}", bench.log());
    assert_eq!(bench.aws.bundle("prod"), first);
    assert_ne!(bench.aws.bundle("admin-prod"), first);
}
