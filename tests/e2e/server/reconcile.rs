//! Pushes of a bare repository whose hook reached nobody.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use slipway_harness::{Scene, eventually};

/// Two looks and a slow machine.
const LIMIT: Duration = Duration::from_secs(40);

fn git(folder: &Path, args: &[&str]) -> Result<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.test"])
        .args(args)
        .output()?;
    ensure!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// Commits in `work` and pushes main; answers the commit.
fn commit_and_push(work: &Path, message: &str) -> Result<String> {
    git(work, &["commit", "--quiet", "--allow-empty", "-m", message])?;
    git(work, &["push", "--quiet", "origin", "HEAD:refs/heads/main"])?;
    git(work, &["rev-parse", "HEAD"])
}

fn told(before: &str, after: &str) -> Vec<u8> {
    json!({ "ref": "refs/heads/main", "before": before, "after": after }).to_string().into_bytes()
}

#[tokio::test]
async fn a_push_that_nobody_heard_of_is_found_once() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (bare, work) = (folder.path().join("web.git"), folder.path().join("work"));
    let path = bare.to_str().context("a path of text")?;
    git(folder.path(), &["init", "--quiet", "--bare", path])?;
    git(folder.path(), &["clone", "--quiet", path, work.to_str().context("a path of text")?])?;
    let first = commit_and_push(&work, "There before Slipway")?;
    git(&work, &["push", "--quiet", "origin", "HEAD:refs/tags/v1"])?;

    let scene = Scene::start().await?;
    let key = scene.add_repo("acme/web", "git", path).await?;
    let missed = commit_and_push(&work, "Missed")?;
    // A server starts, looks, and looks again.
    let scene = scene.restart(|_| {}).await?;
    let found = eventually("the push is found", LIMIT, || async {
        Ok(scene.get("/acme/web/runs/1").await.ok())
    })
    .await;
    assert_eq!((&found["commit"], &found["branch"]), (&json!(missed), &json!("main")));
    assert_eq!(found["actor"], "reconciliation");

    // What the hook has to say of it comes late, and starts nothing; what follows does.
    let late = scene.post_hook("acme/web", &key, "late", &told(&first, &missed)).await?.1;
    assert_eq!(late["reason"], "it came late: reconciliation had found what it tells", "{late}");
    let heard = commit_and_push(&work, "Heard")?;
    let answer = scene.post_hook("acme/web", &key, "heard", &told(&missed, &heard)).await?.1;
    assert_eq!(answer["run"], 2, "{answer}");

    // Back to where it was, unheard: the same commit as before, and a push all the same.
    git(&work, &["push", "--quiet", "--force", "origin", &format!("{missed}:refs/heads/main")])?;
    git(&work, &["push", "--quiet", "origin", ":refs/tags/v1"])?;
    let scene = scene.restart(|_| {}).await?;
    let found = eventually("the way back is found", LIMIT, || async {
        Ok(scene.get("/acme/web/runs/3").await.ok())
    })
    .await;
    assert_eq!(found["commit"], json!(missed));
    eventually("the deleted tag is found", LIMIT, || async {
        let gone = "SELECT count(*) FROM deliveries WHERE reason = 'the branch or tag was deleted'";
        Ok((scene.count(gone).await? == 1).then_some(()))
    })
    .await;
    let answer = scene.post_hook("acme/web", &key, "forth", &told(&missed, &heard)).await?.1;
    assert_eq!(answer["run"], 4, "pushed again, and heard again: {answer}");
    assert_eq!(scene.count("SELECT count(*) FROM runs").await?, 4);
    assert_eq!(scene.count("SELECT count(*) FROM deliveries").await?, 6);
    scene.end().await
}
