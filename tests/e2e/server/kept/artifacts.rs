//! Workspaces are for later jobs of the run, artifacts for people.

use anyhow::{Context as _, Result};
use reqwest::{Method, StatusCode};
use serde_json::json;
use slipway_harness::Worker;
use slipway_harness::server::ADMIN;
use slipway_harness::worker::{job, offer};
use slipway_pipelines::wire::BlobKind::{Artifact, Workspace};
use slipway_pipelines::wire::{BlobFile, BlobOffer};

use super::Stage;

#[tokio::test]
async fn a_workspace_is_found_by_later_jobs_of_its_run_only() -> Result<()> {
    let mut stage = Stage::start().await?;
    stage.push("refs/heads/main", vec![job(1, 0), job(2, 1)]).await?;
    let first = stage.worker.claim("job").await?;
    assert_eq!(first.fetch(Workspace, "dist").await?, None);
    first.keep(Workspace, "dist", b"built").await?;
    first.pass().await?;
    let second = stage.worker.claim("job").await?;
    let found = second.fetch(Workspace, "dist").await?;
    assert_eq!(found, Some((b"built".to_vec(), "job 1.1".to_owned())));
    second.pass().await?;
    let other = stage.job_on("main").await?;
    assert_eq!(other.fetch(Workspace, "dist").await?, None, "another run");
    stage.scene.end().await
}

#[tokio::test]
async fn an_artifact_is_listed_and_saved_whole() -> Result<()> {
    let mut stage = Stage::start().await?;
    let job = stage.job_on("main").await?;
    let files = vec![
        BlobFile { path: "logs/<b>one</b>.txt".to_owned(), size: 3 },
        BlobFile { path: "logs/two.txt".to_owned(), size: 4 },
    ];
    let named = BlobOffer { files, ..offer(b"PK a zip") };
    job.keep_as((Artifact, "logs & more/é"), &named, b"PK a zip").await?;
    assert_eq!(job.fetch(Artifact, "logs & more/é").await?, None, "for people, not for jobs");
    job.pass().await?;
    let listed = stage.scene.get("/acme/web/runs/1/artifacts").await?;
    let one = &listed[0];
    assert_eq!(
        (&one["name"], &one["job"], &one["size"]),
        (&json!("logs & more/é"), &json!(1), &json!(8))
    );
    assert_eq!(one["files"][0]["path"], "logs/<b>one</b>.txt");

    let link = stage.scene.api(Method::POST, "/login-links", None).await?;
    let link: serde_json::Value = link.error_for_status()?.json().await?;
    let link =
        link["url"].as_str().context("a link")?.rsplit('/').next().context("its token")?.to_owned();
    let entered = stage.scene.request(Method::GET, &format!("/login/{link}")).send().await?;
    let cookie =
        entered.headers()["set-cookie"].to_str()?.split(';').next().context("a cookie")?.to_owned();
    let page = |path: &str| {
        let request = stage.scene.request(Method::GET, path).header("cookie", &cookie);
        request.header("accept", "text/html").send()
    };
    let shown = page("/acme/web/runs/1").await?.error_for_status()?.text().await?;
    assert!(shown.contains("&#60;b&#62;one") || shown.contains("&lt;b&gt;one"), "as text");
    assert!(!shown.contains("<b>one</b>"));
    let saved = "/acme/web/runs/1/jobs/1/artifacts/logs%20%26%20more%2F%C3%A9";
    assert!(shown.contains(&format!("href=\"{saved}\"")), "{shown}");
    let api = format!("/api/v1{saved}");
    let by_api = stage.scene.request(Method::GET, &api).bearer_auth(ADMIN).send().await?;
    for answer in [page(saved).await?, by_api] {
        let answer = answer.error_for_status()?;
        let header = |name: &str| answer.headers()[name].to_str().unwrap_or_default().to_owned();
        assert!(header("content-disposition").starts_with("attachment; "));
        assert_eq!(header("content-type"), "application/zip");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("content-length"), "8");
        assert_eq!(answer.bytes().await?, "PK a zip");
    }
    assert_eq!(page("/acme/web/runs/1/jobs/1/artifacts/none").await?.status(), 404);
    assert_eq!(page("/acme/none/runs/1/jobs/1/artifacts/logs").await?.status(), 404);
    let nobody = stage.scene.request(Method::GET, saved).send().await?;
    assert_eq!(nobody.status(), StatusCode::UNAUTHORIZED);
    stage.scene.change("UPDATE artifacts SET expires_at = now()").await?;
    assert_eq!(page(saved).await?.status(), 404, "its time is over, swept or not");
    stage.scene.end().await
}

#[tokio::test]
async fn a_second_try_replaces_what_the_first_left() -> Result<()> {
    let mut stage = Stage::start().await?;
    stage.push("refs/heads/main", vec![job(1, 0), job(2, 1)]).await?;
    let first = stage.worker.claim("job").await?;
    first.keep(Artifact, "logs", b"first").await?;
    first.keep(Artifact, "only the first", b"first").await?;
    first.keep(Workspace, "dist", b"first").await?;
    let tests = json!({ "cases": [{ "suite": "", "name": "a", "outcome": "failed" }] });
    first.call_put("tests", &tests).await?;
    // Its worker is gone, and comes back as a new process.
    let worker = Worker::again(&stage.scene, "w1", stage.worker.id).await?;
    let second = worker.claim("job").await?;
    let listed = stage.scene.get("/acme/web/runs/1/artifacts").await?;
    assert_eq!(listed, json!([]), "a try that is over says nothing of this one");
    assert_eq!(stage.scene.get("/acme/web/runs/1/tests").await?["jobs"], json!([]));
    assert_eq!(second.fetch(Workspace, "dist").await?, None);
    second.keep(Artifact, "logs", b"second").await?;
    second.keep(Workspace, "dist", b"second").await?;
    second.pass().await?;
    let listed = stage.scene.get("/acme/web/runs/1/artifacts").await?;
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed}");
    assert_eq!(listed[0]["size"], 6);
    assert_eq!(stage.scene.count("SELECT count(*) FROM artifacts").await?, 1);
    let later = worker.claim("job").await?;
    let found = later.fetch(Workspace, "dist").await?;
    assert_eq!(found, Some((b"second".to_vec(), "job 1.1".to_owned())));
    stage.scene.end().await
}
