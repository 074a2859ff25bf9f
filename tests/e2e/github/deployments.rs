//! GitHub Deployments: what serves where, told as it is and no better.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use slipway_harness::github::Trouble;
use slipway_harness::worker::{Attempt, job, plan, script_deploy};
use slipway_harness::{Scene, eventually};
use slipway_pipelines::plan::Plan;

use crate::{SOON, Stage};

fn deploying() -> Plan {
    let mut job = job(1, 0);
    job.deploys = vec![script_deploy()];
    plan(vec![job])
}

fn version(commit: &str) -> Value {
    json!({ "commit": commit, "digest": null, "image": null, "label": null })
}

/// A pushed commit whose job has asked to deploy it: the attempt and the deployment's id.
async fn granted(stage: &Stage, commit: &str) -> Result<(Attempt, Value)> {
    stage.plan(&deploying(), None).await?;
    let attempt = stage.worker.claim("job").await?;
    let asked = attempt.call("deploys/0", &json!({ "version": version(commit) })).await?;
    let answer: Value = asked.error_for_status()?.json().await?;
    assert_eq!(answer["grant"], "granted", "{answer}");
    Ok((attempt, answer["deployment"].clone()))
}

async fn tell(attempt: &Attempt, first: u64, deployment: &Value, progress: Value) -> Result<()> {
    let event = json!({ "event": "deployment", "deployment": deployment, "progress": progress,
                        "at": "2026-01-01T00:00:00Z" });
    let told = attempt.call("events", &json!({ "first": first, "events": [event] })).await?;
    told.error_for_status()?;
    Ok(())
}

/// Waits until GitHub's deployment of this commit is in this state; answers it and the status.
async fn until_state(stage: &Stage, commit: &str, state: &str) -> (Value, Value) {
    eventually(&format!("{commit} is shown as {state}"), SOON, || async {
        let all = stage.repo.deployments();
        let of = all.into_iter().filter(|(one, _)| one["sha"] == commit).collect::<Vec<_>>();
        assert!(of.len() < 2, "one deployment is one there: {of:?}");
        let last = of.into_iter().next().and_then(|(one, told)| Some((one, told.last()?.clone())));
        Ok(last.filter(|(_, status)| status["state"] == state))
    })
    .await
}

#[tokio::test]
async fn a_deployment_is_shown_from_its_start_until_another_one_serves() -> Result<()> {
    let stage = Stage::of_app(false).await?;
    let first = stage.repo.push("main", &[("a.txt", "1")], "First").await?;
    let (attempt, one) = granted(&stage, &first).await?;
    let (shown, _) = until_state(&stage, &first, "queued").await;
    assert_eq!(shown["environment"], "production");
    assert_eq!(shown["production_environment"], true);
    assert_eq!(shown["payload"]["slipway"], one);
    let asked = stage.github.asked();
    let made = asked.iter().find(|one| one.path.ends_with("/deployments")).context("made")?;
    assert_eq!(made.body["auto_merge"], false, "GitHub merges nothing for a deploy");
    assert_eq!(made.body["required_contexts"], json!([]), "we have decided already");

    let hop = json!({ "progress": "hop", "name": "started", "detail": "x" });
    tell(&attempt, 1, &one, hop).await?;
    until_state(&stage, &first, "in_progress").await;
    let live =
        json!({ "progress": "live", "version": version(&first), "url": "http://shop.test/" });
    tell(&attempt, 2, &one, live).await?;
    let (_, status) = until_state(&stage, &first, "success").await;
    assert_eq!(status["environment_url"], "http://shop.test/");
    let id = one.as_str().context("an id")?;
    assert_eq!(status["log_url"], format!("{}/acme/web/deployments/{id}", stage.scene.base));
    attempt.pass().await?;

    let second = stage.repo.push("main", &[("a.txt", "2")], "Second").await?;
    let (attempt, two) = granted(&stage, &second).await?;
    let failed = json!({ "progress": "failed", "reason": "/health answered 500", "evidence": [] });
    tell(&attempt, 1, &two, failed).await?;
    let (_, status) = until_state(&stage, &second, "failure").await;
    assert_eq!(status["description"], "It did not become healthy: /health answered 500");
    attempt.pass().await?;
    until_state(&stage, &first, "success").await;

    let third = stage.repo.push("main", &[("a.txt", "3")], "Third").await?;
    let (attempt, three) = granted(&stage, &third).await?;
    let live = json!({ "progress": "live", "version": version(&third), "url": null });
    tell(&attempt, 1, &three, live).await?;
    until_state(&stage, &third, "success").await;
    until_state(&stage, &first, "inactive").await;
    attempt.pass().await?;
    stage.end().await
}

/// As if the time that it waits for had passed.
async fn wait_is_over(scene: &Scene) -> Result<()> {
    sqlx::query("UPDATE github_deployments SET available_at = now()")
        .execute(&scene.database.pool)
        .await?;
    Ok(())
}

#[tokio::test]
async fn while_github_is_away_nothing_is_lost_and_nothing_is_made_twice() -> Result<()> {
    let stage = Stage::of_app(false).await?;
    let commit = stage.repo.push("main", &[("a.txt", "1")], "First").await?;
    stage.github.set_trouble(Some(Trouble::Forbidden));
    let (attempt, one) = granted(&stage, &commit).await?;
    let noted = "SELECT last_error FROM github_deployments WHERE last_error IS NOT NULL";
    eventually("it is noted that GitHub refuses", SOON, || async {
        let noted: Option<String> =
            sqlx::query_scalar(noted).fetch_optional(&stage.scene.database.pool).await?;
        Ok(noted.filter(|noted| noted.contains("403")).map(drop))
    })
    .await;
    let live = json!({ "progress": "live", "version": version(&commit), "url": null });
    tell(&attempt, 1, &one, live).await?;
    attempt.pass().await?;
    stage.github.set_trouble(None);
    wait_is_over(&stage.scene).await?;
    until_state(&stage, &commit, "success").await;

    // What GitHub shows is written down here a moment later.
    let told = "SELECT told FROM github_deployments WHERE told = 'live'";
    eventually("it is written down", SOON, || async {
        let told: Option<String> =
            sqlx::query_scalar(told).fetch_optional(&stage.scene.database.pool).await?;
        Ok(told.map(drop))
    })
    .await;
    // A server that ended before it wrote down what GitHub had made finds it again.
    let forgotten = "UPDATE github_deployments SET github_id = NULL, told = 'running', tries = 1,
                     available_at = now()";
    sqlx::query(forgotten).execute(&stage.scene.database.pool).await?;
    eventually("it is told again", SOON, || async {
        let told = stage.repo.deployments().into_iter().map(|(_, told)| told.len());
        Ok((told.collect::<Vec<_>>() == [2]).then_some(()))
    })
    .await;
    stage.end().await
}
