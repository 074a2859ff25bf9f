//! What S3 refuses: the cause, and one sentence that says what to do. The last story counts them.

use std::time::Duration;

use anyhow::Result;
use slipway_harness::S3;
use slipway_harness::aws::Aws;
use slipway_pipelines::plan::Template;
use slipway_pipelines::wire::{FindingArea, FindingCode, FindingVerdict};
use slipway_worker::deploy::DeployOutcome;

use crate::bench::{Bench, secret, template};

/// With our own stand-in, whose bucket is there.
async fn standing_in() -> (Aws, Bench) {
    let aws = Aws::start().await;
    aws.bucket("slipway", "us-east-1", true);
    let bench = Bench::new(aws.s3_url());
    (aws, bench)
}

#[tokio::test]
async fn keys_that_are_missing_unknown_or_expired() {
    let (aws, mut bench) = standing_in().await;
    bench.secrets[0] = secret("AWS_ACCESS_KEY_ID", "AKIANOBODYKNOWSME000");
    let (code, reason) = bench.fails().await;
    assert_eq!(code, FindingCode::CredentialsRefused);
    assert!(reason.contains("check access_key_id"), "{reason}");
    bench.never_shows("AKIANOBODYKNOWSME000");

    bench.secrets.clear();
    let (_, reason) = bench.fails().await;
    let expected = "there is no access_key_id for AWS: set the secret AWS_ACCESS_KEY_ID, or write \
                    `access_key_id:`";
    assert_eq!(reason, expected);
    drop(aws);

    let (aws, bench) = standing_in().await;
    aws.refuse("PutObject", "ExpiredToken", "The provided token has expired.", 10);
    assert_eq!(bench.fails().await.0, FindingCode::CredentialsExpired);
}

#[tokio::test]
async fn a_missing_right_is_named() {
    let (aws, bench) = standing_in().await;
    aws.refuse("PutObject", "AccessDenied", "Access Denied", 10);
    let (code, reason) = bench.fails().await;
    assert_eq!(code, FindingCode::Forbidden);
    assert!(reason.contains("may not do s3:PutObject on slipway/"), "{reason}");
    assert_eq!(bench.finding().evidence[0].text, "AccessDenied: Access Denied");
}

#[tokio::test]
async fn keys_that_may_put_need_not_see_the_bucket() {
    let (aws, bench) = standing_in().await;
    aws.refuse("HeadBucket", "AccessDenied", "Access Denied", 1);
    aws.refuse("PutObject", "AccessDenied", "Access Denied", 10);
    let (_, reason) = bench.fails().await;
    assert!(reason.contains("s3:PutObject"), "what it needs is what is named: {reason}");
}

#[tokio::test]
async fn a_bucket_of_another_region_names_the_region() {
    let aws = Aws::start().await;
    aws.bucket("slipway", "eu-central-1", true);
    let bench = Bench::new(aws.s3_url());
    let (code, reason) = bench.fails().await;
    assert_eq!(code, FindingCode::BucketRefused);
    let expected = "bucket \"slipway\" is not in us-east-1: it is in eu-central-1: set `region` \
                    to where the bucket is";
    assert_eq!(reason, expected);
}

#[tokio::test]
async fn an_s3_that_throttles_or_is_away_is_asked_again_and_then_told() {
    let (aws, mut bench) = standing_in().await;
    bench.settings.pace.patience = Duration::from_millis(200);
    aws.refuse("PutObject", "SlowDown", "Please reduce your request rate.", 10_000);
    let (code, _) = bench.fails().await;
    assert_eq!(
        (code, bench.finding().verdict),
        (FindingCode::Throttled, FindingVerdict::Transient)
    );
    let mut bench = Bench::new("http://127.0.0.1:1".parse().expect("a URL"));
    bench.settings.pace.patience = Duration::from_millis(200);
    assert_eq!(bench.fails().await.0, FindingCode::ApiUnreachable);
}

#[tokio::test]
async fn options_that_mean_nothing_are_refused_before_s3_is_asked() {
    let (aws, mut bench) = standing_in().await;
    bench.target.acl = Some("everybody".to_owned());
    let DeployOutcome::Failed { reason } = bench.deploy().await else { panic!("it is no ACL") };
    assert!(reason.starts_with("`acl` \"everybody\" is not known to S3"), "{reason}");
    bench.target.acl = None;
    bench.target.bucket = Template(String::new());
    let DeployOutcome::Failed { reason } = bench.deploy().await else { panic!("no bucket") };
    assert_eq!(reason, "there is no bucket to upload to: write `bucket:`");
    bench.target.bucket = Template("slipway".to_owned());
    bench.target.expires = vec![Template("soon".to_owned())];
    let DeployOutcome::Failed { reason } = bench.deploy().await else { panic!("no time") };
    assert!(reason.contains("\"soon\" is no time"), "{reason}");
    bench.target.expires.clear();
    bench.target.endpoint = template("http://169.254.169.254/");
    let DeployOutcome::Failed { reason } = bench.deploy().await else { panic!("metadata") };
    assert!(reason.contains("can not be asked from here"), "{reason}");
    assert!(aws.requests().is_empty());
}

#[tokio::test]
async fn a_folder_without_files_says_what_to_look_at() {
    let (_aws, mut bench) = standing_in().await;
    bench.target.local_dir = template("dist");
    let (_, reason) = bench.fails().await;
    assert!(reason.contains("no file of dist/ fits `glob: **/*`: build before"), "{reason}");
}

async fn bucket_missing() -> Result<FindingCode> {
    let s3 = S3::start().await?;
    let mut bench = Bench::new(s3.url());
    bench.target.bucket = Template("nobodys-bucket".to_owned());
    let (code, reason) = bench.fails().await;
    assert!(reason.starts_with("there is no bucket \"nobodys-bucket\": create it"), "{reason}");
    Ok(code)
}

async fn upload_refused() -> FindingCode {
    let (aws, bench) = standing_in().await;
    aws.refuse("PutObject", "InvalidRequest", "The ACL is not allowed here.", 10);
    let (code, reason) = bench.fails().await;
    assert!(reason.contains("The ACL is not allowed here"), "{reason}");
    code
}

async fn file_differs() -> Result<FindingCode> {
    let s3 = S3::start().await?;
    let bench = Bench::new(s3.url());
    assert_eq!(bench.deploy().await, DeployOutcome::Live, "{}", bench.log());
    s3.put("index.html", "theirs").await?;
    let list = bench.rendered();
    assert_ne!(bench.verify(list).await, DeployOutcome::Live);
    Ok(bench.finding().code)
}

#[tokio::test]
async fn each_cause_of_a_storage_is_told() -> Result<()> {
    for code in FindingCode::ALL.iter().filter(|code| code.area() == FindingArea::Storage) {
        let told = match code {
            FindingCode::BucketMissing => bucket_missing().await?,
            FindingCode::UploadRefused => upload_refused().await,
            FindingCode::FileDiffers => file_differs().await?,
            other => panic!("{other} has no story"),
        };
        assert_eq!(told, *code);
    }
    Ok(())
}
