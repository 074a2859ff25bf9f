//! Runs that somebody asks for, without a push.

use anyhow::Result;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use slipway_harness::worker::{job, plan};
use slipway_harness::{Repository, Scene, Worker};
use tempfile::TempDir;

use crate::run_state;

/// A repo with a repository of its own, and the folder that holds that.
async fn scene() -> Result<(Scene, Repository, TempDir)> {
    let dir = tempfile::tempdir()?;
    let repository = Repository::create(dir.path())?;
    let scene = Scene::start().await?;
    scene.add_repo("acme/web", "git", &repository.path.display().to_string()).await?;
    Ok((scene, repository, dir))
}

async fn ask(scene: &Scene, body: Value) -> Result<(StatusCode, Value)> {
    let answer = scene.api(Method::POST, "/acme/web/runs", Some(body)).await?;
    Ok((answer.status(), answer.json().await?))
}

#[tokio::test]
async fn a_run_of_a_branchs_head_is_asked_for() -> Result<()> {
    let (scene, repository, _dir) = scene().await?;
    let main = repository.commit("main", &[("a", "1")])?;
    let topic = repository.commit("topic", &[("a", "2")])?;

    let (status, started) = ask(&scene, json!({})).await?;
    assert_eq!(status, StatusCode::CREATED);
    let url = "http://slipway.test/acme/web/runs/1";
    assert_eq!((&started["run"], &started["url"]), (&json!(1), &json!(url)));
    let run = scene.get("/acme/web/runs/1").await?;
    assert_eq!((&run["commit"], &run["branch"]), (&json!(main), &json!("main")));
    assert_eq!((&run["event"], &run["actor"]), (&json!("api"), &json!("operator")));

    let message = "Build it again [skip ci]";
    let (status, _) = ask(&scene, json!({ "branch": "topic", "message": message })).await?;
    assert_eq!(status, StatusCode::CREATED);
    let run = scene.get("/acme/web/runs/2").await?;
    assert_eq!((&run["commit"], &run["subject"]), (&json!(topic), &json!(message)));

    // Whoever asks for a run wants it, whatever the message says.
    let worker = Worker::register(&scene, "w1").await?;
    for _ in 0..2 {
        worker.plan(&plan(vec![job(1, 0)])).await?;
        worker.claim("job").await?.pass().await?;
    }
    assert_eq!(run_state(&scene, 2).await?.0, "passed");
    let audited = "SELECT count(*) FROM audit WHERE action = 'run.trigger' AND actor = 'operator'";
    assert_eq!(scene.count(audited).await?, 2);
    scene.end().await
}

#[tokio::test]
async fn what_can_not_be_run_is_refused_in_a_sentence() -> Result<()> {
    let (scene, repository, _dir) = scene().await?;
    repository.commit("main", &[("a", "1")])?;
    scene.add_repo("acme/away", "git", "https://git.test/acme/away.git").await?;
    for (body, expected, words) in [
        (json!({ "branch": "nope" }), StatusCode::NOT_FOUND, "has no branch \"nope\""),
        (json!({ "branch": "" }), StatusCode::UNPROCESSABLE_ENTITY, "a name of at most"),
        (json!({ "branch": "a\nb" }), StatusCode::UNPROCESSABLE_ENTITY, "control characters"),
        (json!({ "message": "x".repeat(5000) }), StatusCode::UNPROCESSABLE_ENTITY, "at most 4096"),
        (json!({ "key": "" }), StatusCode::UNPROCESSABLE_ENTITY, "A key has"),
        (json!({ "sha": "x" }), StatusCode::UNPROCESSABLE_ENTITY, "unknown field"),
    ] {
        let (status, problem) = ask(&scene, body.clone()).await?;
        assert_eq!(status, expected, "{body}");
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(words), "{body}: {detail}");
    }
    let away = scene.api(Method::POST, "/acme/away/runs", Some(json!({}))).await?;
    assert_eq!(away.status(), StatusCode::CONFLICT, "nobody here can ask that repository");
    scene.api(Method::PATCH, "/acme/web", Some(json!({ "enabled": false }))).await?;
    assert_eq!(ask(&scene, json!({})).await?.0, StatusCode::CONFLICT, "the repo is disabled");
    assert_eq!(scene.count("SELECT count(*) FROM runs").await?, 0);
    scene.end().await
}

#[tokio::test]
async fn the_same_key_is_the_same_run_and_an_hour_has_room_for_sixty() -> Result<()> {
    let (scene, repository, _dir) = scene().await?;
    repository.commit("main", &[("a", "1")])?;
    let keyed = json!({ "key": "nightly 2026-11-24" });
    let asked = (0..4).map(|_| ask(&scene, keyed.clone()));
    let mut new = 0;
    for answer in futures::future::join_all(asked).await {
        let (status, started) = answer?;
        assert_eq!(started["run"], 1);
        new += usize::from(status == StatusCode::CREATED);
    }
    assert_eq!(new, 1, "of four who ask at once one starts it");

    let earlier = "INSERT INTO runs (id, repo_id, number, trigger, branch, commit_sha, subject,
                                     actor, event, state, created_at)
         SELECT gen_random_uuid(), repo_id, 100 + n, trigger, branch, commit_sha, subject, actor,
                event, state, now() - make_interval(mins => n)
         FROM runs, generate_series(1, 59) n WHERE number = 1";
    sqlx::query(earlier).execute(&scene.database.pool).await?;
    let (status, problem) = ask(&scene, json!({})).await?;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    let detail = problem["detail"].as_str().unwrap_or_default();
    assert!(detail.starts_with("60 runs of acme/web were asked for"), "{detail}");
    assert_eq!(ask(&scene, keyed).await?.0, StatusCode::OK, "a known key starts nothing");

    let later = "UPDATE runs SET created_at = now() - interval '61 minutes' WHERE number = 159";
    sqlx::query(later).execute(&scene.database.pool).await?;
    assert_eq!(ask(&scene, json!({})).await?.0, StatusCode::CREATED);
    scene.end().await
}

#[tokio::test]
async fn runs_are_listed_by_what_they_are() -> Result<()> {
    let (scene, repository, _dir) = scene().await?;
    repository.commit("main", &[("a", "1")])?;
    repository.commit("topic", &[("a", "2")])?;
    ask(&scene, json!({})).await?;
    ask(&scene, json!({ "branch": "topic" })).await?;
    scene.api(Method::POST, "/acme/web/runs/2/cancel", None).await?.error_for_status()?;
    let into_main = "UPDATE runs SET event = 'pull_request', pull_request = 7, branch = 'main',
         actor = 'grace', trigger = jsonb_set(trigger, '{event}',
             '{\"kind\": \"pull_request\", \"number\": 7, \"title\": \"Paint it\",
               \"base\": \"main\", \"head_branch\": \"paint\", \"head_repo\": \"fork/web\",
               \"fork\": true, \"draft\": false}'::jsonb
             || jsonb_build_object('head', commit_sha)) WHERE number = 2";
    sqlx::query(into_main).execute(&scene.database.pool).await?;
    for (query, numbers) in [
        ("", vec![2, 1]),
        ("?branch=main", vec![1]),
        ("?branch=main&event=pull_request", vec![2]),
        ("?event=api", vec![1]),
        ("?state=canceled", vec![2]),
        ("?actor=grace", vec![2]),
        ("?before=2", vec![1]),
        ("?state=passed", vec![]),
    ] {
        let listed = scene.get(&format!("/acme/web/runs{query}")).await?;
        let listed: Vec<_> = listed.as_array().into_iter().flatten().collect();
        let got: Vec<_> = listed.iter().filter_map(|run| run["number"].as_i64()).collect();
        assert_eq!(got, numbers, "{query}");
    }
    let pull = scene.get("/acme/web/runs/2").await?["pull_request"].clone();
    assert_eq!((&pull["number"], &pull["fork"]), (&json!(7), &json!(true)));
    scene.end().await
}
