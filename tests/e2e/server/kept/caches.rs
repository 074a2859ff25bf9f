//! Caches by branch: found, replaced, pushed out, cleared.

use anyhow::Result;
use reqwest::{Method, StatusCode};
use serde_json::json;
use slipway_harness::Scene;
use slipway_harness::worker::{job, offer};
use slipway_pipelines::wire::BlobKind::Cache;

use super::Stage;

#[tokio::test]
async fn a_branch_finds_its_own_cache_and_else_that_of_the_default_branch() -> Result<()> {
    let mut stage = Stage::start().await?;
    let first = stage.job_on("fix").await?;
    assert_eq!(first.fetch(Cache, "linux ümlaut/2").await?, None, "nothing stored yet");
    first.pass().await?;

    let main = stage.job_on("main").await?;
    assert!(main.keep(Cache, "linux ümlaut/2", b"of main").await?, "the bytes travel");
    main.pass().await?;

    let fix = stage.job_on("fix").await?;
    let found = fix.fetch(Cache, "linux ümlaut/2").await?;
    assert_eq!(found, Some((b"of main".to_vec(), "branch main".to_owned())));
    assert_eq!(fix.fetch(Cache, "other").await?, None, "by its name only");
    fix.keep(Cache, "linux ümlaut/2", b"of fix").await?;
    let found = fix.fetch(Cache, "linux ümlaut/2").await?;
    assert_eq!(found, Some((b"of fix".to_vec(), "branch fix".to_owned())));
    fix.pass().await?;

    let main = stage.job_on("main").await?;
    let found = main.fetch(Cache, "linux ümlaut/2").await?;
    assert_eq!(found, Some((b"of main".to_vec(), "branch main".to_owned())));
    main.pass().await?;

    let mut named = job(1, 0);
    named.carry.cache.branch = Some("fix".to_owned());
    let next = stage.job_as("next", named).await?;
    let found = next.fetch(Cache, "linux ümlaut/2").await?;
    assert_eq!(found, Some((b"of fix".to_vec(), "branch fix".to_owned())), "as its file asks");
    next.keep(Cache, "linux ümlaut/2", b"shared").await?;
    next.pass().await?;
    let fix = stage.job_on("fix").await?;
    let found = fix.fetch(Cache, "linux ümlaut/2").await?;
    assert_eq!(found, Some((b"shared".to_vec(), "branch fix".to_owned())));
    stage.scene.end().await
}

#[tokio::test]
async fn bytes_that_are_there_do_not_travel_and_offering_twice_changes_nothing() -> Result<()> {
    let mut stage = Stage::start().await?;
    let main = stage.job_on("main").await?;
    assert!(main.keep(Cache, "linux", b"the same").await?);
    for _ in 0..2 {
        let (status, answer) = main.offer((Cache, "linux"), &offer(b"the same")).await?;
        assert_eq!((status, answer), (StatusCode::OK, json!({ "wanted": false })));
    }
    main.pass().await?;
    let fix = stage.job_on("fix").await?;
    assert!(!fix.keep(Cache, "linux", b"the same").await?, "the repo has them");
    assert!(!fix.keep(Cache, "mac", b"the same").await?, "under any name");
    assert_eq!(stage.scene.count("SELECT count(*) FROM caches").await?, 3);
    assert_eq!(stage.scene.stored()?.len(), 1, "once in the store");
    // A size that is not that of the bytes is told, not believed.
    let lie = slipway_pipelines::wire::BlobOffer { size: 3, ..offer(b"the same") };
    let (status, answer) = fix.offer((Cache, "linux"), &lie).await?;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer["detail"], "Those bytes are 8, not 3.");
    stage.scene.end().await
}

#[tokio::test]
async fn naming_a_digest_claims_nothing_of_another_repo() -> Result<()> {
    let mut stage = Stage::start().await?;
    let main = stage.job_on("main").await?;
    main.keep(Cache, "linux", b"a secret of this repo").await?;
    main.pass().await?;
    let key = stage.scene.add_repo("acme/other", "git", "https://git.test/o.git").await?;
    let payload = slipway_harness::server::push("refs/heads/main", '0', 'a');
    stage.scene.post_hook("acme/other", &key, "other", &payload).await?;
    stage.worker.plan(&slipway_harness::worker::plan(vec![job(1, 0)])).await?;
    let other = stage.worker.claim("job").await?;
    assert_eq!(other.fetch(Cache, "linux").await?, None);
    let (_, answer) = other.offer((Cache, "linux"), &offer(b"a secret of this repo")).await?;
    assert_eq!(answer, json!({ "wanted": true }), "it has to show that it has them");
    assert_eq!(other.fetch(Cache, "linux").await?, None);
    stage.scene.end().await
}

#[tokio::test]
async fn the_least_recently_used_make_room() -> Result<()> {
    let scene = Scene::with(|config| {
        config.blobs.limits.cache_bytes = 400;
        config.blobs.limits.cache_repo_bytes = 1000;
    });
    let mut stage = Stage::on(scene.await?).await?;
    let main = stage.job_on("main").await?;
    for name in ["a", "b", "c"] {
        main.keep(Cache, name, name.repeat(300).as_bytes()).await?;
    }
    let older = "UPDATE caches SET used_at = now() - CASE name WHEN 'a' THEN interval '3 hours'
                     WHEN 'b' THEN interval '2 hours' ELSE interval '1 hour' END";
    stage.scene.change(older).await?;
    // Being read is being used.
    assert!(main.fetch(Cache, "a").await?.is_some());
    main.keep(Cache, "d", "d".repeat(300).as_bytes()).await?;
    let left = stage.scene.get("/acme/web/caches").await?;
    let names = left.as_array().into_iter().flatten().map(|cache| cache["name"].clone());
    let mut names: Vec<_> = names.collect();
    names.sort_by_key(ToString::to_string);
    assert_eq!(names, ["a", "c", "d"]);
    let (status, answer) = main.offer((Cache, "e"), &offer(&[0; 401])).await?;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer["detail"], "A cache can have at most 400 bytes here, not 401.");
    stage.scene.end().await
}

#[tokio::test]
async fn caches_are_listed_and_cleared_and_that_is_written_down() -> Result<()> {
    let mut stage = Stage::start().await?;
    for branch in ["main", "fix"] {
        let job = stage.job_on(branch).await?;
        job.keep(Cache, "linux python-3.11", b"one").await?;
        job.keep(Cache, "linux python-3.12", b"two").await?;
        job.pass().await?;
    }
    let of = |query: &str| format!("/acme/web/caches?{query}");
    let count = async |query: &str| -> Result<usize> {
        Ok(stage.scene.get(&of(query)).await?.as_array().map_or(0, Vec::len))
    };
    assert_eq!(count("").await?, 4);
    assert_eq!(count("branch=fix").await?, 2);
    assert_eq!(count("branch=fix&match=3.12").await?, 1);
    assert_eq!(count("pull_request=1").await?, 0);
    assert_eq!(count("match=%25").await?, 0, "a text, no pattern");
    let clear = async |query: &str| -> Result<serde_json::Value> {
        let answer = stage.scene.api(Method::DELETE, &of(query), None).await?;
        Ok(answer.error_for_status()?.json().await?)
    };
    assert_eq!(clear("branch=fix&match=3.12").await?, json!({ "caches": 1, "bytes": 3 }));
    assert_eq!(clear("").await?, json!({ "caches": 3, "bytes": 9 }));
    assert_eq!(count("").await?, 0);
    let written = "SELECT count(*) FROM audit WHERE action = 'cache.clear' AND target = 'acme/web'
                   AND actor = 'operator' AND detail ->> 'caches' IN ('1', '3')";
    assert_eq!(stage.scene.count(written).await?, 2);
    // The next job starts without, and its bytes are still there for an hour.
    let job = stage.job_on("main").await?;
    assert_eq!(job.fetch(Cache, "linux python-3.11").await?, None);
    assert!(!job.keep(Cache, "linux python-3.11", b"one").await?);
    stage.scene.end().await
}

#[tokio::test]
async fn a_stale_attempt_keeps_and_reads_nothing() -> Result<()> {
    let mut stage = Stage::start().await?;
    let job = stage.job_on("main").await?;
    job.keep(Cache, "linux", b"one").await?;
    job.pass().await?;
    let (status, _) = job.offer((Cache, "linux"), &offer(b"two")).await?;
    assert_eq!(status, StatusCode::CONFLICT);
    let (status, _) = job.send((Cache, "linux"), &offer(b"two").sha256, "two").await?;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(job.fetch(Cache, "linux").await.is_err());
    assert_eq!(stage.scene.stored()?.len(), 1);
    stage.scene.end().await
}
