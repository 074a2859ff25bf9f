//! Logs: every acknowledged byte is there, once, and what is missing is seen.

use anyhow::Result;
use reqwest::StatusCode;
use serde_json::{Value, json};
use slipway_harness::worker::{Attempt, job, plan};
use slipway_harness::{Scene, Worker};

use crate::{push_main, scene_with_repo};

async fn running() -> Result<(Scene, Attempt)> {
    let (scene, key) = scene_with_repo().await?;
    push_main(&scene, &key, "one").await?;
    let worker = Worker::register(&scene, "w1").await?;
    worker.plan(&plan(vec![job(1, 0)])).await?;
    let attempt = worker.claim("job").await?;
    Ok((scene, attempt))
}

async fn stored(scene: &Scene) -> Result<Vec<u8>> {
    let mut log = Vec::new();
    loop {
        let path = format!("/acme/web/runs/1/jobs/1/log?offset={}", log.len());
        let answer = scene.api(reqwest::Method::GET, &path, None).await?.error_for_status()?;
        let bytes = answer.bytes().await?;
        if bytes.is_empty() {
            return Ok(log);
        }
        log.extend_from_slice(&bytes);
    }
}

async fn flaw(scene: &Scene) -> Result<Value> {
    Ok(scene.get("/acme/web/runs/1/jobs/1").await?["attempts"][0]["log_flaw"].clone())
}

#[tokio::test]
async fn appends_are_idempotent_overlap_and_show_gaps() -> Result<()> {
    let (scene, attempt) = running().await?;
    let at = |length: usize| json!({ "length": length });
    // What came, with what follows, at every kind of place; bytes that are no text, too.
    let log = b"one\n\0\xff\xfe\x1b[31mtwo\n".repeat(3);
    assert_eq!(attempt.append(0, &log[..10]).await?, (StatusCode::OK, at(10)));
    assert_eq!(attempt.append(0, &log[..10]).await?, (StatusCode::OK, at(10)), "again");
    assert_eq!(attempt.append(2, &log[2..5]).await?, (StatusCode::OK, at(10)), "inside");
    assert_eq!(attempt.append(5, &log[5..20]).await?, (StatusCode::OK, at(20)), "overlapping");
    assert_eq!(attempt.append(20, b"").await?, (StatusCode::OK, at(20)), "nothing");
    assert_eq!(
        attempt.append(21, &log[21..]).await?,
        (StatusCode::RANGE_NOT_SATISFIABLE, at(20)),
        "a gap"
    );
    let early = attempt.finish(&json!({ "outcome": "passed" }), &log).await?;
    assert_eq!(early.status(), StatusCode::RANGE_NOT_SATISFIABLE, "the end is missing");
    assert_eq!(early.json::<Value>().await?, at(20));
    attempt.append(20, &log[20..]).await?;
    attempt.finish(&json!({ "outcome": "passed" }), &log).await?.error_for_status()?;
    assert_eq!(stored(&scene).await?, log);
    assert_eq!(flaw(&scene).await?, Value::Null);
    scene.end().await
}

#[tokio::test]
async fn many_at_once_append_each_byte_once() -> Result<()> {
    let (scene, attempt) = running().await?;
    let log: Vec<u8> = (0..600_000_u32).map(|n| (n % 251) as u8).collect();
    let cuts = [0, 100_000, 100_001, 300_000, 599_999, 600_000];
    let pieces = cuts.windows(2).flat_map(|pair| [(pair[0], pair[1]); 3]);
    let sends = pieces.map(|(from, to)| {
        let (attempt, log) = (&attempt, &log);
        async move {
            loop {
                let (status, _) = attempt.append(from, &log[from..to]).await?;
                if status == StatusCode::OK {
                    return anyhow::Ok(());
                }
                assert_eq!(status, StatusCode::RANGE_NOT_SATISFIABLE);
            }
        }
    });
    for sent in futures::future::join_all(sends).await {
        sent?;
    }
    attempt.finish(&json!({ "outcome": "passed" }), &log).await?.error_for_status()?;
    assert_eq!(stored(&scene).await?, log);
    assert_eq!(flaw(&scene).await?, Value::Null);
    scene.end().await
}

#[tokio::test]
async fn a_log_that_is_not_what_the_worker_wrote_is_told_on_the_attempt() -> Result<()> {
    let (scene, attempt) = running().await?;
    attempt.append(0, b"hello\n").await?;
    attempt.finish(&json!({ "outcome": "passed" }), b"jello\n").await?.error_for_status()?;
    let flaw = flaw(&scene).await?;
    assert!(flaw.as_str().is_some_and(|flaw| flaw.contains("SHA-256")), "{flaw}");
    // The verdict is the job's, not the log's.
    assert_eq!(scene.get("/acme/web/runs/1").await?["state"], "passed");
    scene.end().await
}

#[tokio::test]
async fn a_log_with_a_hole_or_too_long_is_told_on_the_attempt() -> Result<()> {
    let (scene, attempt) = running().await?;
    attempt.append(0, b"one\n").await?;
    attempt.append(4, b"two\n").await?;
    let hole = "DELETE FROM log_chunks WHERE start = 4";
    sqlx::query(hole).execute(&scene.database.pool).await?;
    attempt.finish(&json!({ "outcome": "passed" }), b"one\ntwo\n").await?.error_for_status()?;
    assert_eq!(flaw(&scene).await?, "the stored log has a gap at byte 4");
    scene.end().await?;

    let (scene, attempt) = running().await?;
    attempt.append(0, b"one\ntwo\n").await?;
    attempt.finish(&json!({ "outcome": "passed" }), b"one\n").await?.error_for_status()?;
    assert_eq!(flaw(&scene).await?, "8 bytes of log are stored and the worker wrote 4");
    scene.end().await
}

#[tokio::test]
async fn the_operators_limit_holds_on_the_server_too() -> Result<()> {
    let (scene, attempt) = running().await?;
    // 1 MiB is the limit here, and a worker has 1 MiB more to say that it was reached.
    let log = vec![b'x'; 2 << 20];
    assert_eq!(attempt.append(0, &log).await?.0, StatusCode::OK);
    let (status, answer) = attempt.append(log.len(), b"y").await?;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer["detail"], "a job's log has at most 2097152 bytes here");
    assert_eq!(attempt.append(0, &log[..5]).await?.0, StatusCode::OK, "what is there is there");
    scene.end().await
}
