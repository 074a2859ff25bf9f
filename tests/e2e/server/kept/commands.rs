//! `slipway cache` and `slipway artifacts`, by the real program.

use std::path::Path;

use anyhow::{Result, ensure};
use serde_json::Value;
use slipway_harness::server::ADMIN;
use slipway_harness::slipway;
use slipway_harness::worker::{job, offer};
use slipway_pipelines::wire::BlobKind::{Artifact, Cache};
use slipway_pipelines::wire::{BlobFile, BlobOffer};

use super::Stage;

/// What it says; what it complains of where it fails.
async fn run(stage: &Stage, folder: &Path, arguments: &[&str]) -> Result<Result<String, String>> {
    let output = tokio::process::Command::new(slipway()?)
        .args(arguments)
        .args(["--server", &stage.scene.base, "--data-dir", "data"])
        .env("SLIPWAY_ADMIN_TOKEN", ADMIN)
        .current_dir(folder)
        .output()
        .await?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let (out, complaint) = (text(output.stdout), text(output.stderr));
    Ok(if output.status.success() { Ok(out) } else { Err(complaint) })
}

#[tokio::test]
async fn caches_are_listed_and_cleared_by_command() -> Result<()> {
    let mut stage = Stage::start().await?;
    let folder = tempfile::tempdir()?;
    for branch in ["main", "fix/a b"] {
        let job = stage.job_on(branch).await?;
        job.keep(Cache, "linux python-3.12", &[1; 2048]).await?;
        job.pass().await?;
    }
    let said = run(&stage, folder.path(), &["cache", "list", "acme/web"]).await?;
    let said = said.map_err(anyhow::Error::msg)?;
    let heads = said.lines().next().unwrap_or_default();
    assert!(heads.starts_with("WHOSE") && heads.ends_with("NAME"), "{said}");
    assert!(said.contains("fix/a b") && said.contains("2.0 KiB"), "{said}");
    let chosen = ["cache", "clear", "acme/web", "--branch", "fix/a b", "--match", "3.12"];
    let said = run(&stage, folder.path(), &chosen).await?;
    assert_eq!(said, Ok("1 cache of acme/web cleared, 2.0 KiB\n".to_owned()));
    let left = run(&stage, folder.path(), &["cache", "list", "acme/web", "--json"]).await?;
    let left: Value = serde_json::from_str(&left.map_err(anyhow::Error::msg)?)?;
    assert_eq!((left.as_array().map(Vec::len), &left[0]["branch"]), (Some(1), &"main".into()));
    run(&stage, folder.path(), &["cache", "clear", "acme/web"])
        .await?
        .map_err(anyhow::Error::msg)?;
    let said = run(&stage, folder.path(), &["cache", "list", "acme/web"]).await?;
    assert_eq!(said, Ok("acme/web has no such cache\n".to_owned()));
    stage.scene.end().await
}

#[tokio::test]
async fn artifacts_are_listed_and_saved_by_command() -> Result<()> {
    let mut stage = Stage::start().await?;
    let folder = tempfile::tempdir()?;
    stage.push("refs/heads/main", vec![job(1, 0), job(2, 0)]).await?;
    for bytes in [b"of the first", b"of the other"] {
        let job = stage.worker.claim("job").await?;
        let files = vec![BlobFile { path: "a".to_owned(), size: 1 }];
        job.keep_as((Artifact, "logs"), &BlobOffer { files, ..offer(bytes) }, bytes).await?;
        job.keep(Artifact, "../../out of here", bytes).await?;
        job.pass().await?;
    }
    let said = run(&stage, folder.path(), &["artifacts", "list", "acme/web", "1"]).await?;
    let said = said.map_err(anyhow::Error::msg)?;
    assert!(said.contains("1.2 job 2") && said.contains("1 file "), "{said}");
    let save = ["artifacts", "download", "acme/web", "1", "logs", "--to", "saved"];
    run(&stage, folder.path(), &save).await?.map_err(anyhow::Error::msg)?;
    let read = |name: &str| std::fs::read_to_string(folder.path().join("saved").join(name));
    assert_eq!(
        (read("1-logs.zip")?, read("2-logs.zip")?),
        ("of the first".into(), "of the other".into())
    );
    let again = run(&stage, folder.path(), &save).await?.expect_err("it is there");
    assert!(again.contains("saved/1-logs.zip is there already"), "{again}");
    let one = ["artifacts", "download", "acme/web", "1", "../../out of here", "--job", "2"];
    run(&stage, folder.path(), &one).await?.map_err(anyhow::Error::msg)?;
    let inside = folder.path().join("_.._.._out of here.zip");
    let all: Vec<_> = std::fs::read_dir(folder.path())?.flatten().map(|one| one.path()).collect();
    ensure!(inside.exists(), "{all:?}");
    let none = ["artifacts", "download", "acme/web", "1", "nothing"];
    let none = run(&stage, folder.path(), &none).await?.expect_err("there is none");
    assert_eq!(none, "slipway: run 1 of acme/web has no such artifact\n");
    stage.scene.end().await
}
