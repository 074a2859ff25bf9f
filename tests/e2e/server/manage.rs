//! Repos and runs, managed through the API.

use anyhow::Result;
use reqwest::{Method, StatusCode};
use serde_json::json;
use slipway_harness::server::{config, push};
use slipway_harness::worker::{job, plan};
use slipway_harness::{Database, Worker};

use crate::{push_main, run_state, scene_with_repo};

#[tokio::test]
async fn a_disabled_repo_starts_nothing_until_it_is_enabled() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    let change = async |body| scene.api(Method::PATCH, "/acme/web", Some(body)).await;
    let answer = change(json!({ "enabled": false, "default_branch": "trunk" })).await?;
    let repo: serde_json::Value = answer.error_for_status()?.json().await?;
    assert_eq!((&repo["enabled"], &repo["default_branch"]), (&json!(false), &json!("trunk")));
    let payload = push("refs/heads/main", '0', 'a');
    let (_, answer) = scene.post_hook("acme/web", &key, "one", &payload).await?;
    assert_eq!(answer["reason"], "the repo is disabled");
    change(json!({ "enabled": true })).await?.error_for_status()?;
    push_main(&scene, &key, "two").await?;
    for wrong in [json!({}), json!({ "name": "x/y" }), json!({ "default_branch": "-x" })] {
        assert_eq!(
            change(wrong.clone()).await?.status(),
            StatusCode::UNPROCESSABLE_ENTITY,
            "{wrong}"
        );
    }
    let audited = "SELECT count(*) FROM audit WHERE action IN ('repo.enable', 'repo.disable')";
    assert_eq!(scene.count(audited).await?, 2);
    scene.end().await
}

#[tokio::test]
async fn a_repo_is_removed_with_all_it_had_and_its_worker_is_fenced_off() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    push_main(&scene, &key, "one").await?;
    let worker = Worker::register(&scene, "w1").await?;
    worker.plan(&plan(vec![job(1, 0), job(2, 0)])).await?;
    let attempt = worker.claim("job").await?;
    attempt.append(0, b"hello\n").await?;
    scene.api(Method::POST, "/acme/web/runs/1/cancel", None).await?.error_for_status()?;
    attempt.pass().await?;
    scene.api(Method::POST, "/acme/web/runs/1/restart", None).await?.error_for_status()?;
    worker.plan(&plan(vec![job(1, 0)])).await?;
    let attempt = worker.claim("job").await?;
    let removed = scene.api(Method::DELETE, "/acme/web", None).await?;
    assert_eq!(removed.status(), StatusCode::NO_CONTENT);
    assert_eq!(attempt.append(0, b"x").await?.0, StatusCode::CONFLICT);
    assert_eq!(scene.api(Method::GET, "/acme/web", None).await?.status(), StatusCode::NOT_FOUND);
    let payload = push("refs/heads/main", '0', 'a');
    let (status, _) = scene.post_hook("acme/web", &key, "one", &payload).await?;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    for table in [
        "SELECT count(*) FROM runs",
        "SELECT count(*) FROM deliveries",
        "SELECT count(*) FROM assignments",
        "SELECT count(*) FROM log_chunks",
        "SELECT count(*) FROM ref_heads",
    ] {
        assert_eq!(scene.count(table).await?, 0, "{table}");
    }
    assert!(scene.count("SELECT count(*) FROM audit WHERE target = 'acme/web'").await? >= 3);
    scene.add_repo("acme/web", "git", "https://git.test/acme/web.git").await?;
    scene.end().await
}

#[tokio::test]
async fn a_name_is_taken_in_any_case_and_some_are_addresses() -> Result<()> {
    let (scene, _) = scene_with_repo().await?;
    for (name, status) in [
        ("Acme/Web", StatusCode::CONFLICT),
        ("api/v1", StatusCode::UNPROCESSABLE_ENTITY),
        ("login/x", StatusCode::UNPROCESSABLE_ENTITY),
        ("a/../b", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let new = json!({ "name": name, "kind": "git", "clone_url": "/srv/x.git",
                          "default_branch": "main" });
        assert_eq!(scene.api(Method::POST, "/repos", Some(new)).await?.status(), status, "{name}");
    }
    scene.end().await
}

#[tokio::test]
async fn a_run_is_restarted_as_a_new_run_of_the_same_commit() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    let restart = async |run: &str| {
        scene.api(Method::POST, &format!("/acme/web/runs/{run}/restart"), None).await
    };
    let old = push_main(&scene, &key, "one").await?;
    let early = restart("1").await?;
    assert_eq!(early.status(), StatusCode::CONFLICT, "it still goes on");
    let worker = Worker::register(&scene, "w1").await?;
    worker.plan(&plan(vec![job(1, 0)])).await?;
    let failed = json!({ "outcome": "failed", "reason": "make exited with 2" });
    worker.claim("job").await?.finish(&failed, b"").await?.error_for_status()?;

    let answer = restart("1").await?;
    assert_eq!(answer.status(), StatusCode::CREATED);
    let made: serde_json::Value = answer.json().await?;
    assert_eq!(
        (&made["run"], &made["url"]),
        (&json!(2), &json!("http://slipway.test/acme/web/runs/2"))
    );
    let planning = worker.plan(&plan(vec![job(1, 0)])).await?;
    assert_eq!(planning.assignment.trigger.actor.name(), "ada", "the trigger is the same");
    worker.claim("job").await?.pass().await?;
    assert_eq!(run_state(&scene, 2).await?.0, "passed");
    assert_eq!(run_state(&scene, old).await?.0, "failed", "terminal is final");
    let run = scene.get("/acme/web/runs/2").await?;
    assert_eq!((&run["rerun_of"], &run["actor"]), (&json!(1), &json!("operator")));
    assert_eq!(run["commit"], scene.get("/acme/web/runs/1").await?["commit"]);
    assert_eq!(restart("9").await?.status(), StatusCode::NOT_FOUND);
    scene.api(Method::PATCH, "/acme/web", Some(json!({ "enabled": false }))).await?;
    assert_eq!(restart("2").await?.status(), StatusCode::CONFLICT, "the repo is disabled");
    scene.end().await
}

#[tokio::test]
async fn data_of_a_newer_version_is_refused_in_one_sentence() -> Result<()> {
    let database = Database::create().await?;
    let server = slipway_server::start(config(database.url())).await?;
    server.db.pool().close().await;
    let newer =
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (29990101000000, 'from the future', true, '', 0)";
    sqlx::query(newer).execute(&database.pool).await?;
    let refused = slipway_server::start(config(database.url())).await.expect_err("refused");
    assert_eq!(
        format!("{refused:#}"),
        "the data was written by a newer Slipway (schema 29990101000000): start that version or a \
         newer one"
    );
    database.remove().await
}
