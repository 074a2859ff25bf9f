//! Which worker gets which job: processors, labels, memory; and workers that are about to stop.

use std::time::{Duration, Instant};

use anyhow::Result;
use futures::future::try_join;
use serde_json::{Value, json};
use slipway_harness::worker::{Attempt, job, plan};
use slipway_harness::{Scene, Worker};
use slipway_pipelines::plan::{Arch, JobPlan, Plan};
use uuid::Uuid;

use crate::{push_main, run_state, scene_with_repo};

const GIB: u64 = 1 << 30;

async fn worker(scene: &Scene, name: &str, besides: &Value) -> Result<Worker> {
    Worker::with(scene, name, Uuid::now_v7(), besides).await
}

fn on(number: i32, arch: Arch) -> JobPlan {
    let mut job = job(number, 0);
    job.machine.arch = Some(arch);
    job
}

fn wanting(number: i32, memory: u64) -> JobPlan {
    let mut job = job(number, 0);
    job.machine.resources.memory = Some(memory);
    job
}

fn number(attempt: &Attempt) -> i32 {
    match &attempt.assignment.work {
        slipway_pipelines::wire::Work::Job(work) => work.number.0,
        other => panic!("a job, not {other:?}"),
    }
}

async fn page(scene: &Scene, path: &str) -> Result<String> {
    let request = scene.request(reqwest::Method::GET, path);
    let answer = request.bearer_auth(slipway_harness::server::ADMIN).send().await?;
    Ok(answer.error_for_status()?.text().await?)
}

#[tokio::test]
async fn a_job_goes_to_a_worker_with_its_processors() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    push_main(&scene, &key, "one").await?;
    let labels = json!({ "labels": ["os=linux", "arch=amd64", "gpu"] });
    let amd = worker(&scene, "amd", &labels).await?;
    amd.plan(&plan(vec![on(1, Arch::Arm64), on(2, Arch::Amd64), job(3, 0)])).await?;
    assert_eq!((number(&amd.claim("job").await?), number(&amd.claim("job").await?)), (2, 3));
    assert!(amd.finds_nothing("job").await?, "the first is for other processors");
    let why = page(&scene, "/acme/web/runs/1/jobs/1").await?;
    assert!(why.contains("waits: no worker with arch=arm64 is connected"), "{why}");
    let queue = page(&scene, "/workers").await?;
    assert!(queue.contains("no worker with arch=arm64 is connected"), "{queue}");
    assert!(queue.contains("gpu") && queue.contains("arch=amd64"), "{queue}");
    let arm = worker(&scene, "arm", &json!({ "labels": ["os=linux", "arch=arm64"] })).await?;
    assert_eq!(number(&arm.claim("job").await?), 1);
    scene.end().await
}

#[tokio::test]
async fn a_worker_that_is_older_than_labels_takes_what_all_took_then() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    push_main(&scene, &key, "one").await?;
    let older = worker(&scene, "older", &json!({})).await?;
    older.plan(&plan(vec![on(1, Arch::Amd64), job(2, 0)])).await?;
    assert_eq!((number(&older.claim("job").await?), number(&older.claim("job").await?)), (1, 2));
    scene.end().await
}

#[tokio::test]
async fn a_travis_file_leaves_out_what_no_worker_can_run() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    let amd = worker(&scene, "amd", &json!({ "labels": ["os=linux", "arch=amd64"] })).await?;
    let travis = |jobs| Plan { file: ".travis.yml".to_owned(), ..plan(jobs) };
    push_main(&scene, &key, "one").await?;
    amd.plan(&travis(vec![on(1, Arch::Arm64), job(2, 0)])).await?;
    amd.claim("job").await?.pass().await?;
    let run = scene.get("/acme/web/runs/1").await?;
    assert_eq!((&run["state"], run["jobs"].as_array().map(Vec::len)), (&json!("passed"), Some(1)));
    assert_eq!(run["dropped"][0]["name"], "job job 1");
    assert_eq!(run["dropped"][0]["reason"], "no worker has `arch=arm64`.");
    push_main(&scene, &key, "two").await?;
    amd.plan(&travis(vec![on(1, Arch::Arm64)])).await?;
    let (state, reason) = run_state(&scene, 2).await?;
    assert_eq!(state, "skipped");
    assert!(reason.contains("for other processors"), "{reason}");
    scene.end().await
}

#[tokio::test]
async fn memory_is_given_out_to_what_fits_and_a_large_job_is_not_passed_for_ever() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    let half = json!({ "slots": 4, "memory_bytes": 4 * GIB, "labels": ["os=linux"] });
    let worker = worker(&scene, "w1", &half).await?;
    push_main(&scene, &key, "one").await?;
    worker.plan(&plan(vec![wanting(1, 3 * GIB), wanting(2, 2 * GIB), job(3, 0)])).await?;
    assert_eq!(number(&worker.claim("job").await?), 1);
    // The second does not fit beside it; the third counts an equal share, one GiB.
    let third = worker.ask_with_room("job", Some(GIB)).await?.expect("it fits");
    assert_eq!(number(&third), 3);
    assert!(worker.ask_with_room("job", Some(0)).await?.is_none());
    let why = page(&scene, "/acme/web/runs/1/jobs/2").await?;
    assert!(why.contains("it counts 2 GiB, which other jobs have now"), "{why}");
    let queue = page(&scene, "/workers").await?;
    assert!(queue.contains("4 GiB of 4 GiB of memory given out"), "{queue}");

    // Once it has waited long enough, nothing passes it, whoever comes.
    push_main(&scene, &key, "two").await?;
    worker.plan(&plan(vec![job(1, 0)])).await?;
    let long_ago = "UPDATE assignments SET available_at = now() - interval '2 minutes'
                    WHERE state = 'queued' AND memory_mib > 0";
    sqlx::query(long_ago).execute(&scene.database.pool).await?;
    third.pass().await?;
    assert!(worker.ask_with_room("job", Some(GIB)).await?.is_none(), "it is kept for the second");
    let second = worker.ask_with_room("job", Some(4 * GIB)).await?.expect("now there is room");
    assert_eq!((second.assignment.run_number.0, number(&second)), (1, 2));
    let small = worker.ask_with_room("job", Some(2 * GIB)).await?.expect("and then for others");
    assert_eq!(small.assignment.run_number.0, 2);
    scene.end().await
}

#[tokio::test]
async fn a_job_that_is_larger_than_every_worker_says_so_and_holds_nobody_up() -> Result<()> {
    let scene = Scene::with(|config| config.limits.memory_bytes = 64 * GIB).await?;
    let key = scene.add_repo("acme/web", "git", "https://git.test/acme/web.git").await?;
    let memory = json!({ "memory_bytes": 4 * GIB, "labels": ["os=linux"] });
    let small = worker(&scene, "small", &memory).await?;
    push_main(&scene, &key, "one").await?;
    small.plan(&plan(vec![wanting(1, 48 * GIB), job(2, 0)])).await?;
    let long_ago = "UPDATE assignments SET available_at = now() - interval '2 minutes'
                    WHERE memory_mib > 0";
    sqlx::query(long_ago).execute(&scene.database.pool).await?;
    assert_eq!(number(&small.claim("job").await?), 2);
    let why = page(&scene, "/acme/web/runs/1/jobs/1").await?;
    let sentence = "it asks for 48 GiB of memory, and the largest worker has 4 GiB";
    assert!(why.contains(sentence), "{why}");
    scene.end().await
}

#[tokio::test]
async fn a_worker_that_drains_is_answered_at_once_and_gets_nothing_more() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    let worker = Worker::register(&scene, "w1").await?;
    let asking = async {
        let answer = worker.ask("job").await?;
        anyhow::Ok((answer.is_none(), Instant::now()))
    };
    let draining = async {
        crate::unsee_workers(&scene).await?;
        crate::until_seen(&scene).await;
        let told = Instant::now();
        worker.drain().await.map(|()| told)
    };
    let ((nothing, answered), told) = try_join(asking, draining).await?;
    assert!(nothing, "there was no work");
    // A claim that hears nothing waits for twenty seconds.
    assert!(answered.saturating_duration_since(told) < Duration::from_secs(8));
    push_main(&scene, &key, "one").await?;
    assert!(worker.ask("plan").await?.is_none());
    assert_eq!(scene.get("/workers").await?[0]["draining"], true);
    assert!(page(&scene, "/workers").await?.contains("draining"));
    let again = Worker::again(&scene, "w1", worker.id).await?;
    assert!(again.ask("plan").await?.is_some(), "its next process takes work");
    assert!(worker.drain().await.is_err(), "and the one before has no say");
    scene.end().await
}

#[tokio::test]
async fn an_attempt_that_is_given_back_is_at_once_another_workers() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    push_main(&scene, &key, "one").await?;
    let first = Worker::register(&scene, "w1").await?;
    first.plan(&plan(vec![job(1, 0)])).await?;
    let stopped = first.claim("job").await?;
    stopped.call("give-back", &json!({})).await?.error_for_status()?;
    assert_eq!(stopped.call("give-back", &json!({})).await?.status(), 409);
    let second = Worker::register(&scene, "w2").await?;
    second.claim("job").await?.pass().await?;
    let attempts = scene.get("/acme/web/runs/1/jobs/1").await?["attempts"].clone();
    assert_eq!((&attempts[0]["state"], &attempts[1]["state"]), (&json!("lost"), &json!("passed")));
    assert_eq!(attempts[0]["reason"], "worker w1 stopped before it ended");
    scene.end().await
}
