//! Somebody stops a run, or a job, in each of their states.

use anyhow::Result;
use reqwest::{Method, StatusCode};
use serde_json::json;
use slipway_harness::worker::{job, plan};
use slipway_harness::{Scene, Worker};

use crate::{push_main, run_state, scene_with_repo};

const BY: &str = "canceled by operator";

async fn cancel(scene: &Scene, what: &str) -> Result<StatusCode> {
    let path = format!("/acme/web/runs/{what}/cancel");
    Ok(scene.api(Method::POST, &path, None).await?.status())
}

async fn job_states(scene: &Scene, run: i64) -> Result<Vec<String>> {
    let shown = scene.get(&format!("/acme/web/runs/{run}")).await?;
    let jobs = shown["jobs"].as_array().cloned().unwrap_or_default();
    Ok(jobs.iter().map(|job| job["state"].as_str().unwrap_or_default().to_owned()).collect())
}

#[tokio::test]
async fn a_run_that_nobody_planned_yet_is_over_at_once() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    let run = push_main(&scene, &key, "one").await?;
    assert_eq!(cancel(&scene, "1").await?, StatusCode::ACCEPTED);
    assert_eq!(run_state(&scene, run).await?, ("canceled".to_owned(), BY.to_owned()));
    assert_eq!(cancel(&scene, "1").await?, StatusCode::CONFLICT, "it is over");
    assert_eq!(cancel(&scene, "2").await?, StatusCode::NOT_FOUND);
    let worker = Worker::register(&scene, "w1").await?;
    assert!(worker.finds_nothing("plan").await?);
    scene.end().await
}

#[tokio::test]
async fn a_run_being_planned_is_over_and_its_plan_comes_too_late() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    let run = push_main(&scene, &key, "one").await?;
    let worker = Worker::register(&scene, "w1").await?;
    let planning = worker.claim("plan").await?;
    cancel(&scene, "1").await?;
    assert_eq!(planning.heartbeat().await?.as_deref(), Some(BY));
    let result = json!({ "result": "planned", "plan": plan(vec![job(1, 0)]) });
    assert_eq!(planning.report_plan(&result).await?.status(), StatusCode::NO_CONTENT);
    assert_eq!(run_state(&scene, run).await?.0, "canceled");
    assert!(job_states(&scene, run).await?.is_empty());
    scene.end().await
}

#[tokio::test]
async fn a_run_whose_jobs_wait_is_over_at_once() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    let run = push_main(&scene, &key, "one").await?;
    let worker = Worker::register(&scene, "w1").await?;
    worker.plan(&plan(vec![job(1, 0), job(2, 1)])).await?;
    cancel(&scene, "1").await?;
    assert_eq!(run_state(&scene, run).await?, ("canceled".to_owned(), BY.to_owned()));
    assert_eq!(job_states(&scene, run).await?, ["canceled", "canceled"]);
    assert!(worker.finds_nothing("job").await?);
    scene.end().await
}

#[tokio::test]
async fn a_running_job_hears_of_it_by_its_heartbeat_and_ends_the_run() -> Result<()> {
    for outcome in [json!({ "outcome": "canceled", "reason": BY }), json!({ "outcome": "passed" })]
    {
        let (scene, key) = scene_with_repo().await?;
        let run = push_main(&scene, &key, "one").await?;
        let worker = Worker::register(&scene, "w1").await?;
        worker.plan(&plan(vec![job(1, 0), job(2, 0), job(3, 1)])).await?;
        let attempt = worker.claim("job").await?;
        assert_eq!(cancel(&scene, "1").await?, StatusCode::ACCEPTED);
        assert_eq!(cancel(&scene, "1").await?, StatusCode::ACCEPTED, "again, while it ends");
        assert_eq!(job_states(&scene, run).await?, ["running", "canceled", "canceled"]);
        assert_eq!(run_state(&scene, run).await?.0, "running", "it has not ended yet");
        assert_eq!(attempt.heartbeat().await?.as_deref(), Some(BY));
        attempt.finish(&outcome, b"").await?.error_for_status()?;
        assert_eq!(run_state(&scene, run).await?, ("canceled".to_owned(), BY.to_owned()));
        scene.end().await?;
    }
    Ok(())
}

#[tokio::test]
async fn one_job_can_be_stopped_alone() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    let run = push_main(&scene, &key, "one").await?;
    let worker = Worker::register(&scene, "w1").await?;
    let mut optional = job(2, 0);
    optional.allow_failure = true;
    worker.plan(&plan(vec![job(1, 0), optional.clone(), job(3, 1)])).await?;
    let attempt = worker.claim("job").await?;
    assert_eq!(cancel(&scene, "1/jobs/2").await?, StatusCode::ACCEPTED);
    assert_eq!(cancel(&scene, "1/jobs/2").await?, StatusCode::CONFLICT, "it is over");
    assert_eq!(cancel(&scene, "1/jobs/9").await?, StatusCode::NOT_FOUND);
    assert_eq!(attempt.heartbeat().await?, None, "the other goes on");
    attempt.pass().await?;
    worker.claim("job").await?.pass().await?;
    assert_eq!(run_state(&scene, run).await?.0, "passed", "it was allowed to fail");
    assert_eq!(job_states(&scene, run).await?, ["passed", "canceled", "passed"]);

    // A required one, in its worker's hands.
    push_main(&scene, &key, "two").await?;
    worker.plan(&plan(vec![job(1, 0), optional])).await?;
    let attempt = worker.claim("job").await?;
    assert_eq!(cancel(&scene, "2/jobs/1").await?, StatusCode::ACCEPTED);
    assert_eq!(attempt.heartbeat().await?.as_deref(), Some(BY));
    let outcome = json!({ "outcome": "canceled", "reason": BY });
    attempt.finish(&outcome, b"").await?.error_for_status()?;
    assert_eq!(run_state(&scene, 2).await?.0, "running", "its neighbour still may run");
    worker.claim("job").await?.pass().await?;
    let expected = ("canceled".to_owned(), format!("job 1 (job 1): {BY}"));
    assert_eq!(run_state(&scene, 2).await?, expected);
    scene.end().await
}
