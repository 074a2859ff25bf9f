//! An earlier version comes back, or goes on to the next environment.

use anyhow::Result;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use slipway_harness::worker::Attempt;
use slipway_harness::{Scene, Worker};
use slipway_pipelines::plan::DeployOn;
use slipway_pipelines::wire::{DeployAction, Work};

use crate::deploys::{ask, deploying, environment, tell, version};
use crate::deploys_asked::{job_with_container, rule};
use crate::{push_main, scene_with_repo};

/// A run that is live at its end.
async fn live(scene: &Scene, key: &str, worker: &Worker, digit: char) -> Result<()> {
    let attempt = job_with_container(scene, key, worker, &digit.to_string()).await?;
    let id = ask(&attempt, &version(digit)).await?["deployment"].clone();
    let rendered = json!({ "progress": "rendered", "manifests": format!("kind: {digit}") });
    tell(&attempt, 1, &id, rendered).await?;
    let live = json!({ "progress": "live", "version": version(digit), "url": null });
    assert_eq!(tell(&attempt, 2, &id, live).await?, StatusCode::NO_CONTENT);
    attempt.pass().await
}

async fn roll_back(scene: &Scene, asked: Value) -> Result<(StatusCode, Value)> {
    let path = "/acme/web/environments/production/rollback";
    let answer = scene.api(Method::POST, path, Some(asked)).await?;
    Ok((answer.status(), answer.json().await?))
}

/// The rollback that a worker is handed.
async fn handed(worker: &Worker, digit: char) -> Result<Attempt> {
    let attempt = worker.claim("job").await?;
    let Work::Deploy(work) = &attempt.assignment.work else { panic!("a deploy") };
    let DeployAction::Rollback { to, rendered } = &work.action else { panic!("a rollback") };
    assert_eq!(json!(to), version(digit));
    assert_eq!(rendered.as_deref(), Some(format!("kind: {digit}").as_str()));
    Ok(attempt)
}

#[tokio::test]
async fn a_rollback_is_a_deployment_of_the_last_verified_version() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    let worker = Worker::register(&scene, "w1").await?;
    assert_eq!(roll_back(&scene, json!({})).await?.0, StatusCode::NOT_FOUND);
    live(&scene, &key, &worker, 'a').await?;
    let (status, problem) = roll_back(&scene, json!({})).await?;
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");
    live(&scene, &key, &worker, 'b').await?;
    live(&scene, &key, &worker, 'c').await?;

    // A rule for deploys of runs does not hold up who wants the old version back.
    rule(&scene, "production", json!({ "approval": true })).await?;
    let (status, asked) = roll_back(&scene, json!({})).await?;
    assert_eq!(status, StatusCode::ACCEPTED);
    let id = asked["deployment"].clone();
    let going = handed(&worker, 'b').await?;
    let done = json!({ "progress": "live", "version": version('b'), "url": null });
    tell(&going, 1, &id, done).await?;
    going.pass().await?;
    let whole = environment(&scene).await?;
    assert_eq!(whole["live"], version('b'));
    let newest = &whole["deployments"][0];
    assert_eq!(newest["why"], "rollback to run 2 (bbbbbbb)");
    assert_eq!((&newest["actor"], &newest["previous"]), (&json!("operator"), &version('c')));

    // One that is named, and one that never was.
    let (status, _) = roll_back(&scene, json!({ "to_run": 9 })).await?;
    assert_eq!(status, StatusCode::CONFLICT);
    let (_, asked) = roll_back(&scene, json!({ "to_run": 1 })).await?;
    let going = handed(&worker, 'a').await?;
    let failed = json!({ "progress": "failed", "reason": "no such image", "evidence": [] });
    tell(&going, 1, &asked["deployment"], failed).await?;
    going.pass().await?;
    assert_eq!(environment(&scene).await?["live"], version('b'));
    // What failed may have left the target half changed: what is live is made so again.
    roll_back(&scene, json!({})).await?;
    handed(&worker, 'b').await?;
    scene.end().await
}

#[tokio::test]
async fn a_deployment_whose_own_worker_was_lost_is_looked_at_and_not_applied_again() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    let worker = Worker::register(&scene, "w1").await?;
    live(&scene, &key, &worker, 'a').await?;
    live(&scene, &key, &worker, 'b').await?;
    let id = roll_back(&scene, json!({})).await?.1["deployment"].clone();
    let _lost = handed(&worker, 'a').await?;
    let worker = Worker::again(&scene, "w1", worker.id).await?;
    let path = format!("/acme/web/deployments/{}", id.as_str().unwrap_or(""));
    assert_eq!(scene.get(&path).await?["state"], "unknown");
    let looking = worker.claim("job").await?;
    let Work::Deploy(work) = &looking.assignment.work else { panic!("a deploy") };
    assert_eq!(work.action, DeployAction::Verify);
    assert_eq!(json!(work.known.previous), version('b'));
    let done = json!({ "progress": "live", "version": version('a'), "url": null });
    tell(&looking, 1, &id, done).await?;
    looking.pass().await?;
    assert_eq!(scene.get(&path).await?["state"], "live");
    assert_eq!(scene.count("SELECT count(*) FROM assignments WHERE kind = 'deploy'").await?, 1);
    scene.end().await
}

#[tokio::test]
async fn what_a_worker_did_not_begin_has_failed_with_its_sentence() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    let worker = Worker::register(&scene, "w1").await?;
    live(&scene, &key, &worker, 'a').await?;
    live(&scene, &key, &worker, 'b').await?;
    let id = roll_back(&scene, json!({})).await?.1["deployment"].clone();
    let going = handed(&worker, 'a').await?;
    let outcome = json!({ "outcome": "errored", "reason": "This worker has no engine." });
    going.finish(&outcome, b"").await?.error_for_status()?;
    let path = format!("/acme/web/deployments/{}", id.as_str().unwrap_or(""));
    let shown = scene.get(&path).await?;
    assert_eq!(
        (&shown["state"], &shown["reason"]),
        (&json!("failed"), &json!("This worker has no engine"))
    );
    scene.end().await
}

#[tokio::test]
async fn only_what_was_verified_in_one_environment_is_promoted_to_the_next() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    let worker = Worker::register(&scene, "w1").await?;
    let mut plan = deploying(DeployOn::default());
    let mut next = plan.jobs[0].deploys[0].clone();
    plan.jobs[0].deploys[0].environment = "staging".parse().ok();
    next.promote = "staging".parse().ok();
    plan.jobs[0].deploys.push(next);
    push_main(&scene, &key, "1").await?;
    worker.plan(&plan).await?;
    let attempt = worker.claim("job").await?;
    let promote = async || -> Result<Value> {
        let answer = attempt.call("deploys/1", &json!({ "version": version('f') })).await?;
        Ok(answer.error_for_status()?.json().await?)
    };
    let early = promote().await?;
    assert_eq!(early["grant"], "withheld");
    assert!(early["reason"].to_string().contains("never live and verified in staging"), "{early}");
    // The commit of the push, as the job built it.
    let built = json!({ "commit": slipway_harness::server::sha('a'), "digest": "sha256:built",
                        "image": "registry.test/web@sha256:built", "label": null });
    let id = ask(&attempt, &built).await?["deployment"].clone();
    assert_eq!(promote().await?["grant"], "withheld", "it is not verified yet");
    let live = json!({ "progress": "live", "version": built, "url": null });
    tell(&attempt, 1, &id, live).await?;
    let granted = promote().await?;
    assert_eq!((&granted["grant"], &granted["promoted"]), (&json!("granted"), &built));
    let all = environment(&scene).await?["deployments"].clone();
    assert_eq!(all[0]["version"], built, "not what the job asked with");
    scene.end().await
}
