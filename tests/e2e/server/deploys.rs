//! Deployments: one at a time, in order, and only what was verified is live.

use anyhow::Result;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use slipway_harness::server::{push, sha};
use slipway_harness::worker::{Attempt, job, plan, script_deploy};
use slipway_harness::{Scene, Worker};
use slipway_pipelines::plan::{DeployOn, DeployPlan, Plan, TagFilter};
use slipway_pipelines::wire::{DeployAction, Work};

use crate::{push_main, run_state, scene_with_repo};

pub(crate) fn deploying(on: DeployOn) -> Plan {
    let mut job = job(1, 0);
    job.deploys = vec![DeployPlan { on, ..script_deploy() }];
    plan(vec![job])
}

pub(crate) fn version(digit: char) -> Value {
    json!({ "commit": sha(digit), "digest": format!("sha256:{digit}"), "image": null,
            "label": null })
}

/// A run whose one job deploys, up to where it would ask.
pub(crate) async fn job_that_deploys(
    scene: &Scene,
    key: &str,
    worker: &Worker,
    guid: &str,
) -> Result<Attempt> {
    push_main(scene, key, guid).await?;
    worker.plan(&deploying(DeployOn::default())).await?;
    worker.claim("job").await
}

pub(crate) async fn ask(attempt: &Attempt, version: &Value) -> Result<Value> {
    let answer = attempt.call("deploys/0", &json!({ "version": version })).await?;
    Ok(answer.error_for_status()?.json().await?)
}

pub(crate) async fn tell(
    attempt: &Attempt,
    first: u64,
    deployment: &Value,
    progress: Value,
) -> Result<StatusCode> {
    let event = json!({ "event": "deployment", "deployment": deployment, "progress": progress,
                        "at": "2026-01-01T00:00:00Z" });
    Ok(attempt.call("events", &json!({ "first": first, "events": [event] })).await?.status())
}

pub(crate) async fn environment(scene: &Scene) -> Result<Value> {
    scene.get("/acme/web/environments/production").await
}

#[tokio::test]
async fn deployments_wait_in_order_and_only_a_verified_version_is_live() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    let worker = Worker::register(&scene, "w1").await?;
    let first = job_that_deploys(&scene, &key, &worker, "1").await?;
    let second = job_that_deploys(&scene, &key, &worker, "2").await?;
    let third = job_that_deploys(&scene, &key, &worker, "3").await?;
    let granted = ask(&first, &version('a')).await?;
    assert_eq!((&granted["grant"], &granted["previous"]), (&json!("granted"), &Value::Null));
    let one = &granted["deployment"];
    assert_eq!(&ask(&first, &version('a')).await?["deployment"], one, "asked again");
    let waits = ask(&second, &version('b')).await?;
    assert_eq!(waits["reason"], "the deployment of run 1 to production is approved", "{waits}");
    assert_eq!(ask(&third, &version('c')).await?["grant"], "wait");

    let hop = json!({ "progress": "hop", "name": "built", "detail": "in 2 s" });
    assert_eq!(tell(&first, 1, one, hop).await?, StatusCode::NO_CONTENT);
    let applied = json!({ "progress": "applied", "version": version('a'), "url": null });
    tell(&first, 2, one, applied).await?;
    let shown = scene.get(&format!("/acme/web/deployments/{}", one.as_str().unwrap_or(""))).await?;
    assert_eq!(
        (&shown["state"], &shown["hops"][0]["name"]),
        (&json!("verifying"), &json!("built"))
    );
    assert_eq!(environment(&scene).await?["live"], Value::Null, "not before it was verified");
    assert_eq!(
        tell(&second, 1, one, json!({ "progress": "hop", "name": "x", "detail": "" })).await?,
        StatusCode::NOT_FOUND,
        "another attempt's deployment"
    );
    let live = json!({ "progress": "live", "version": version('a'), "url": "http://prod.test" });
    assert_eq!(tell(&first, 3, one, live).await?, StatusCode::NO_CONTENT);
    assert_eq!(environment(&scene).await?["live"], version('a'));
    assert_eq!(environment(&scene).await?["url"], "http://prod.test");
    assert_eq!(ask(&first, &version('a')).await?["reason"], "it is live already");
    first.pass().await?;

    assert_eq!(ask(&third, &version('c')).await?["grant"], "wait", "the second asked before");
    let granted = ask(&second, &version('b')).await?;
    assert_eq!((&granted["grant"], &granted["previous"]), (&json!("granted"), &version('a')));
    let two = &granted["deployment"];
    let back = json!({ "progress": "rolled_back", "reason": "/health answered 500",
                       "serving": version('a'),
                       "evidence": [{ "source": "GET /health", "text": "500 oh\0" }] });
    assert_eq!(tell(&second, 1, two, back).await?, StatusCode::NO_CONTENT);
    let outcome = json!({ "outcome": "failed", "reason": "/health answered 500" });
    second.finish(&outcome, b"").await?.error_for_status()?;
    assert_eq!(environment(&scene).await?["live"], version('a'), "the one before still serves");
    let shown = scene.get(&format!("/acme/web/deployments/{}", two.as_str().unwrap_or(""))).await?;
    assert_eq!(
        (&shown["state"], &shown["reason"]),
        (&json!("rolled_back"), &json!("/health answered 500"))
    );
    assert_eq!(shown["evidence"][0]["text"], "500 oh\u{fffd}");

    let granted = ask(&third, &version('c')).await?;
    assert_eq!((&granted["grant"], &granted["previous"]), (&json!("granted"), &version('a')));
    let audited = "SELECT count(*) FROM audit WHERE action = 'deploy.grant'";
    assert_eq!(scene.count(audited).await?, 3);
    let missing = third.call("deploys/1", &json!({ "version": version('c') })).await?;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND, "the job has no such deploy");
    scene.end().await
}

#[tokio::test]
async fn a_deploy_is_withheld_by_the_servers_own_facts() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    let worker = Worker::register(&scene, "w1").await?;
    let branches =
        |name: &str| DeployOn { branches: Some(vec![name.to_owned()]), ..DeployOn::default() };
    let tags = |filter| DeployOn { tags: Some(filter), ..DeployOn::default() };
    let elsewhere = DeployOn { repo: "other/web".parse().ok(), ..DeployOn::default() };
    let mut travis = deploying(DeployOn::default());
    travis.file = ".travis.yml".to_owned();
    for (number, (git_ref, plan, part)) in (1..).zip([
        ("refs/heads/main", deploying(branches("release")), Some("deploys only release")),
        ("refs/heads/main", deploying(tags(TagFilter::OnlyTags)), Some("only tags")),
        ("refs/tags/v1", deploying(tags(TagFilter::NoTags)), Some("does not deploy tags")),
        ("refs/heads/main", deploying(elsewhere), Some("only from other/web")),
        ("refs/heads/main", travis.clone(), Some("write a .ci.yml")),
        ("refs/heads/main", deploying(branches("main")), None),
    ]) {
        let payload = push(git_ref, '0', 'a');
        scene.post_hook("acme/web", &key, &format!("push {number}"), &payload).await?;
        worker.plan(&plan).await?;
        let attempt = worker.claim("job").await?;
        let answer = ask(&attempt, &version('a')).await?;
        match part {
            None => assert_eq!(answer["grant"], "granted", "{answer}"),
            Some(part) => {
                assert_eq!(answer["grant"], "withheld");
                assert!(answer["reason"].to_string().contains(part), "{answer}");
            }
        }
    }
    // A maintainer knows that Travis does not deploy any more.
    let on = json!({ "travis_deploys": true });
    scene.api(Method::PATCH, "/acme/web", Some(on)).await?.error_for_status()?;
    push_main(&scene, &key, "switched on").await?;
    worker.plan(&travis).await?;
    let attempt = worker.claim("job").await?;
    assert_eq!(ask(&attempt, &version('a')).await?["grant"], "wait", "run 6 has its turn");
    let attempt = job_that_deploys(&scene, &key, &worker, "canceled").await?;
    scene.api(Method::POST, "/acme/web/runs/8/cancel", None).await?.error_for_status()?;
    assert_eq!(ask(&attempt, &version('a')).await?["reason"], "canceled by operator");
    let attempt = job_that_deploys(&scene, &key, &worker, "disabled").await?;
    let off = json!({ "enabled": false });
    scene.api(Method::PATCH, "/acme/web", Some(off)).await?.error_for_status()?;
    assert_eq!(ask(&attempt, &version('a')).await?["reason"], "the repo acme/web is disabled");
    scene.end().await
}

#[tokio::test]
async fn a_deployment_whose_worker_was_lost_is_looked_at_and_never_tried_blindly() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    for (number, settled) in (1..).zip(["live", "rolled_back", "failed"]) {
        let worker = Worker::register(&scene, "w1").await?;
        let attempt = job_that_deploys(&scene, &key, &worker, settled).await?;
        let id = ask(&attempt, &version('b')).await?["deployment"].clone();
        let path = format!("/acme/web/deployments/{}", id.as_str().unwrap_or(""));
        let worker = Worker::again(&scene, "w1", worker.id).await?;
        assert_eq!(scene.get(&path).await?["state"], "unknown");
        let (state, reason) = run_state(&scene, number).await?;
        assert_eq!(state, "errored");
        assert!(reason.contains("never tried blindly"), "{reason}");

        let looking = worker.claim("job").await?;
        let Work::Deploy(work) = &looking.assignment.work else { panic!("a verify") };
        assert_eq!(work.action, DeployAction::Verify);
        assert_eq!(json!(work.known.version), version('b'));
        let progress = match settled {
            "live" => json!({ "progress": "live", "version": version('b'), "url": null }),
            "rolled_back" => json!({ "progress": "rolled_back", "reason": "the old one serves",
                                     "serving": version('b'), "evidence": [] }),
            // It can not find out: nobody may call that live.
            _ => json!({ "progress": "hop", "name": "asked", "detail": "no answer" }),
        };
        assert_eq!(tell(&looking, 1, &id, progress).await?, StatusCode::NO_CONTENT);
        looking.pass().await?;
        assert_eq!(scene.get(&path).await?["state"], settled);
        assert_eq!(environment(&scene).await?["live"], version('b'), "what was verified first");
    }
    scene.end().await
}

#[tokio::test]
async fn a_job_that_ends_leaves_no_deployment_open() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    let worker = Worker::register(&scene, "w1").await?;
    let first = job_that_deploys(&scene, &key, &worker, "1").await?;
    let second = job_that_deploys(&scene, &key, &worker, "2").await?;
    let one = ask(&first, &version('a')).await?["deployment"].clone();
    assert_eq!(ask(&second, &version('b')).await?["grant"], "wait");
    // The one that waits has not begun: it is over with its job.
    second.pass().await?;
    let all = environment(&scene).await?["deployments"].clone();
    assert_eq!((&all[0]["run"], &all[0]["state"]), (&json!(2), &json!("failed")));
    // The one that was let in may have begun: that is looked at.
    first.pass().await?;
    let path = format!("/acme/web/deployments/{}", one.as_str().unwrap_or(""));
    assert_eq!(scene.get(&path).await?["state"], "unknown");
    let third = job_that_deploys(&scene, &key, &worker, "3").await;
    assert!(third.is_ok_and(|claimed| matches!(claimed.assignment.work, Work::Deploy(_))));
    scene.end().await
}
