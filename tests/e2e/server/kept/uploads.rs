//! Uploads that go wrong leave nothing, and a store that is away is said to be.

use std::time::Duration;

use anyhow::{Context as _, Result};
use reqwest::StatusCode;
use sha2::{Digest as _, Sha256};
use slipway_harness::worker::offer;
use slipway_harness::{Scene, eventually};
use slipway_pipelines::wire::BlobKind::{Artifact, Cache, Workspace};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Stage, much};

const SOON: Duration = Duration::from_secs(20);

async fn nothing_is_left(scene: &Scene) {
    eventually("nothing is left of it", SOON, || async {
        let rows = scene.count("SELECT count(*) FROM blobs").await?;
        Ok((rows == 0 && scene.stored()?.is_empty()).then_some(()))
    })
    .await;
}

#[tokio::test]
async fn other_bytes_than_were_named_leave_nothing() -> Result<()> {
    let mut stage = Stage::start().await?;
    let job = stage.job_on("main").await?;
    // Small ones wait in memory, large ones are half in the store by the time they end.
    for bytes in [b"what was made".to_vec(), vec![7; 12 << 20]] {
        let named = offer(b"what was named");
        let (status, answer) = job.send((Cache, "linux"), &named.sha256, bytes.clone()).await?;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        let came = hex::encode(Sha256::digest(&bytes));
        assert!(answer.contains(&came) && answer.contains(&named.sha256), "{answer}");
        nothing_is_left(&stage.scene).await;
    }
    for (sha256, says) in [("abc", "64 hexadecimal digits"), ("../../x", "64 hexadecimal digits")] {
        let (status, answer) = job.send((Cache, "linux"), sha256, "x").await?;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.contains(says), "{answer}");
    }
    nothing_is_left(&stage.scene).await;
    stage.scene.end().await
}

#[tokio::test]
async fn a_sender_that_breaks_off_leaves_nothing() -> Result<()> {
    let mut stage = Stage::start().await?;
    let job = stage.job_on("main").await?;
    let address = stage.scene.base.strip_prefix("http://").context("HTTP")?;
    let mut socket = tokio::net::TcpStream::connect(address).await?;
    let (id, token) = (job.assignment.attempt, job.assignment.token.expose());
    let sum = offer(b"never").sha256;
    let head = format!(
        "PUT /api/worker/v1/attempts/{id}/blobs/cache/linux?sha256={sum} HTTP/1.1\r\n\
         host: slipway\r\nauthorization: Bearer {token}\r\ncontent-length: 50000000\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await?;
    socket.write_all(&vec![1; 4 << 20]).await?;
    eventually("a part of it is in the store", SOON, || async {
        Ok((!stage.scene.stored()?.is_empty()).then_some(()))
    })
    .await;
    drop(socket);
    nothing_is_left(&stage.scene).await;

    // Without a length nobody knows what whole would be.
    let mut socket = tokio::net::TcpStream::connect(address).await?;
    let head = format!(
        "PUT /api/worker/v1/attempts/{id}/blobs/cache/linux?sha256={sum} HTTP/1.1\r\n\
         host: slipway\r\nauthorization: Bearer {token}\r\ntransfer-encoding: chunked\r\n\
         connection: close\r\n\r\n0\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await?;
    assert!(answer.starts_with("HTTP/1.1 411") && answer.contains("Content-Length"), "{answer}");
    stage.scene.end().await
}

#[tokio::test]
async fn what_is_too_large_is_refused_before_it_travels() -> Result<()> {
    let scene = Scene::with(|config| {
        config.blobs.limits.workspace_bytes = 10;
        config.blobs.limits.artifact_bytes = 20;
    });
    let mut stage = Stage::on(scene.await?).await?;
    let job = stage.job_on("main").await?;
    let (status, answer) =
        job.send((Workspace, "dist"), &offer(&[0; 11]).sha256, vec![0; 11]).await?;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(answer.contains("A workspace can have at most 10 bytes here, not 11."), "{answer}");
    job.keep(Artifact, "logs", &[1; 15]).await?;
    let (_, answer) = job.offer((Artifact, "site"), &offer(&[2; 15])).await?;
    assert_eq!(answer["wanted"], true);
    job.send((Artifact, "site"), &offer(&[2; 15]).sha256, vec![2; 15]).await?;
    let (status, answer) = job.offer((Artifact, "site"), &offer(&[2; 15])).await?;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    let sentence = "The artifacts of a job have at most 20 bytes together here; with this one they \
                    have 30.";
    assert_eq!(answer["detail"], sentence);
    for name in ["a\nb", &"x".repeat(256)] {
        let (status, answer) = job.offer((Artifact, name), &offer(b"x")).await?;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{name:?}: {answer}");
    }
    assert_eq!(job.fetch(Cache, "a\0b").await?, None);
    stage.scene.end().await
}

#[tokio::test]
async fn a_store_that_is_away_is_said_to_be_and_heals() -> Result<()> {
    let mut stage = Stage::start().await?;
    let job = stage.job_on("main").await?;
    job.keep(Cache, "linux", b"one").await?;
    // A file where the folder was: nothing can be read or written there.
    let (folder, aside) = (stage.scene.blobs(), stage.scene.blobs().with_extension("aside"));
    std::fs::rename(&folder, &aside)?;
    std::fs::write(&folder, "")?;
    let (status, answer) = job.send((Cache, "linux"), &offer(b"two").sha256, "two").await?;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.contains("The store of caches and artifacts is away"), "{answer}");
    assert!(!answer.contains("blobs"), "where it is is nobody's business: {answer}");
    job.heartbeat().await?;
    std::fs::remove_file(&folder)?;
    std::fs::rename(&aside, &folder)?;
    assert!(job.keep(Cache, "linux", b"two").await?);
    let found = job.fetch(Cache, "linux").await?.context("it is there")?;
    assert_eq!(found.0, b"two");

    // One that the store has lost is sent again by the next who has it.
    std::fs::remove_dir_all(&folder)?;
    assert_eq!(job.fetch(Cache, "linux").await?, None);
    assert!(job.keep(Cache, "linux", b"two").await?, "the bytes travel again");
    assert!(job.fetch(Cache, "linux").await?.is_some());
    stage.scene.end().await
}

#[tokio::test]
async fn a_large_blob_comes_back_as_it_went() -> Result<()> {
    let mut stage = Stage::start().await?;
    let job = stage.job_on("main").await?;
    let bytes = much();
    assert!(job.keep(Cache, "linux", &bytes).await?);
    let (came, _) = job.fetch(Cache, "linux").await?.context("it is there")?;
    assert!(came == bytes, "other bytes came back");
    stage.scene.end().await
}
