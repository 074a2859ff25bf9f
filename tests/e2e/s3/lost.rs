//! What is true after the worker was lost in the middle.

use anyhow::Result;
use slipway_harness::S3;
use slipway_pipelines::wire::FindingCode;
use slipway_worker::deploy::DeployOutcome;

use crate::bench::Bench;

async fn deployed() -> Result<(S3, Bench, Option<String>)> {
    let s3 = S3::start().await?;
    let bench = Bench::new(s3.url());
    assert_eq!(bench.deploy().await, DeployOutcome::Live, "{}", bench.log());
    let list = bench.rendered();
    assert!(list.is_some(), "{}", bench.log());
    Ok((s3, bench, list))
}

#[tokio::test]
async fn all_that_was_to_be_sent_is_there() -> Result<()> {
    let (_s3, bench, list) = deployed().await?;
    assert_eq!(bench.verify(list).await, DeployOutcome::Live, "{}", bench.log());
    Ok(())
}

#[tokio::test]
async fn a_file_that_is_another_or_is_not_there_is_named_and_nothing_is_sent() -> Result<()> {
    let (s3, bench, list) = deployed().await?;
    s3.put("app.js", "gone wrong").await?;
    let DeployOutcome::Failed { reason } = bench.verify(list.clone()).await else {
        panic!("{}", bench.log())
    };
    assert!(reason.contains("1 of 4 files in bucket \"slipway\" are not"), "{reason}");
    let finding = bench.finding();
    assert_eq!(finding.code, FindingCode::FileDiffers);
    assert_eq!(finding.evidence[0].text, "app.js: it has 10 bytes, not 4");
    assert_eq!(s3.get("app.js").await?.text().await?, "gone wrong");
    let list = list.map(|list| list.replace("img/logo.png", "img/never.png"));
    s3.put("app.js", "nope").await?;
    assert_ne!(bench.verify(list).await, DeployOutcome::Live);
    let text = &bench.finding().evidence[0].text;
    assert!(text.contains("app.js: its noted SHA-256 is none"), "{text}");
    assert!(text.contains("img/never.png: it is not there"), "{text}");
    Ok(())
}

#[tokio::test]
async fn a_worker_that_was_lost_early_sent_nothing() -> Result<()> {
    let bench = Bench::new("http://127.0.0.1:1".parse()?);
    let reason = "the worker was lost before it uploaded a file".to_owned();
    assert_eq!(bench.verify(None).await, DeployOutcome::Failed { reason });
    Ok(())
}
