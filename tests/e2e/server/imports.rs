//! Which repo's files a planning attempt may import.

use anyhow::Result;
use reqwest::StatusCode;
use serde_json::{Value, json};
use slipway_harness::Worker;
use slipway_harness::worker::{job, plan};

use crate::{push_main, scene_with_repo};

#[tokio::test]
async fn a_planning_attempt_may_import_what_its_repo_may_read() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    scene.add_repo("acme/ci", "git", "https://git.test/acme/ci.git").await?;
    scene.add_repo("other/ci", "git", "https://git.test/other/ci.git").await?;
    push_main(&scene, &key, "one").await?;
    let worker = Worker::register(&scene, "w1").await?;
    let attempt = worker.claim("plan").await?;
    let ask = async |repo: &str, importer: &str| -> Result<Value> {
        let request = json!({ "repo": repo, "importer": importer });
        Ok(attempt.call("import-source", &request).await?.error_for_status()?.json().await?)
    };
    let granted = ask("acme/ci", "acme/web").await?;
    assert_eq!(granted["answer"], "granted");
    assert_eq!(granted["source"]["url"], "https://git.test/acme/ci.git");
    assert_eq!(granted["default_branch"], "main");
    for (repo, importer, reason) in [
        ("other/ci", "acme/web", "is in a private repo of another owner"),
        // Who says that it is asked for by a file of that owner gains nothing.
        ("other/ci", "other/ci", "is in a private repo of another owner"),
        (
            "acme/none",
            "acme/web",
            "is in a repo that Slipway does not know, or that this run may not read",
        ),
    ] {
        let refused = ask(repo, importer).await?;
        assert_eq!(refused, json!({ "answer": "refused", "reason": reason }), "{repo}");
    }
    // Only planning imports, and only while it lasts.
    let result = json!({ "result": "planned", "plan": plan(vec![job(1, 0)]) });
    attempt.report_plan(&result).await?.error_for_status()?;
    let request = json!({ "repo": "acme/ci", "importer": "acme/web" });
    let late = attempt.call("import-source", &request).await?;
    assert_eq!(late.status(), StatusCode::CONFLICT);
    let running = worker.claim("job").await?;
    let of_job = running.call("import-source", &request).await?;
    assert_eq!(of_job.status(), StatusCode::NOT_FOUND);
    running.pass().await?;
    scene.end().await
}
