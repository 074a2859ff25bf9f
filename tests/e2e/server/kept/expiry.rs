//! What has had its time goes by itself, and a crash in between leaves nothing for ever.

use anyhow::Result;
use slipway_harness::worker::offer;
use slipway_pipelines::wire::BlobKind::{Artifact, Cache, Workspace};
use slipway_pipelines::wire::BlobOffer;

use super::Stage;

#[tokio::test]
async fn each_kind_goes_after_its_own_time_and_then_its_bytes() -> Result<()> {
    let mut stage = Stage::start().await?;
    let job = stage.job_on("main").await?;
    job.keep(Cache, "linux", b"cache").await?;
    job.keep(Workspace, "dist", b"workspace").await?;
    job.keep(Artifact, "logs", b"artifact").await?;
    let week = BlobOffer { expire_seconds: Some(7 * 24 * 3600), ..offer(b"short") };
    job.keep_as((Artifact, "short"), &week, b"short").await?;
    job.pass().await?;
    let scene = &stage.scene;
    scene.expire().await?;
    assert_eq!(scene.stored()?.len(), 4, "nothing has had its time");

    // Eight days pass.
    for table in [
        "UPDATE caches SET used_at = used_at - interval '8 days'",
        "UPDATE workspaces SET created_at = created_at - interval '8 days'",
        "UPDATE artifacts SET expires_at = expires_at - interval '8 days'",
    ] {
        scene.change(table).await?;
    }
    scene.expire().await?;
    let names =
        "SELECT (SELECT count(*) FROM caches) * 100 + (SELECT count(*) FROM workspaces) * 10
                     + (SELECT count(*) FROM artifacts)";
    assert_eq!(scene.count(names).await?, 101, "the cache and one artifact");
    assert_eq!(scene.stored()?.len(), 4, "the bytes wait an hour for who may name them yet");
    scene.change("UPDATE blobs SET last_used_at = now() - interval '2 hours'").await?;
    scene.expire().await?;
    assert_eq!(scene.stored()?.len(), 2);

    scene.change("UPDATE caches SET used_at = used_at - interval '38 days'").await?;
    scene.change("UPDATE artifacts SET expires_at = expires_at - interval '23 days'").await?;
    scene.expire().await?;
    assert_eq!(scene.count(names).await?, 0);
    assert_eq!(scene.stored()?, Vec::<String>::new());
    assert_eq!(scene.count("SELECT count(*) FROM blobs").await?, 0);
    stage.scene.end().await
}

#[tokio::test]
async fn what_a_killed_server_left_half_done_is_done_by_the_next() -> Result<()> {
    let mut stage = Stage::start().await?;
    let job = stage.job_on("main").await?;
    job.keep(Cache, "kept", b"kept").await?;
    job.keep(Cache, "doomed", b"doomed").await?;
    let scene = &stage.scene;
    // Killed after the names were gone, and before the bytes were.
    scene.change("DELETE FROM caches WHERE name = 'doomed'").await?;
    scene.change("UPDATE blobs SET state = 'doomed' WHERE size = 6").await?;
    // Killed after the bytes were written, and before that was written down.
    let (_, answer) = job.send((Cache, "half"), &offer(b"half").sha256, "half").await?;
    assert_eq!(answer, "");
    let unsaid = "UPDATE blobs SET state = 'writing', last_used_at = now() - interval '2 hours'
                  WHERE size = 4 AND id NOT IN (SELECT blob_id FROM caches)";
    assert_eq!(scene.change(unsaid).await?, 1);
    // Killed in the middle of writing.
    let folder = scene.blobs().join("some-repo/trusted");
    std::fs::create_dir_all(&folder)?;
    for (name, hours) in [("old#1", 3), ("new#2", 0)] {
        let file = std::fs::File::create(folder.join(name))?;
        let at = std::time::SystemTime::now() - std::time::Duration::from_secs(hours * 3600);
        file.set_modified(at)?;
    }
    scene.expire().await?;
    let left = scene.stored()?;
    assert_eq!(left.len(), 2, "what is named, and what somebody may be writing: {left:?}");
    assert!(left.iter().any(|name| name.ends_with("new#2")));
    assert_eq!(scene.count("SELECT count(*) FROM blobs").await?, 1);
    assert!(job.fetch(Cache, "kept").await?.is_some());

    // Doomed bytes that somebody has again after all are written again.
    scene.change("DELETE FROM caches").await?;
    scene.change("UPDATE blobs SET state = 'doomed'").await?;
    assert!(job.keep(Cache, "kept", b"kept").await?, "nobody trusts what is about to go");
    scene.expire().await?;
    assert!(job.fetch(Cache, "kept").await?.is_some());
    stage.scene.end().await
}

#[tokio::test]
async fn a_removed_repo_leaves_no_bytes() -> Result<()> {
    let mut stage = Stage::start().await?;
    let job = stage.job_on("main").await?;
    job.keep(Cache, "linux", b"cache").await?;
    job.keep(Artifact, "logs", b"artifact").await?;
    let scene = &stage.scene;
    scene.api(reqwest::Method::DELETE, "/acme/web", None).await?.error_for_status()?;
    scene.change("UPDATE blobs SET last_used_at = now() - interval '2 hours'").await?;
    scene.expire().await?;
    assert_eq!(scene.stored()?, Vec::<String>::new());
    stage.scene.end().await
}
