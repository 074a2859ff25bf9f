//! What GitHub posts, and what becomes of it.

use anyhow::{Context as _, Result};
use reqwest::Method;
use serde_json::{Value, json};
use slipway_harness::worker::{job, plan};
use slipway_harness::{Scene, git};

use crate::Stage;

#[tokio::test]
async fn a_branch_a_tag_and_a_deletion_are_told_apart() -> Result<()> {
    let stage = Stage::of_person(false).await?;
    let commit = stage.repo.push("main", &[("a.txt", "1")], "First").await?;
    stage.until_delivery_is("push", "triggered").await;
    stage.repo.push_ref("HEAD:refs/tags/v1").await?;
    stage.until_delivery_is("push", "triggered").await;
    stage.repo.push_ref(":refs/tags/v1").await?;
    stage.until_delivery_is("push", "the branch or tag was deleted").await;
    stage.repo.push("main", &[("a.txt", "2")], "Docs [skip ci]").await?;
    stage.until_delivery_is("push", "the commit message says [skip ci]").await;

    let (first, second) =
        (stage.scene.get("/acme/web/runs/1").await?, stage.scene.get("/acme/web/runs/2").await?);
    assert_eq!((&first["commit"], &first["branch"]), (&json!(commit), &json!("main")));
    assert_eq!((&first["event"], &first["actor"]), (&json!("push"), &json!("ada")));
    assert_eq!((&second["event"], &second["tag"]), (&json!("tag"), &json!("v1")));
    assert_eq!(stage.scene.count("SELECT count(*) FROM runs").await?, 2);
    stage.end().await
}

#[tokio::test]
async fn a_pull_request_runs_its_merge_and_again_when_it_changes() -> Result<()> {
    let stage = Stage::of_person(false).await?;
    stage.repo.push("main", &[("a.txt", "1")], "First").await?;
    stage.plan(&plan(vec![job(1, 0)]), None).await?;
    let head = stage.repo.push("fix", &[("b.txt", "1")], "Fix").await?;
    stage.plan(&plan(vec![job(1, 0)]), None).await?;
    let number = stage.repo.propose(&stage.repo, "fix", "main", "Mend it").await?;
    stage.until_delivery_is("pull_request", "triggered").await;

    let path = &stage.repo.path;
    let merge = git(path, &["rev-parse", &format!("refs/pull/{number}/merge")])?;
    let planning = stage.plan(&plan(vec![job(1, 0)]), Some(&merge)).await?;
    let trigger = &planning.assignment.trigger;
    let pull = trigger.event.pull_request().context("of a pull request")?;
    assert_eq!((pull.number, pull.fork, pull.base.as_str()), (number, false, "main"));
    assert_eq!((trigger.commit.as_str(), pull.head.as_str()), (&*head, &*head));
    let run = stage.scene.get("/acme/web/runs/3").await?;
    assert_eq!((&run["commit"], &run["event"]), (&json!(merge), &json!("pull_request")));

    // A re-run is of the same merge, whatever its planning says of another one.
    stage.scene.api(Method::POST, "/acme/web/runs/3/cancel", None).await?.error_for_status()?;
    stage.scene.api(Method::POST, "/acme/web/runs/3/restart", None).await?.error_for_status()?;
    stage.plan(&plan(vec![job(1, 0)]), Some(&"e".repeat(40))).await?;
    assert_eq!(stage.scene.get("/acme/web/runs/4").await?["commit"], merge);

    stage.repo.tell(number, "closed").await?;
    stage
        .until_delivery_is("pull_request", "a pull request that is \"closed\" starts no run")
        .await;
    stage.end().await
}

#[tokio::test]
async fn what_can_not_be_merged_or_is_switched_off_starts_nothing() -> Result<()> {
    let stage = Stage::of_person(false).await?;
    stage.repo.push("main", &[("a.txt", "1")], "First").await?;
    stage.repo.push("fix", &[("a.txt", "2")], "Fix").await?;
    stage.repo.start_from("main")?;
    stage.repo.push("main", &[("a.txt", "3")], "Other").await?;
    let number = stage.repo.propose(&stage.repo, "fix", "main", "Mend it").await?;
    let conflict = "it can not be merged into main: resolve the conflicts and push";
    stage.until_delivery_is("pull_request", conflict).await;

    let off = json!({ "build_pushes": false, "build_pull_requests": false });
    stage.scene.api(Method::PATCH, "/acme/web", Some(off)).await?.error_for_status()?;
    stage.repo.push("main", &[("c.txt", "1")], "More").await?;
    let reason = "the repo does not build pushes (its switch build_pushes is off)";
    stage.until_delivery_is("push", reason).await;
    stage.repo.start_from("main")?;
    stage.repo.push("fix", &[("d.txt", "1")], "Fix anew").await?;
    stage.repo.tell(number, "reopened").await?;
    let reason = "the repo does not build pull requests (its switch build_pull_requests is off)";
    stage.until_delivery_is("pull_request", reason).await;
    stage.end().await
}

/// GitHub's own examples of everything that it posts.
fn examples() -> Result<Vec<(String, Value)>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/github/generated/payloads.json");
    let all: Vec<Value> = serde_json::from_slice(&std::fs::read(path)?)?;
    let of = |one: &Value| {
        let name = one["name"].as_str().unwrap_or_default().to_owned();
        let examples = one["examples"].as_array().cloned().unwrap_or_default();
        examples.into_iter().map(move |payload| (name.clone(), payload))
    };
    Ok(all.iter().flat_map(|one| of(one).collect::<Vec<_>>()).collect())
}

#[tokio::test]
async fn every_example_of_githubs_is_understood_or_ignored_with_a_reason() -> Result<()> {
    let scene = Scene::start().await?;
    scene.add_repo("Codertocat/Hello-World", "github", "https://github.test/x.git").await?;
    let examples = examples()?;
    assert!(examples.len() > 300, "{} examples", examples.len());
    let mut triggered = 0;
    for (index, (event, payload)) in examples.iter().enumerate() {
        let payload = payload.to_string();
        let (status, answer) =
            scene.post_forge(event, &format!("example-{index}"), payload.as_bytes()).await?;
        assert_eq!(status, 202, "{event}: {answer}");
        let reason = answer["reason"].as_str().unwrap_or_default();
        match answer["state"].as_str() {
            Some("triggered") => triggered += 1,
            Some("ignored") => {
                let bad = reason.is_empty() || reason.contains("the server failed");
                assert!(!bad && !reason.contains("can not be read"), "{event}: {answer}");
            }
            other => panic!("{event} is {other:?}"),
        }
    }
    assert!(triggered >= 2, "its pushes and pull requests start runs: {triggered}");
    scene.end().await
}

#[tokio::test]
async fn a_renamed_repo_is_followed_by_its_number() -> Result<()> {
    let scene = Scene::start().await?;
    scene.add_repo("acme/web", "github", "https://github.test/acme/web.git").await?;
    let payload = |id: i64, name: &str| {
        json!({
            "action": "renamed", "repository": { "id": id, "full_name": name, "private": true,
                "clone_url": format!("https://github.test/{name}.git") },
        })
        .to_string()
    };
    for (guid, name) in [("one", "acme/web"), ("two", "acme/site")] {
        scene.post_forge("repository", guid, payload(7, name).as_bytes()).await?;
    }
    let shown = scene.get("/acme/site").await?;
    assert_eq!(shown["clone_url"], "https://github.test/acme/site.git");
    assert_eq!(shown["private"], true);
    // Somebody else takes the old name: that is another repository.
    let (_, answer) = scene
        .post_forge("push", "three", &{
            let zero = "0".repeat(40);
            json!({
                "ref": "refs/heads/main", "before": zero, "after": "a".repeat(40),
                "repository": { "id": 8, "full_name": "acme/site" },
                "sender": { "id": 5, "login": "eve" },
            })
            .to_string()
            .into_bytes()
        })
        .await?;
    assert_eq!(answer["reason"], "its repository is not a repo here");
    scene.end().await
}
