//! What AWS refuses before anything is deployed: each is one sentence that says what to do.

use std::time::Duration;

use slipway_harness::aws::{Script, Step};
use slipway_pipelines::plan::Template;

use crate::bench::{Bench, secret};

fn template(text: &str) -> Option<Template> {
    Some(Template(text.to_owned()))
}

#[tokio::test]
async fn keys_that_are_missing_or_unknown() {
    let mut bench = Bench::new().await;
    bench.secrets.clear();
    let reason = bench.fails().await;
    assert!(reason.starts_with("there is no access_key_id for AWS: set the secret"), "{reason}");
    assert!(bench.aws.requests().is_empty(), "nothing is asked without keys");

    let mut bench = Bench::new().await;
    bench.secrets[0] = secret("AWS_ACCESS_KEY_ID", "AKIANOBODYKNOWSME000");
    let reason = bench.fails().await;
    assert!(reason.contains("check access_key_id"), "{reason}");
    let said = "InvalidClientTokenId: The security token included in the request is invalid.";
    assert_eq!(bench.evidence("AWS on elasticbeanstalk:DescribeEnvironments"), said);
    assert!(!bench.log().contains("AKIANOBODYKNOWSME000"), "{}", bench.log());
}

#[tokio::test]
async fn keys_of_the_file_are_shown_nowhere_even_if_aws_repeats_them() {
    let mut bench = Bench::new().await;
    bench.target.secret_access_key = template("written/in+the/file0000000000");
    let told = "The string was written/in+the/file0000000000 and AKIASTANDINSTANDIN01.";
    bench.aws.refuse("DescribeEnvironments", "SignatureDoesNotMatch", told, 1);
    let reason = bench.fails().await;
    assert!(reason.contains("check secret_access_key"), "{reason}");
    let seen = format!("{}{:?}", bench.log(), bench.reported());
    assert!(!seen.contains("written/in+the/file"), "{seen}");
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let mut bench = Bench::new().await;
    bench.target.env = template("staging");
    let reason = bench.fails().await;
    assert!(reason.starts_with("application \"app\" has no environment \"staging\""), "{reason}");
    bench.target.app = template("shop");
    bench.forget();
    let reason = bench.fails().await;
    assert!(reason.starts_with("there is no Elastic Beanstalk application \"shop\""), "{reason}");
    let mut bench = Bench::new().await;
    bench.target.region = template("eu-west-1");
    let reason = bench.fails().await;
    assert!(
        reason.contains("\"app\" in eu-west-1: create it first, or set `app` and `region`"),
        "{reason}"
    );
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    for (action, named) in [
        ("DescribeEnvironments", "elasticbeanstalk:DescribeEnvironments"),
        ("DescribeInstancesHealth", "elasticbeanstalk:DescribeInstancesHealth"),
        ("DescribeEvents", "elasticbeanstalk:DescribeEvents"),
        ("CreateApplicationVersion", "elasticbeanstalk:CreateApplicationVersion"),
        ("UpdateEnvironment", "elasticbeanstalk:UpdateEnvironment"),
        ("PutObject", "s3:PutObject"),
        ("CreateBucket", "s3:CreateBucket"),
    ] {
        let bench = Bench::new().await;
        bench.aws.refuse(action, "AccessDenied", "User is not authorized", 1);
        let reason = bench.fails().await;
        assert!(reason.contains(&format!("may not do {named} on ")), "{action}: {reason}");
        assert_eq!(bench.evidence(named), "AccessDenied: User is not authorized");
        assert_eq!(bench.aws.deployed_label("prod").as_deref(), Some("old"));
    }
}

#[tokio::test]
async fn a_bucket_that_can_not_be_used_says_why() {
    let bench = Bench::new().await;
    bench.aws.bucket("acme-bundles", "us-east-1", false);
    let reason = bench.fails().await;
    assert!(reason.contains("\"acme-bundles\" belongs to somebody else"), "{reason}");

    let bench = Bench::new().await;
    bench.aws.bucket("acme-bundles", "eu-central-1", true);
    let reason = bench.fails().await;
    assert!(reason.contains("in another region: it is in eu-central-1"), "{reason}");

    let bench = Bench::new().await;
    bench.aws.refuse("CreateBucket", "BucketAlreadyExists", "not available", 1);
    let reason = bench.fails().await;
    assert!(reason.contains("belongs to somebody else: name another bucket"), "{reason}");

    let mut bench = Bench::new().await;
    bench.target.bucket = None;
    assert!(bench.fails().await.starts_with("there is no bucket for the bundle"));
}

#[tokio::test]
async fn the_quota_of_versions_says_what_to_do() {
    let bench = Bench::new().await;
    let code = "TooManyApplicationVersionsException";
    bench.aws.refuse("CreateApplicationVersion", code, "1000 versions", 1);
    let reason = bench.fails().await;
    assert!(reason.contains("delete old ones, or set a lifecycle policy"), "{reason}");
}

#[tokio::test]
async fn a_bundle_that_can_not_be_processed_touches_no_environment() {
    let bench = Bench::new().await;
    bench.aws.process_versions(&["PROCESSING", "PROCESSING", "FAILED"]);
    let reason = bench.fails().await;
    assert!(reason.contains("(processing FAILED)"), "{reason}");
    assert_eq!(bench.aws.count("UpdateEnvironment"), 0);
}

#[tokio::test]
async fn a_label_of_another_bundle_is_a_conflict() {
    let mut bench = Bench::new().await;
    bench.target.label = template("old");
    let reason = bench.fails().await;
    assert!(reason.contains("has a version \"old\" already, of no bundle in S3"), "{reason}");
    assert_eq!(bench.aws.count("PutObject"), 0, "nobody's bundle is replaced");
}

#[tokio::test]
async fn another_update_that_does_not_end_is_not_waited_for_for_ever() {
    let mut bench = Bench::new().await;
    bench.target.wait_timeout = Some(Duration::from_millis(300));
    bench.aws.environment("app", "prod").playing(Script::of([Step::updating()]));
    let reason = bench.fails().await;
    assert!(reason.contains("is still Updating: something else changes it"), "{reason}");
    assert_eq!(bench.aws.count("UpdateEnvironment"), 0);
}

#[tokio::test]
async fn an_aws_that_only_throttles_fails_in_the_end_and_says_so() {
    let mut bench = Bench::new().await;
    bench.settings.pace.patience = Duration::from_millis(200);
    bench.aws.refuse("DescribeEnvironments", "Throttling", "Rate exceeded", 10_000);
    let reason = bench.fails().await;
    assert!(reason.contains("because this account asks too often"), "{reason}");
}
