//! From a push to a verdict, as a worker tells it.

use anyhow::Result;
use reqwest::StatusCode;
use serde_json::json;
use slipway_harness::Worker;
use slipway_harness::server::sha;
use slipway_harness::worker::{job, plan};

use crate::{push_main, run_state, scene_with_repo};

#[tokio::test]
async fn a_push_is_planned_run_in_stages_and_passes() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    let run = push_main(&scene, &key, "one").await?;
    let worker = Worker::register(&scene, "w1").await?;
    let planning = worker.claim("plan").await?;
    let given = &planning.assignment;
    assert_eq!(given.trigger.commit.to_string(), sha('a'));
    assert_eq!((given.repo.as_str(), given.run_number.0), ("acme/web", 1));
    assert_eq!(given.source.url, "https://git.test/acme/web.git");
    assert!(worker.finds_nothing("job").await?, "nothing is ready before the plan");
    let result =
        json!({ "result": "planned", "plan": plan(vec![job(1, 0), job(2, 0), job(3, 1)]) });
    for _ in 0..2 {
        let status = planning.report_plan(&result).await?.status();
        assert_eq!(status, StatusCode::NO_CONTENT, "saying it again is harmless");
    }
    assert_eq!(run_state(&scene, run).await?.0, "queued");
    let (first, second) = (worker.claim("job").await?, worker.claim("job").await?);
    assert_eq!(run_state(&scene, run).await?.0, "running");
    assert!(worker.finds_nothing("job").await?, "the second stage waits");

    let started = json!({ "first": 1, "events": [
        { "event": "step_started", "step": 1, "phase": "script", "title": "true\0",
          "log_from": 0, "at": "2026-01-01T00:00:00Z" },
        { "event": "image_resolved", "reference": "busybox", "digest": "sha256:1" },
    ] });
    for _ in 0..2 {
        assert_eq!(first.call("events", &started).await?.status(), StatusCode::NO_CONTENT);
    }
    let beyond = json!({ "first": 9, "events": started["events"] });
    assert_eq!(first.call("events", &beyond).await?.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    let ended = json!({ "first": 2, "events": [started["events"][1],
        { "event": "step_finished", "step": 1, "outcome": { "outcome": "exited", "code": 0 },
          "log_to": 6, "at": "2026-01-01T00:00:01Z" }] });
    assert_eq!(first.call("events", &ended).await?.status(), StatusCode::NO_CONTENT);
    assert_eq!(first.append(0, b"hello\n").await?, (StatusCode::OK, json!({ "length": 6 })));
    assert_eq!(first.heartbeat().await?, None);
    first.finish(&json!({ "outcome": "passed" }), b"hello\n").await?.error_for_status()?;
    second.pass().await?;
    worker.claim("job").await?.pass().await?;

    assert_eq!(run_state(&scene, run).await?.0, "passed");
    let shown = scene.get("/acme/web/runs/1/jobs/1").await?;
    let attempt = &shown["attempts"][0];
    assert_eq!((&shown["image_digest"], &attempt["log_flaw"]), (&json!("sha256:1"), &json!(null)));
    assert_eq!(attempt["steps"].as_array().map(Vec::len), Some(1));
    assert_eq!(attempt["steps"][0]["title"], "true\u{fffd}");
    assert_eq!(attempt["steps"][0]["outcome"]["code"], 0);
    assert!(worker.finds_nothing("plan").await? && worker.finds_nothing("job").await?);
    scene.end().await
}

#[tokio::test]
async fn a_failed_stage_ends_the_run_and_skips_what_is_behind() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    let run = push_main(&scene, &key, "one").await?;
    let worker = Worker::register(&scene, "w1").await?;
    worker.plan(&plan(vec![job(1, 0), job(2, 1)])).await?;
    let attempt = worker.claim("job").await?;
    let outcome = json!({ "outcome": "failed", "reason": "make exited with 2" });
    for _ in 0..2 {
        let status = attempt.finish(&outcome, b"").await?.status();
        assert_eq!(status, StatusCode::NO_CONTENT, "saying it again is harmless");
    }
    let other = attempt.finish(&json!({ "outcome": "passed" }), b"").await?.status();
    assert_eq!(other, StatusCode::CONFLICT, "saying something else is not");
    assert_eq!(run_state(&scene, run).await?.0, "failed");
    let jobs = scene.get("/acme/web/runs/1").await?["jobs"].clone();
    assert_eq!((&jobs[0]["state"], &jobs[1]["state"]), (&json!("failed"), &json!("skipped")));
    scene.end().await
}

#[tokio::test]
async fn plans_that_come_to_nothing_say_why() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    let worker = Worker::register(&scene, "w1").await?;
    let many = plan((1..=201).map(|number| job(number, 0)).collect());
    let mut disordered = plan(vec![job(2, 0)]);
    disordered.stages.clear();
    for (guid, result, state, part) in [
        ("bad", json!({ "result": "errored", "reason": ".ci.yml is bad" }), "errored", "is bad"),
        ("none", json!({ "result": "nothing", "reason": "no branch" }), "skipped", "no branch"),
        ("many", json!({ "result": "planned", "plan": many }), "errored", "at most 200"),
        ("empty", json!({ "result": "planned", "plan": plan(vec![]) }), "errored", "no job"),
        ("odd", json!({ "result": "planned", "plan": disordered }), "errored", "out of order"),
    ] {
        let run = push_main(&scene, &key, guid).await?;
        let planning = worker.claim("plan").await?;
        assert_eq!(planning.report_plan(&result).await?.status(), StatusCode::NO_CONTENT);
        let (is, reason) = run_state(&scene, run).await?;
        assert!(is == state && reason.contains(part), "{guid}: {is}, {reason}");
    }
    assert_eq!(scene.count("SELECT count(*) FROM jobs").await?, 0);
    let most = plan((1..=200).map(|number| job(number, 0)).collect());
    let run = push_main(&scene, &key, "most").await?;
    worker.plan(&most).await?;
    assert_eq!(run_state(&scene, run).await?.0, "queued");
    scene.end().await
}
