//! Whose caches the runs of pull requests read and write: a fork poisons nothing.

use anyhow::Result;
use serde_json::json;
use slipway_harness::worker::{Attempt, job, offer, plan};
use slipway_pipelines::wire::BlobKind::{Artifact, Cache, Workspace};

use crate::Stage;

type Found = Option<(Vec<u8>, String)>;

fn found(bytes: &str, from: &str) -> Found {
    Some((bytes.as_bytes().to_vec(), from.to_owned()))
}

/// The job of the run that waits to be planned. Its file asks for the cache of `named`.
async fn next_job(stage: &Stage, named: Option<&str>) -> Result<Attempt> {
    let mut job = job(1, 0);
    job.carry.cache.branch = named.map(str::to_owned);
    stage.plan(&plan(vec![job]), None).await?;
    stage.worker.claim("job").await
}

#[tokio::test]
async fn a_fork_reads_what_a_branch_has_and_poisons_nothing() -> Result<()> {
    let stage = Stage::of_person(false).await?;
    stage.repo.push("main", &[("a.txt", "1")], "First").await?;
    let main = next_job(&stage, None).await?;
    main.keep(Cache, "linux", b"of main").await?;
    main.keep(Cache, "other", b"also of main").await?;
    main.pass().await?;

    let fork = stage.github.fork(&stage.repo, "eve/web")?;
    fork.push("evil", &[("c.txt", "1")], "Mine").await?;
    let number = stage.repo.propose(&fork, "evil", "main", "From elsewhere").await?;
    // Its file says that main's cache is its own.
    let eve = next_job(&stage, Some("main")).await?;
    assert_eq!(eve.fetch(Cache, "linux").await?, found("of main", "branch main"));
    // It has the bytes' digest and even the bytes: what is trusted is not claimed by either.
    let (_, answer) = eve.offer((Cache, "linux"), &offer(b"of main")).await?;
    assert_eq!(answer, json!({ "wanted": true }));
    assert!(eve.keep(Cache, "linux", b"poison").await?);
    let own = format!("pull request {number}");
    assert_eq!(eve.fetch(Cache, "linux").await?, found("poison", &own));
    eve.keep(Workspace, "dist", b"poison").await?;
    eve.keep(Artifact, "logs", b"poison").await?;
    eve.pass().await?;
    let forks = "SELECT count(*) FROM caches WHERE trust = 'fork' AND scope = 'pull_request'";
    assert_eq!(stage.scene.count(forks).await?, 1);

    stage.repo.start_from("main")?;
    stage.repo.push("main", &[("a.txt", "2")], "Second").await?;
    let main = next_job(&stage, None).await?;
    assert_eq!(main.fetch(Cache, "linux").await?, found("of main", "branch main"));
    // Even the same bytes, named by a trusted run, are not taken from where the fork put them.
    let (_, answer) = main.offer((Cache, "linux"), &offer(b"poison")).await?;
    assert_eq!(answer, json!({ "wanted": true }));
    main.pass().await?;

    stage.repo.tell(number, "reopened").await?;
    let again = next_job(&stage, None).await?;
    assert_eq!(again.fetch(Cache, "linux").await?, found("poison", &own), "its own again");
    assert_eq!(again.fetch(Cache, "other").await?, found("also of main", "branch main"));
    again.pass().await?;
    let listed = stage.scene.get("/acme/web/caches?pull_request=1").await?;
    assert_eq!(listed[0]["fork"], true, "{listed}");
    stage.end().await
}

#[tokio::test]
async fn a_pull_request_from_here_looks_at_its_own_then_its_target_then_the_default() -> Result<()>
{
    let stage = Stage::of_person(false).await?;
    for (branch, file) in [("main", "a.txt"), ("next", "b.txt")] {
        stage.repo.push(branch, &[(file, "1")], branch).await?;
        let job = next_job(&stage, None).await?;
        job.keep(Cache, branch, branch.as_bytes()).await?;
        job.keep(Cache, "both", branch.as_bytes()).await?;
        job.pass().await?;
    }
    stage.repo.push("fix", &[("c.txt", "1")], "Fix").await?;
    next_job(&stage, None).await?.pass().await?;
    let number = stage.repo.propose(&stage.repo, "fix", "next", "From here").await?;
    let pull = next_job(&stage, None).await?;
    assert_eq!(pull.fetch(Cache, "main").await?, found("main", "branch main"));
    assert_eq!(pull.fetch(Cache, "both").await?, found("next", "branch next"));
    pull.keep(Cache, "both", b"mine").await?;
    let own = format!("pull request {number}");
    assert_eq!(pull.fetch(Cache, "both").await?, found("mine", &own));
    pull.pass().await?;
    stage.repo.push("next", &[("d.txt", "1")], "Again").await?;
    let next = next_job(&stage, None).await?;
    assert_eq!(next.fetch(Cache, "both").await?, found("next", "branch next"));
    assert_eq!(stage.scene.count("SELECT count(*) FROM caches WHERE trust = 'fork'").await?, 0);
    next.pass().await?;
    stage.end().await
}
