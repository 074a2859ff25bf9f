//! What GitHub shows of a run: the truth, by a check of an App or a status of a person.

use anyhow::{Context as _, Result};
use reqwest::Method;
use serde_json::{Value, json};
use slipway_harness::eventually;
use slipway_harness::worker::{job, plan};

use crate::{SOON, Stage};

fn title(check: &Value) -> &str {
    check["output"]["title"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_check_goes_from_queued_to_what_became_of_the_run() -> Result<()> {
    let stage = Stage::of_app(false).await?;
    let commit = stage.repo.push("main", &[("a.txt", "1")], "First").await?;
    let queued = stage.until_check(&commit, "queued", |check| check["status"] == "queued").await;
    assert_eq!(queued["name"], "Slipway");
    assert_eq!(queued["conclusion"], Value::Null);
    assert_eq!(queued["details_url"], format!("{}/acme/web/runs/1", stage.scene.base));

    let mut second = job(2, 0);
    second.allow_failure = true;
    stage.plan(&plan(vec![job(1, 0), second]), None).await?;
    let first = stage.worker.claim("job").await?;
    let running = "in progress";
    let check = stage.until_check(&commit, running, |check| check["status"] == "in_progress").await;
    assert_eq!(check["conclusion"], Value::Null, "green is said of a run that passed only");
    let second = stage.worker.claim("job").await?;
    let red = json!({ "outcome": "failed", "reason": "\"make | test\" exited with 2" });
    assert!(second.finish(&red, b"").await?.status().is_success());
    stage.until_check(&commit, "at the failure", |check| title(check).contains("failed")).await;
    first.pass().await?;
    let done = stage.until_check(&commit, "over", |check| check["status"] == "completed").await;
    assert_eq!(done["conclusion"], "success");
    assert_eq!(
        title(&done),
        "1 of 2 jobs passed; job 1.2 failed (allowed to fail): \"make | test\" exited with 2"
    );
    let summary = done["output"]["summary"].as_str().context("a summary")?;
    assert!(summary.contains(r#"failed (allowed to fail): "make \| test" exited"#), "{summary}");
    assert!(stage.repo.statuses(&commit).is_empty(), "they are only told when asked for");
    stage.end().await
}

#[tokio::test]
async fn a_bad_file_is_a_red_check_with_its_problems_in_their_places() -> Result<()> {
    let stage = Stage::of_app(false).await?;
    let commit = stage.repo.push("main", &[("a.txt", "1")], "First").await?;
    let planning = stage.worker.claim("plan").await?;
    let diagnostic = json!({
        "severity": "error", "code": "unknown-key", "path": "scirpt",
        "span": { "start": 0, "end": 6, "line": 3, "column": 1 },
        "message": "there is no key scirpt", "help": "write script",
        "excerpt": "error: there is no key scirpt\n --> .ci.yml:3:1\n",
    });
    let report = json!({
        "message": "First", "author": "Ada", "diagnostics": [diagnostic],
        "result": { "result": "errored", "reason": ".ci.yml has 1 problem" },
    });
    assert!(planning.call("plan", &report).await?.status().is_success());
    let done = stage.until_check(&commit, "over", |check| check["status"] == "completed").await;
    assert_eq!(done["conclusion"], "failure");
    assert_eq!(title(&done), "Errored: .ci.yml has 1 problem");
    eventually("the problem is marked", SOON, || async {
        let check = stage.repo.checks(&commit).pop().context("a check")?;
        Ok((check["output"]["annotations_count"] == 1).then_some(()))
    })
    .await;
    let asked = stage.github.asked();
    let marked = asked.iter().find_map(|one| one.body["output"]["annotations"][0].as_object());
    assert_eq!(marked.context("sent")?["path"], ".ci.yml");
    stage.end().await
}

#[tokio::test]
async fn a_pull_requests_check_is_at_its_head_and_bears_its_name() -> Result<()> {
    let stage = Stage::of_app(false).await?;
    stage.repo.push("main", &[("a.txt", "1")], "First").await?;
    let fork = stage.github.fork(&stage.repo, "eve/web")?;
    let head = fork.push("evil", &[("c.txt", "1")], "Mine").await?;
    // What GitHub has of it here are the refs of the pull request.
    stage.repo.propose(&fork, "evil", "main", "From elsewhere").await?;
    let check = stage.until_check(&head, "there", |_| true).await;
    assert_eq!(check["name"], "Slipway / pull request");
    stage.scene.api(Method::POST, "/acme/web/runs/2/cancel", None).await?.error_for_status()?;
    let done = stage.until_check(&head, "over", |check| check["status"] == "completed").await;
    assert_eq!(done["conclusion"], "cancelled");
    stage.end().await
}

#[tokio::test]
async fn a_persons_token_tells_statuses_and_each_once() -> Result<()> {
    let stage = Stage::of_person(false).await?;
    let commit = stage.repo.push("main", &[("a.txt", "1")], "First").await?;
    stage.plan(&plan(vec![job(1, 0), job(2, 0)]), None).await?;
    let (first, second) = (stage.worker.claim("job").await?, stage.worker.claim("job").await?);
    let until = |state: &'static str| {
        let (repo, commit) = (&stage.repo, &commit);
        eventually(state, SOON, move || async move {
            let last = repo.statuses(commit).pop();
            Ok(last.filter(|last| last["state"] == state))
        })
    };
    until("pending").await;
    second.pass().await?;
    let red = json!({ "outcome": "failed", "reason": "\"make test\" exited with 2" });
    assert!(first.finish(&red, b"").await?.status().is_success());
    let told = until("failure").await;
    assert_eq!(told["context"], "continuous-integration/slipway/push");
    assert_eq!(
        told["description"],
        "1 of 2 jobs passed; job 1.1 failed: \"make test\" exited with 2"
    );
    assert_eq!(told["target_url"], format!("{}/acme/web/runs/1", stage.scene.base));
    let all = stage.repo.statuses(&commit);
    let mut different = all.clone();
    different.dedup_by(|a, b| a["description"] == b["description"]);
    assert_eq!(all.len(), different.len(), "none twice: {all:?}");
    assert!(all.iter().all(|one| one["state"] != "success"), "never green");
    stage.end().await
}
