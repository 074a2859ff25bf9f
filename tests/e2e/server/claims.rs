//! Who gets which work, and who may write about it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::Result;
use futures::future::{join_all, try_join};
use reqwest::{Method, StatusCode};
use serde_json::json;
use slipway_harness::Worker;
use slipway_harness::worker::{job, plan};

use crate::{push_main, run_state, scene_with_repo, unsee_workers, until_seen};

#[tokio::test]
async fn two_claimers_never_get_the_same_job() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    let run = push_main(&scene, &key, "one").await?;
    let worker = Worker::register(&scene, "w1").await?;
    worker.plan(&plan((1..=40).map(|number| job(number, 0)).collect())).await?;
    let claimers = (0..8).map(|number| {
        let scene = &scene;
        async move {
            let worker = Worker::register(scene, &format!("claimer {number}")).await?;
            let mut attempts = BTreeSet::new();
            for _ in 0..5 {
                let attempt = worker.claim("job").await?;
                assert_eq!(attempt.assignment.number.0, 1);
                attempts.insert(attempt.assignment.attempt);
                attempt.pass().await?;
            }
            anyhow::Ok(attempts)
        }
    });
    let mut all = BTreeSet::new();
    for attempts in join_all(claimers).await {
        all.extend(attempts?);
    }
    assert_eq!(all.len(), 40);
    assert_eq!(scene.count("SELECT count(*) FROM attempts WHERE job_id IS NOT NULL").await?, 40);
    assert_eq!(run_state(&scene, run).await?.0, "passed");
    scene.end().await
}

#[tokio::test]
async fn a_waiting_worker_hears_of_work_at_once_and_planning_waits_behind_no_job() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    let worker = Worker::register(&scene, "w1").await?;
    unsee_workers(&scene).await?;
    let waiting = async {
        let attempt = worker.claim("plan").await?;
        Ok((attempt, Instant::now()))
    };
    let pushing = async {
        until_seen(&scene).await;
        let pushed = Instant::now();
        push_main(&scene, &key, "one").await.map(|_| pushed)
    };
    let ((attempt, claimed), pushed) = try_join(waiting, pushing).await?;
    let took = claimed.duration_since(pushed);
    // Looking again without being told takes two seconds.
    assert!(took < Duration::from_millis(1500), "it took {took:?}");
    let result = json!({ "result": "planned", "plan": plan(vec![job(1, 0), job(2, 0)]) });
    attempt.report_plan(&result).await?.error_for_status()?;
    // Jobs are queued and nobody takes them: a new push is planned all the same.
    push_main(&scene, &key, "two").await?;
    let second = worker.claim("plan").await?;
    assert_eq!(second.assignment.run_number.0, 2);
    scene.end().await
}

#[tokio::test]
async fn a_new_process_of_a_worker_loses_what_the_old_one_held_and_fences_it_off() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    push_main(&scene, &key, "one").await?;
    let old = Worker::register(&scene, "w1").await?;
    old.plan(&plan(vec![job(1, 0), job(2, 0)])).await?;
    let (stale, other) = (old.claim("job").await?, old.claim("job").await?);
    other.pass().await?;
    let new = Worker::again(&scene, "w1", old.id).await?;
    let again = new.claim("job").await?;
    assert_eq!(again.assignment.number.0, 2, "lost at once, not when its lease ends");
    let refused = old.ask("job").await.expect_err("the old process may not claim");
    assert!(refused.to_string().contains("401"), "{refused}");

    // Every call of the stale attempt, and none of them changes anything.
    let none = json!({});
    for (what, body) in [
        ("heartbeat", &none),
        ("events", &json!({ "first": 1, "events": [] })),
        (
            "plan",
            &json!({ "result": { "result": "nothing", "reason": "x" }, "diagnostics": [],
                          "message": null, "author": null }),
        ),
        (
            "deploys/0",
            &json!({ "version": { "commit": "a".repeat(40), "digest": null,
                                            "image": null } }),
        ),
        (
            "finish",
            &json!({ "outcome": { "outcome": "passed" }, "log_length": 0,
                            "log_sha256": "" }),
        ),
    ] {
        let answer = stale.call(what, body).await?;
        assert_eq!(answer.status(), StatusCode::CONFLICT, "{what}");
    }
    assert_eq!(stale.append(0, b"late").await?.0, StatusCode::CONFLICT);
    // And an attempt's token is good for no other attempt.
    let path = format!("/api/worker/v1/attempts/{}/heartbeat", again.assignment.attempt);
    let request = scene.request(Method::POST, &path).json(&none);
    let answer = request.bearer_auth(stale.assignment.token.expose()).send().await?;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);

    again.pass().await?;
    assert_eq!(run_state(&scene, 1).await?.0, "passed");
    let attempts = scene.get("/acme/web/runs/1/jobs/1").await?["attempts"].clone();
    assert_eq!((&attempts[0]["state"], &attempts[1]["state"]), (&json!("lost"), &json!("passed")));
    assert_eq!(attempts[0]["log_length"], 0);
    scene.end().await
}

#[tokio::test]
async fn work_that_can_not_be_handed_out_ends_and_does_not_block_the_queue() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    push_main(&scene, &key, "one").await?;
    push_main(&scene, &key, "two").await?;
    let worker = Worker::register(&scene, "w1").await?;
    worker.plan(&plan(vec![job(1, 0)])).await?;
    worker.plan(&plan(vec![job(1, 0)])).await?;
    let broken =
        "UPDATE jobs SET plan = '{}' WHERE run_id = (SELECT id FROM runs WHERE number = 1)";
    sqlx::query(broken).execute(&scene.database.pool).await?;
    let attempt = worker.claim("job").await?;
    assert_eq!(attempt.assignment.run_number.0, 2);
    let (state, reason) = run_state(&scene, 1).await?;
    assert_eq!(state, "errored");
    assert!(reason.contains("could not hand it to a worker"), "{reason}");
    scene.end().await
}
