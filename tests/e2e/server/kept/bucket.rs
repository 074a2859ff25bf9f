//! The same in a bucket of S3.

use anyhow::{Context as _, Result};
use reqwest::StatusCode;
use slipway_harness::worker::offer;
use slipway_harness::{S3, Scene};
use slipway_pipelines::wire::BlobKind::Cache;

use super::{Stage, much};

#[tokio::test]
async fn a_bucket_keeps_what_a_folder_would() -> Result<()> {
    let s3 = S3::start().await?;
    let place = s3.place();
    let mut stage = Stage::on(Scene::with(|config| config.blobs.place = place).await?).await?;
    let job = stage.job_on("main").await?;
    assert!(job.keep(Cache, "small", b"in one go").await?);
    let large = much();
    assert!(job.keep(Cache, "large", &large).await?, "in parts");
    assert!(!job.keep(Cache, "again", &large).await?);
    let keys = s3.keys().await?;
    assert_eq!(keys.len(), 2, "{keys:?}");
    let sum = offer(&large).sha256;
    assert!(
        keys.iter()
            .any(|key| key.starts_with("ci/blobs/") && key.ends_with(&format!("/trusted/{sum}"))),
        "{keys:?}"
    );
    assert!(stage.scene.stored()?.is_empty(), "nothing in the data dir");
    let (came, _) = job.fetch(Cache, "large").await?.context("it is there")?;
    assert!(came == large, "other bytes came back");
    assert_eq!(job.fetch(Cache, "small").await?.context("it is there")?.0, b"in one go");

    // Other bytes than were named, small and in parts: nothing is left.
    for bytes in [b"other".to_vec(), vec![1; 12 << 20]] {
        let (status, _) = job.send((Cache, "bad"), &offer(b"named").sha256, bytes).await?;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(s3.keys().await?.len(), 2);
    assert_eq!(s3.unfinished().await?, Vec::<String>::new());

    stage.scene.change("DELETE FROM caches WHERE name <> 'small'").await?;
    stage.scene.change("UPDATE blobs SET last_used_at = now() - interval '2 hours'").await?;
    stage.scene.expire().await?;
    assert_eq!(s3.keys().await?.len(), 1);

    drop(s3);
    let (status, answer) = job.send((Cache, "small"), &offer(b"two").sha256, "two").await?;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer}");
    assert!(answer.contains("The store of caches and artifacts is away"), "{answer}");
    assert!(job.fetch(Cache, "small").await.is_err_and(|error| error.to_string().contains("503")));
    stage.scene.end().await
}
