//! Who sees which secrets, and that it is written down.

use anyhow::Result;
use reqwest::{Method, StatusCode};
use serde_json::json;
use slipway_harness::server::ADMIN;
use slipway_harness::worker::{Attempt, job, plan};
use slipway_harness::{Scene, Worker};
use slipway_pipelines::names::SecretName;
use slipway_pipelines::plan::SecretScope;
use slipway_pipelines::wire::Work;
use slipway_server::MasterKey;

use crate::{push_main, run_state, scene_with_repo};

async fn set(scene: &Scene, repo: &str, name: &str, value: &str) -> Result<()> {
    let request = scene.request(Method::PUT, &format!("/api/v1/{repo}/secrets/{name}"));
    let answer = request.bearer_auth(ADMIN).body(value.to_owned()).send().await?;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    Ok(())
}

fn named(names: &[&str]) -> SecretScope {
    let names = names.iter().map(|name| name.parse::<SecretName>().expect("a name")).collect();
    SecretScope::Named { names }
}

fn seen(attempt: &Attempt) -> Vec<(String, String)> {
    let Work::Job(work) = &attempt.assignment.work else { panic!("a job") };
    let pair = |secret: &slipway_pipelines::wire::Secret| {
        (secret.name.to_string(), secret.value.expose().to_owned())
    };
    work.secrets.iter().map(pair).collect()
}

#[tokio::test]
async fn a_job_sees_what_it_names_of_its_own_repo_and_that_is_written_down() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    scene.add_repo("acme/other", "git", "https://git.test/acme/other.git").await?;
    set(&scene, "acme/web", "TOKEN", "one").await?;
    set(&scene, "acme/web", "TOKEN", "two").await?;
    set(&scene, "acme/web", "UNUSED", "three").await?;
    set(&scene, "acme/other", "TOKEN", "stranger").await?;
    push_main(&scene, &key, "one").await?;
    let worker = Worker::register(&scene, "w1").await?;
    let mut jobs = vec![job(1, 0), job(2, 0), job(3, 0)];
    jobs[0].secrets = named(&["TOKEN", "MISSING"]);
    jobs[1].secrets = named(&[]);
    jobs[2].secrets = SecretScope::All;
    worker.plan(&plan(jobs)).await?;
    let text = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(seen(&worker.claim("job").await?), [text("TOKEN", "two")]);
    assert_eq!(seen(&worker.claim("job").await?), []);
    assert_eq!(seen(&worker.claim("job").await?), [text("TOKEN", "two"), text("UNUSED", "three")]);
    let query =
        "SELECT j.number, g.name FROM secret_grants g JOIN attempts a ON a.id = g.attempt_id
                 JOIN jobs j ON j.id = a.job_id ORDER BY 1, 2";
    let granted: Vec<(i32, String)> = sqlx::query_as(query).fetch_all(&scene.database.pool).await?;
    let expected = [(1, "TOKEN"), (3, "TOKEN"), (3, "UNUSED")];
    assert_eq!(granted, expected.map(|(job, name)| (job, name.to_owned())));
    let plain = "SELECT count(*) FROM secrets WHERE position('three'::bytea in sealed) > 0";
    assert_eq!(scene.count(plain).await?, 0, "sealed at rest");
    let audited = "SELECT count(*) FROM audit WHERE action = 'secret.set'";
    assert_eq!(scene.count(audited).await?, 4);
    assert_eq!(scene.get("/acme/web/secrets").await?, json!(["TOKEN", "UNUSED"]));
    scene.end().await
}

#[tokio::test]
async fn a_secret_of_another_master_key_errors_its_job_with_a_sentence() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    set(&scene, "acme/web", "TOKEN", "one").await?;
    let run = push_main(&scene, &key, "one").await?;
    let mut first = job(1, 0);
    first.secrets = SecretScope::All;
    Worker::register(&scene, "w1").await?.plan(&plan(vec![first, job(2, 0)])).await?;
    let scene = scene.restart(|config| config.master_key = MasterKey::new([1; 32])).await?;
    let worker = Worker::register(&scene, "w2").await?;
    let second = worker.claim("job").await?;
    assert_eq!(seen(&second), [], "the one that needs none goes on");
    second.pass().await?;
    let (state, reason) = run_state(&scene, run).await?;
    let sentence = "secret TOKEN does not open with the master key of this server: set it again";
    assert!(state == "errored" && reason.contains(sentence), "{state}: {reason}");
    scene.end().await
}

#[tokio::test]
async fn s9_which_secrets_a_commit_saw_is_asked_by_its_id() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    scene.add_repo("acme/other", "git", "https://git.test/acme/other.git").await?;
    set(&scene, "acme/web", "OLD", "one").await?;
    set(&scene, "acme/web", "TOKEN", "two").await?;
    set(&scene, "acme/web", "UNUSED", "three").await?;
    push_main(&scene, &key, "one").await?;
    let worker = Worker::register(&scene, "w1").await?;
    let mut jobs = vec![job(1, 0), job(2, 0)];
    jobs[0].secrets = named(&["OLD", "TOKEN"]);
    jobs[1].secrets = named(&[]);
    worker.plan(&plan(jobs)).await?;
    worker.claim("job").await?.pass().await?;
    worker.claim("job").await?.pass().await?;
    set(&scene, "acme/web", "OLD", "another").await?;

    let pushed = scene.get("/acme/web/runs/1").await?["commit"].clone();
    let pushed = pushed.as_str().expect("a commit");
    let answer = scene.get(&format!("/acme/web/commits/{pushed}/secrets")).await?;
    assert_eq!(answer["more"], json!(false));
    let told: Vec<_> = answer["seen"].as_array().into_iter().flatten().collect();
    let of = |seen: &serde_json::Value| {
        let [name, current, run, job, attempt, worker] =
            ["name", "current", "run", "job", "attempt", "worker"].map(|key| seen[key].clone());
        json!([name, current, run, job, attempt, worker])
    };
    let expected = [json!(["OLD", false, 1, 1, 1, "w1"]), json!(["TOKEN", true, 1, 1, 1, "w1"])];
    assert_eq!(told.iter().map(|seen| of(seen)).collect::<Vec<_>>(), expected, "{answer}");
    assert!(!answer.to_string().contains("two"), "the value is not told");

    let none = json!({ "seen": [], "more": false });
    let elsewhere = format!("/acme/other/commits/{pushed}/secrets");
    assert_eq!(scene.get(&elsewhere).await?, none, "of another repo");
    let unknown = format!("/acme/web/commits/{}/secrets", "e".repeat(40));
    assert_eq!(scene.get(&unknown).await?, none);
    for bad in ["main", "abc1234", "ABC"] {
        let path = format!("/acme/web/commits/{bad}/secrets");
        let status = scene.api(Method::GET, &path, None).await?.status();
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
    }
    scene.end().await
}
