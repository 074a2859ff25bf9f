//! Workers that fall silent.

use std::time::Duration;

use anyhow::Result;
use chrono::{DateTime, Utc};
use serde_json::json;
use slipway_harness::worker::{job, plan};
use slipway_harness::{Scene, Worker, eventually};

use crate::{push_main, run_state};

const LEASE: Duration = Duration::from_secs(2);
/// A lease, the tick after it, and a slow machine.
const LIMIT: Duration = Duration::from_secs(20);

async fn scene() -> Result<(Scene, String)> {
    let scene = Scene::with(|config| config.lease = LEASE).await?;
    let key = scene.add_repo("acme/web", "git", "https://git.test/acme/web.git").await?;
    Ok((scene, key))
}

#[tokio::test]
async fn a_silent_workers_job_is_tried_again_and_given_up_after_three_times() -> Result<()> {
    let (scene, key) = scene().await?;
    let run = push_main(&scene, &key, "one").await?;
    let worker = Worker::register(&scene, "w1").await?;
    worker.plan(&plan(vec![job(1, 0)])).await?;
    let mut first_start = None;
    for number in 1..=3 {
        let attempt = worker.claim("job").await?;
        assert_eq!(attempt.assignment.number.0, number);
        let slipway_pipelines::wire::Work::Job(work) = &attempt.assignment.work else {
            panic!("a job");
        };
        let start = *first_start.get_or_insert(work.started_at);
        assert_eq!(work.started_at, start, "time limits count from the first start");
        eventually("the attempt is lost", LIMIT, || async {
            let shown = scene.get("/acme/web/runs/1/jobs/1").await?;
            let attempts = shown["attempts"].as_array().cloned().unwrap_or_default();
            Ok(attempts.last().filter(|last| last["state"] == "lost").map(drop))
        })
        .await;
        assert!(attempt.heartbeat().await.is_err(), "and fenced off");
    }
    let (state, reason) = run_state(&scene, run).await?;
    assert_eq!(state, "errored");
    let sentence = "the job was lost 3 times; the last time worker w1 fell silent";
    assert!(reason.contains(sentence), "{reason}");
    scene.end().await
}

#[tokio::test]
async fn a_silent_workers_planning_is_tried_again() -> Result<()> {
    let (scene, key) = scene().await?;
    let run = push_main(&scene, &key, "one").await?;
    let worker = Worker::register(&scene, "w1").await?;
    worker.claim("plan").await?;
    let again = worker.claim("plan").await?;
    assert_eq!(again.assignment.number.0, 2);
    let nothing = json!({ "result": "nothing", "reason": "no job" });
    again.report_plan(&nothing).await?.error_for_status()?;
    assert_eq!(run_state(&scene, run).await?.0, "skipped");
    scene.end().await
}

#[tokio::test]
async fn a_heartbeat_keeps_an_attempt_and_a_canceled_job_is_not_tried_again() -> Result<()> {
    let (scene, key) = scene().await?;
    let run = push_main(&scene, &key, "one").await?;
    let worker = Worker::register(&scene, "w1").await?;
    worker.plan(&plan(vec![job(1, 0)])).await?;
    let attempt = worker.claim("job").await?;
    let lease = async || -> Result<DateTime<Utc>> {
        let until = "SELECT lease_until FROM assignments WHERE state = 'leased'";
        Ok(sqlx::query_scalar(until).fetch_one(&scene.database.pool).await?)
    };
    let first = lease().await?;
    eventually("the lease lasts three times as long", LIMIT, || async {
        attempt.heartbeat().await?;
        Ok((lease().await? > first + LEASE * 2).then_some(()))
    })
    .await;
    scene.api(reqwest::Method::POST, "/acme/web/runs/1/cancel", None).await?.error_for_status()?;
    // Its worker never says that it stopped.
    eventually("the run is canceled", LIMIT, || async {
        Ok((run_state(&scene, run).await?.0 == "canceled").then_some(()))
    })
    .await;
    assert!(worker.finds_nothing("job").await?);
    scene.end().await
}
