//! Whatever GitHub does meanwhile, in the end it shows what is true.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::json;
use slipway_harness::github::Trouble;
use slipway_harness::worker::{job, plan};
use slipway_harness::{Scene, eventually};

use crate::{As, SOON, Stage, link};

/// What the server noted of the report of the only run, once it has noted something.
async fn until_noted(scene: &Scene, says: &str) {
    eventually(&format!("it is noted that {says}"), SOON, || async {
        let noted: Option<String> = sqlx::query_scalar(
            "SELECT last_error FROM github_reports ORDER BY run_id DESC LIMIT 1",
        )
        .fetch_one(&scene.database.pool)
        .await?;
        Ok(noted.filter(|noted| noted.contains(says)).map(drop))
    })
    .await;
}

/// As if the time that it waits for had passed.
async fn wait_is_over(scene: &Scene) -> Result<()> {
    sqlx::query("UPDATE github_reports SET available_at = now() WHERE told < wanted")
        .execute(&scene.database.pool)
        .await?;
    Ok(())
}

#[tokio::test]
async fn whatever_github_answers_the_check_comes_to_the_truth() -> Result<()> {
    let stage = Stage::of_app(false).await?;
    for (number, (trouble, says)) in [
        (Trouble::Unauthorized, "(401)"),
        (Trouble::Forbidden, "(403, "),
        (Trouble::NotFound, "(404)"),
        (Trouble::Invalid, "Validation Failed"),
        (Trouble::Broken, "GitHub is away (it answered 502)"),
        (Trouble::RateLimited(3600), "limit of requests is reached until "),
        (Trouble::SecondaryLimit(900), "limit of requests is reached until "),
    ]
    .into_iter()
    .enumerate()
    {
        stage.github.set_trouble(Some(trouble));
        let text = format!("{number}");
        let commit = stage.repo.push("main", &[("a.txt", &text)], "Change").await?;
        stage.plan(&plan(vec![job(1, 0)]), None).await?;
        stage.worker.claim("job").await?.pass().await?;
        until_noted(&stage.scene, says).await;
        assert!(stage.repo.checks(&commit).is_empty(), "{trouble:?}");
        stage.github.set_trouble(None);
        wait_is_over(&stage.scene).await?;
        let done = stage.until_check(&commit, "over", |one| one["status"] == "completed").await;
        assert_eq!(done["conclusion"], "success", "{trouble:?}");
    }
    stage.end().await
}

#[tokio::test]
async fn a_limit_of_requests_is_waited_for() -> Result<()> {
    let stage = Stage::of_person(false).await?;
    let asked_before = stage.github.asked().len();
    stage.github.set_trouble(Some(Trouble::RateLimited(3)));
    let commit = stage.repo.push("main", &[("a.txt", "1")], "First").await?;
    until_noted(&stage.scene, "limit of requests").await;
    let refused = stage.github.asked().len() - asked_before;
    assert_eq!(refused, 1, "nothing more is asked meanwhile");
    stage.github.set_trouble(None);
    eventually("it is told after all", SOON, || async {
        Ok((!stage.repo.statuses(&commit).is_empty()).then_some(()))
    })
    .await;
    stage.end().await
}

#[tokio::test]
async fn a_slow_github_holds_up_nothing_else() -> Result<()> {
    let stage = Stage::of_app(false).await?;
    stage.github.set_trouble(Some(Trouble::Slow(Duration::from_secs(5))));
    let commit = stage.repo.push("main", &[("a.txt", "1")], "First").await?;
    let begun = std::time::Instant::now();
    stage.plan(&plan(vec![job(1, 0)]), None).await?;
    stage.worker.claim("job").await?.pass().await?;
    assert!(begun.elapsed() < Duration::from_secs(4), "the run does not wait for GitHub");
    stage.github.set_trouble(None);
    stage.until_check(&commit, "over", |check| check["conclusion"] == "success").await;
    stage.end().await
}

#[tokio::test]
async fn a_server_that_ends_after_the_check_was_made_finds_it_again() -> Result<()> {
    let stage = Stage::of_app(false).await?;
    let commit = stage.repo.push("main", &[("a.txt", "1")], "First").await?;
    stage.until_check(&commit, "there", |_| true).await;
    eventually("it is noted as told", SOON, || async {
        let open = "SELECT count(*) FROM github_reports WHERE told < wanted";
        Ok((stage.scene.count(open).await? == 0).then_some(()))
    })
    .await;
    // What the other process did not come to write down.
    sqlx::query("UPDATE github_reports SET check_run_id = NULL, told = 0, tries = 1")
        .execute(&stage.scene.database.pool)
        .await?;
    let Stage { github, repo, scene, .. } = stage;
    let scene = scene.restart(|config| link(config, &github, &As::App)).await?;
    eventually("it is told again", SOON, || async {
        let open = "SELECT count(*) FROM github_reports WHERE told < wanted";
        Ok((scene.count(open).await? == 0).then_some(()))
    })
    .await;
    assert_eq!(repo.checks(&commit).len(), 1, "the same one");
    // Somebody removes it: then it is made anew.
    repo.remove_checks();
    scene.api(reqwest::Method::POST, "/acme/web/runs/1/cancel", None).await?.error_for_status()?;
    let check = eventually("it is made anew", SOON, || async {
        Ok(repo.checks(&commit).pop().filter(|check| check["conclusion"] == "cancelled"))
    })
    .await;
    assert_eq!(check["external_id"].as_str().context("names the run")?.len(), 36);
    scene.end().await?;
    github.finish()
}

#[tokio::test]
async fn of_two_runs_of_a_commit_the_later_has_the_last_word() -> Result<()> {
    let stage = Stage::of_person(false).await?;
    stage.github.set_trouble(Some(Trouble::Broken));
    let commit = stage.repo.push("main", &[("a.txt", "1")], "First").await?;
    stage.plan(&plan(vec![job(1, 0)]), None).await?;
    let red = json!({ "outcome": "failed", "reason": "it broke" });
    stage.worker.claim("job").await?.finish(&red, b"").await?.error_for_status()?;
    let restart = "/acme/web/runs/1/restart";
    stage.scene.api(reqwest::Method::POST, restart, None).await?.error_for_status()?;
    stage.plan(&plan(vec![job(1, 0)]), None).await?;
    stage.worker.claim("job").await?.pass().await?;
    stage.github.set_trouble(None);
    eventually("everything is told", SOON, || async {
        wait_is_over(&stage.scene).await?;
        let open = "SELECT count(*) FROM github_reports WHERE told < wanted";
        Ok((stage.scene.count(open).await? == 0).then_some(()))
    })
    .await;
    let last = stage.repo.statuses(&commit).pop().context("a status")?;
    assert_eq!(last["state"], "success");
    assert!(stage.repo.statuses(&commit).iter().all(|one| one["state"] != "failure"));
    stage.end().await
}
