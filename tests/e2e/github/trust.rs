//! Who is given what: secrets, deploys, and what a private repository is fetched with.

use anyhow::{Context as _, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use slipway_harness::Worker;
use slipway_harness::server::ADMIN;
use slipway_harness::worker::{Attempt, job, plan, script_deploy};
use slipway_pipelines::plan::{JobPlan, SecretScope};
use slipway_pipelines::wire::Work;

use crate::Stage;

const CANARY: &str = "canary-3f1c9d";

/// A job that asks for everything there is.
fn greedy() -> JobPlan {
    JobPlan { secrets: SecretScope::All, ..job(1, 0) }
}

async fn set_canary(stage: &Stage) -> Result<()> {
    let request = stage.scene.request(Method::PUT, "/api/v1/acme/web/secrets/TOKEN");
    let request = request.bearer_auth(ADMIN).header("content-type", "application/octet-stream");
    request.body(CANARY).send().await?.error_for_status()?;
    Ok(())
}

/// Everything that a worker is sent of the front run: its planning and its job.
async fn sent(stage: &Stage, merge: Option<&str>) -> Result<String> {
    let planning = stage.plan(&plan(vec![greedy()]), merge).await?;
    let job = stage.worker.claim("job").await?;
    let text = |attempt: &Attempt| serde_json::to_string(&attempt.assignment);
    let all = format!("{}{}", text(&planning)?, text(&job)?);
    job.pass().await?;
    Ok(all)
}

#[tokio::test]
async fn a_forks_run_carries_no_byte_of_a_secret() -> Result<()> {
    let stage = Stage::of_person(false).await?;
    set_canary(&stage).await?;
    stage.repo.push("main", &[("a.txt", "1")], "First").await?;
    assert!(sent(&stage, None).await?.contains(CANARY), "a push sees it");

    stage.repo.push("fix", &[("b.txt", "1")], "Fix").await?;
    assert!(sent(&stage, None).await?.contains(CANARY));
    stage.repo.propose(&stage.repo, "fix", "main", "From here").await?;
    assert!(sent(&stage, None).await?.contains(CANARY), "who proposes from here may push here");

    let fork = stage.github.fork(&stage.repo, "eve/web")?;
    fork.push("evil", &[("c.txt", "1")], "Mine").await?;
    let number = stage.repo.propose(&fork, "evil", "main", "From elsewhere").await?;
    let all = sent(&stage, None).await?;
    assert!(!all.contains(CANARY), "a fork's run carries a secret");
    assert!(all.contains("\"fork\":true"), "{all}");
    // Nor when somebody here runs it again, nor when it changes.
    let run = "/acme/web/runs/4";
    stage.scene.api(Method::POST, &format!("{run}/restart"), None).await?.error_for_status()?;
    assert!(!sent(&stage, None).await?.contains(CANARY), "a re-run of a fork's run");
    stage.repo.tell(number, "reopened").await?;
    assert!(!sent(&stage, None).await?.contains(CANARY), "a fork's run once more");
    let granted = "SELECT count(*) FROM secret_grants";
    assert_eq!(stage.scene.count(granted).await?, 3, "the others are written down");
    // By the head that was pushed: as a push, and as a pull request at its merge commit (S9).
    let path = "/acme/web/runs/3";
    let proposed = stage.scene.get(path).await?;
    let head = proposed["pull_request"]["head"].as_str().unwrap_or_default().to_owned();
    let seen = stage.scene.get(&format!("/acme/web/commits/{head}/secrets")).await?;
    let runs: Vec<_> = seen["seen"].as_array().into_iter().flatten().map(|s| &s["run"]).collect();
    assert_eq!(runs, [3, 2], "{seen}");
    stage.end().await
}

fn deploying() -> JobPlan {
    JobPlan { deploys: vec![script_deploy()], ..job(1, 0) }
}

#[tokio::test]
async fn a_pull_request_is_never_deployed() -> Result<()> {
    let stage = Stage::of_person(false).await?;
    stage.repo.push("main", &[("a.txt", "1")], "First").await?;
    stage.plan(&plan(vec![job(1, 0)]), None).await?;
    stage.worker.claim("job").await?.pass().await?;
    stage.repo.push("fix", &[("b.txt", "1")], "Fix").await?;
    stage.plan(&plan(vec![job(1, 0)]), None).await?;
    stage.worker.claim("job").await?.pass().await?;
    stage.repo.propose(&stage.repo, "fix", "main", "From here").await?;
    stage.plan(&plan(vec![deploying()]), None).await?;
    let job = stage.worker.claim("job").await?;
    let asked = json!({ "version": { "commit": "a".repeat(40), "digest": null, "image": null } });
    let answer: Value = job.call("deploys/0", &asked).await?.error_for_status()?.json().await?;
    assert_eq!(answer["reason"], "a pull request is never deployed", "{answer}");
    job.pass().await?;
    stage.end().await
}

#[tokio::test]
async fn who_looks_at_a_deployments_target_is_given_its_secrets() -> Result<()> {
    let stage = Stage::of_person(false).await?;
    set_canary(&stage).await?;
    stage.repo.push("main", &[("a.txt", "1")], "First").await?;
    stage.plan(&plan(vec![deploying()]), None).await?;
    let job = stage.worker.claim("job").await?;
    assert!(!serde_json::to_string(&job.assignment)?.contains(CANARY), "only its step sees it");
    let asked = json!({ "version": { "commit": "a".repeat(40), "digest": null, "image": null } });
    job.call("deploys/0", &asked).await?.error_for_status()?;
    // Its worker is gone: what is true on the target is looked at.
    let worker = Worker::again(&stage.scene, "w1", stage.worker.id).await?;
    let looking = worker.claim("job").await?;
    assert!(matches!(looking.assignment.work, Work::Deploy(_)));
    assert!(serde_json::to_string(&looking.assignment)?.contains(CANARY));
    let granted = "SELECT count(*) FROM secret_grants";
    assert_eq!(stage.scene.count(granted).await?, 2, "both are written down");
    stage.end().await
}

#[tokio::test]
async fn what_fetches_a_private_repo_reaches_its_worker_and_nobody_else() -> Result<()> {
    let stage = Stage::of_app(true).await?;
    stage.repo.push("main", &[("a.txt", "1")], "First").await?;
    let planning = stage.plan(&plan(vec![job(1, 0)]), None).await?;
    let given = &planning.assignment.source;
    let token = given.credential.as_ref().context("a private repo has one")?.expose().to_owned();
    assert_eq!(given.url, stage.repo.clone_url(), "not in the address");
    assert!(token.starts_with("ghs_"), "of the installation, for this repo: {token}");
    let asked = stage.github.asked();
    let made = asked.iter().find(|one| one.body["permissions"].is_object());
    let made = &made.context("a token was asked for")?.body;
    assert_eq!(made["permissions"], json!({ "contents": "read" }));
    assert_eq!(made["repositories"], json!(["web"]));

    let refs = format!("{}/info/refs?service=git-upload-pack", stage.repo.clone_url());
    let fetch = |token: Option<String>| {
        let request = stage.scene.http.get(&refs);
        match token {
            Some(token) => request.basic_auth("x-access-token", Some(token)),
            None => request,
        }
        .send()
    };
    assert!(fetch(Some(token.clone())).await?.status().is_success(), "it reads the repo");
    assert!(!fetch(None).await?.status().is_success(), "which is private");
    let job = stage.worker.claim("job").await?;
    let again = job.assignment.source.credential.as_ref().context("a job fetches too")?;
    assert_eq!(again.expose(), token, "one is enough while it lasts");
    job.pass().await?;
    for path in ["/acme/web", "/repos", "/acme/web/runs/1", "/acme/web/deliveries"] {
        assert!(!stage.scene.get(path).await?.to_string().contains(&token), "{path}");
    }
    stage.end().await
}

#[tokio::test]
async fn a_github_that_gives_no_credential_holds_nobody_up() -> Result<()> {
    let stage = Stage::of_app(true).await?;
    stage.repo.push("main", &[("a.txt", "1")], "First").await?;
    stage.until_delivery_is("push", "triggered").await;
    stage.github.set_trouble(Some(slipway_harness::github::Trouble::Broken));
    let planning = stage.worker.claim("plan").await?;
    ensure!(planning.assignment.source.credential.is_none(), "there was none to be had");
    stage.github.set_trouble(None);
    stage.end().await
}
