//! Which jobs of a run start, again, or not at all.

use anyhow::Result;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use slipway_harness::server::sha;
use slipway_harness::worker::{Attempt, job, plan, script_deploy};
use slipway_harness::{Scene, Worker};
use slipway_pipelines::ids::JobNumber;
use slipway_pipelines::plan::{JobPlan, RetryPolicy, RetryWhen};

use crate::{push_main, run_state, scene_with_repo};

async fn job_of(scene: &Scene, number: i32) -> Result<Value> {
    scene.get(&format!("/acme/web/runs/1/jobs/{number}")).await
}

async fn number(attempt: &Attempt) -> i32 {
    let slipway_pipelines::wire::Work::Job(work) = &attempt.assignment.work else {
        panic!("a job");
    };
    work.number.0
}

async fn fail(attempt: &Attempt, reason: &str) -> Result<()> {
    let outcome = json!({ "outcome": "failed", "reason": reason });
    assert_eq!(attempt.finish(&outcome, b"").await?.status(), StatusCode::NO_CONTENT);
    Ok(())
}

/// A command of the script that ends with this code.
async fn exits(attempt: &Attempt, code: i32) -> Result<()> {
    let at = "2026-01-01T00:00:00Z";
    let events = json!([
        { "event": "step_started", "step": 1, "phase": "script", "title": "make", "log_from": 0,
          "at": at },
        { "event": "step_finished", "step": 1, "outcome": { "outcome": "exited", "code": code },
          "log_to": 0, "at": at },
    ]);
    let answer = attempt.call("events", &json!({ "first": 1, "events": events })).await?;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    Ok(())
}

fn needing(number: i32, stage: i32, needs: &[i32]) -> JobPlan {
    let mut job = job(number, stage);
    job.order.needs = needs.iter().copied().map(JobNumber).collect();
    job
}

fn retried(max: u32, when: &[RetryWhen]) -> JobPlan {
    let mut job = job(1, 0);
    job.order.retry = Some(RetryPolicy { max, when: when.to_vec() });
    job
}

#[tokio::test]
async fn jobs_wait_for_what_they_need_and_are_skipped_without_it() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    push_main(&scene, &key, "one").await?;
    let worker = Worker::register(&scene, "w1").await?;
    let jobs = vec![job(1, 0), needing(2, 0, &[1]), needing(3, 0, &[2]), job(4, 0)];
    worker.plan(&plan(jobs)).await?;
    let (first, fourth) = (worker.claim("job").await?, worker.claim("job").await?);
    assert_eq!((number(&first).await, number(&fourth).await), (1, 4));
    assert!(worker.finds_nothing("job").await?, "the second waits for the first");
    first.pass().await?;
    let second = worker.claim("job").await?;
    assert_eq!(number(&second).await, 2);
    fail(&second, "`make` exited with 1.").await?;
    let third = job_of(&scene, 3).await?;
    assert_eq!(third["state"], "skipped");
    assert_eq!(third["reason"], "it needs job 2 (job 2), which failed");
    assert_eq!(run_state(&scene, 1).await?.0, "running", "the fourth still runs");
    fourth.pass().await?;
    assert_eq!(run_state(&scene, 1).await?.0, "failed");
    scene.end().await
}

#[tokio::test]
async fn a_plan_whose_needs_lead_nowhere_is_refused_or_ends() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    let worker = Worker::register(&scene, "w1").await?;
    push_main(&scene, &key, "one").await?;
    worker.plan(&plan(vec![needing(1, 0, &[7])])).await?;
    let (state, reason) = run_state(&scene, 1).await?;
    assert_eq!(state, "errored");
    assert!(reason.contains("the job 1 needs one that the plan does not have"), "{reason}");
    push_main(&scene, &key, "two").await?;
    worker.plan(&plan(vec![needing(1, 0, &[2]), needing(2, 0, &[1])])).await?;
    let (state, reason) = run_state(&scene, 2).await?;
    assert_eq!(state, "errored");
    assert!(reason.contains("the jobs that it needs wait for it as well"), "{reason}");
    scene.end().await
}

#[tokio::test]
async fn a_run_that_may_finish_fast_has_its_verdict_while_allowed_failures_go_on() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    push_main(&scene, &key, "one").await?;
    let worker = Worker::register(&scene, "w1").await?;
    let allowed = |number, stage| JobPlan { allow_failure: true, ..job(number, stage) };
    let mut fast = plan(vec![job(1, 0), allowed(2, 0), allowed(3, 1), allowed(4, 1)]);
    fast.fast_finish = true;
    worker.plan(&fast).await?;
    let (first, second) = (worker.claim("job").await?, worker.claim("job").await?);
    first.pass().await?;
    let passed = scene.get("/acme/web/runs/1").await?;
    assert_eq!(passed["state"], "passed");
    // What is left goes on, and changes nothing of it.
    let third = worker.claim("job").await?;
    assert_eq!(number(&third).await, 3);
    fail(&second, "`make` exited with 1.").await?;
    fail(&third, "`make` exited with 1.").await?;
    assert_eq!(job_of(&scene, 3).await?["state"], "failed");
    let after = scene.get("/acme/web/runs/1").await?;
    assert_eq!(
        (&after["state"], &after["finished_at"]),
        (&json!("passed"), &passed["finished_at"])
    );
    // And the rest can be stopped.
    let cancel = "/acme/web/runs/1/cancel";
    assert_eq!(scene.api(Method::POST, cancel, None).await?.status(), 202);
    assert_eq!(job_of(&scene, 4).await?["state"], "canceled");
    assert_eq!(run_state(&scene, 1).await?.0, "passed");
    assert_eq!(scene.api(Method::POST, cancel, None).await?.status(), 409);
    scene.end().await
}

#[tokio::test]
async fn a_job_that_failed_is_tried_again_as_its_file_says_and_each_attempt_is_kept() -> Result<()>
{
    let (scene, key) = scene_with_repo().await?;
    push_main(&scene, &key, "one").await?;
    let worker = Worker::register(&scene, "w1").await?;
    worker.plan(&plan(vec![retried(2, &[RetryWhen::Failed]), needing(2, 0, &[1])])).await?;
    let first = worker.claim("job").await?;
    exits(&first, 1).await?;
    assert_eq!(first.append(0, b"the first\n").await?.0, StatusCode::OK);
    let outcome = json!({ "outcome": "failed", "reason": "`make` exited with 1." });
    assert_eq!(first.finish(&outcome, b"the first\n").await?.status(), StatusCode::NO_CONTENT);
    assert_eq!(first.finish(&outcome, b"the first\n").await?.status(), 204, "said again");
    let waiting = job_of(&scene, 1).await?;
    assert_eq!((&waiting["state"], &waiting["reason"]), (&json!("queued"), &Value::Null));
    assert_eq!(waiting["retries"], 2);
    let second = worker.claim("job").await?;
    assert_eq!(second.assignment.number.0, 2);
    second.pass().await?;
    let done = job_of(&scene, 1).await?;
    assert_eq!((&done["state"], &done["attempt"]), (&json!("passed"), &json!(2)));
    let attempts = &done["attempts"];
    assert_eq!(
        (&attempts[0]["state"], &attempts[1]["state"]),
        (&json!("failed"), &json!("passed"))
    );
    assert_eq!(attempts[0]["reason"], "`make` exited with 1.");
    assert_eq!(attempts[0]["log_length"], 10, "its log stays");
    // What waits for the job waited for its last attempt.
    assert_eq!(number(&worker.claim("job").await?).await, 2);
    scene.end().await
}

#[tokio::test]
async fn the_last_attempt_decides_and_ends_that_the_file_does_not_name_are_final() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    let worker = Worker::register(&scene, "w1").await?;
    push_main(&scene, &key, "one").await?;
    worker.plan(&plan(vec![retried(1, &[RetryWhen::ExitCode(75)])])).await?;
    for attempt in 1..=2 {
        let claimed = worker.claim("job").await?;
        assert_eq!(claimed.assignment.number.0, attempt);
        exits(&claimed, 75).await?;
        fail(&claimed, "`make` exited with 75.").await?;
    }
    assert_eq!(run_state(&scene, 1).await?.0, "failed");

    push_main(&scene, &key, "two").await?;
    worker
        .plan(&plan(vec![retried(3, &[RetryWhen::ExitCode(75), RetryWhen::Infrastructure])]))
        .await?;
    let claimed = worker.claim("job").await?;
    exits(&claimed, 1).await?;
    fail(&claimed, "`make` exited with 1.").await?;
    assert_eq!(run_state(&scene, 2).await?.0, "failed", "1 is not 75");

    push_main(&scene, &key, "three").await?;
    worker.plan(&plan(vec![retried(1, &[RetryWhen::Infrastructure])])).await?;
    let claimed = worker.claim("job").await?;
    let errored = json!({ "outcome": "errored", "reason": "The registry does not answer." });
    assert_eq!(claimed.finish(&errored, b"").await?.status(), StatusCode::NO_CONTENT);
    worker.claim("job").await?.pass().await?;
    assert_eq!(run_state(&scene, 3).await?.0, "passed");
    scene.end().await
}

#[tokio::test]
async fn a_time_limit_counts_anew_for_an_attempt_that_the_file_asks_for() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    push_main(&scene, &key, "one").await?;
    let worker = Worker::register(&scene, "w1").await?;
    worker.plan(&plan(vec![retried(1, &[RetryWhen::Failed])])).await?;
    let started = |attempt: &Attempt| match &attempt.assignment.work {
        slipway_pipelines::wire::Work::Job(work) => work.started_at,
        other => panic!("a job, not {other:?}"),
    };
    let first = worker.claim("job").await?;
    fail(&first, "no").await?;
    let second = worker.claim("job").await?;
    assert!(started(&second) > started(&first));
    scene.end().await
}

#[tokio::test]
async fn an_attempt_that_began_a_deploy_or_was_canceled_is_not_tried_again() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    let worker = Worker::register(&scene, "w1").await?;
    push_main(&scene, &key, "one").await?;
    let mut deploying = retried(3, &[RetryWhen::Infrastructure, RetryWhen::Failed]);
    deploying.deploys = vec![script_deploy()];
    worker.plan(&plan(vec![deploying])).await?;
    let claimed = worker.claim("job").await?;
    let version = json!({ "commit": sha('a'), "digest": null, "image": null, "label": null });
    let granted = claimed.call("deploys/0", &json!({ "version": version })).await?;
    let granted: Value = granted.error_for_status()?.json().await?;
    assert_eq!(granted["grant"], "granted");
    let errored = json!({ "outcome": "errored", "reason": "deploy: it broke." });
    assert_eq!(claimed.finish(&errored, b"").await?.status(), StatusCode::NO_CONTENT);
    assert_eq!(run_state(&scene, 1).await?.0, "errored", "never blindly again");

    let other = Worker::register(&scene, "w2").await?;
    push_main(&scene, &key, "two").await?;
    other.plan(&plan(vec![retried(3, &[RetryWhen::Failed])])).await?;
    // The look after the deployment of the first run is in the same lane.
    let claimed = loop {
        let claimed = other.claim("job").await?;
        if claimed.assignment.run_number.0 == 2 {
            break claimed;
        }
    };
    scene.api(Method::POST, "/acme/web/runs/2/cancel", None).await?.error_for_status()?;
    fail(&claimed, "it failed before it heard of that").await?;
    assert_eq!(run_state(&scene, 2).await?.0, "canceled");
    scene.end().await
}
