//! P3: from the webhook to the final state of a job that does nothing, against `docker run`.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use super::figures::{Figure, Goal, median};
use super::installation::{Installation, Repo};
use super::webhook::{deliver, push};

const FILE: &str = "image: busybox:latest\nsecrets: []\nscript: true\n";
/// Longest time for one run.
const PATIENCE: Duration = Duration::from_secs(60);

/// Measures so many jobs and as many plain containers, in turns.
pub(super) async fn run(installation: &Installation, times: u32) -> Result<Vec<Figure>> {
    let dir = tempfile::tempdir().context("no temporary folder")?;
    let commit = repository(dir.path(), FILE).await?;
    let repo = installation.add_repo("bench/job", &dir.path().display().to_string()).await?;
    let client = reqwest::Client::new();
    // The first of each pays for what the others find: mirror, connections, page cache.
    one(&client, installation, &repo, &commit, 1).await?;
    docker_run().await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for number in 2..2 + times {
        ours.push(one(&client, installation, &repo, &commit, number).await?);
        theirs.push(docker_run().await?);
    }
    Ok(vec![Figure {
        name: "P3 webhook -> final state of a no-op job, cold, median",
        unit: "ms",
        value: median(&mut ours),
        against: "docker run --rm busybox true",
        baseline: median(&mut theirs),
        goal: Goal::AtMost(1.15),
    }])
}

async fn one(
    client: &reqwest::Client,
    installation: &Installation,
    repo: &Repo,
    commit: &str,
    number: u32,
) -> Result<f64> {
    let begun = Instant::now();
    deliver(client, installation, repo, push("main", commit, 0)).await?;
    until_final(installation, &repo.name, number).await?;
    Ok(begun.elapsed().as_secs_f64() * 1000.0)
}

/// Waits until a run has passed.
pub(super) async fn until_final(
    installation: &Installation,
    repo: &str,
    number: u32,
) -> Result<()> {
    let begun = Instant::now();
    loop {
        let run = installation.run(repo, number).await?;
        let state = run.as_ref().and_then(|run| run["state"].as_str()).unwrap_or("not there yet");
        match state {
            "passed" => return Ok(()),
            "failed" | "errored" | "canceled" | "skipped" => {
                let whole = run.clone().unwrap_or_default();
                anyhow::bail!("run {number} is {state}: {whole}")
            }
            _ => ensure!(begun.elapsed() < PATIENCE, "run {number} is still {state}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn docker_run() -> Result<f64> {
    let begun = Instant::now();
    let mut command = Command::new("docker");
    let output = command.args(["run", "--rm", "busybox:latest", "true"]).output().await?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "docker run failed: {said}");
    Ok(begun.elapsed().as_secs_f64() * 1000.0)
}

/// A bare repository with one commit that holds this `.ci.yml`; answers the commit.
pub(super) async fn repository(dir: &Path, file: &str) -> Result<String> {
    repository_of(dir, &[(".ci.yml".to_owned(), file.to_owned())]).await
}

/// One whose commit holds these files.
pub(super) async fn repository_of(dir: &Path, files: &[(String, String)]) -> Result<String> {
    let tree = tempfile::tempdir().context("no temporary folder")?;
    for (name, text) in files {
        std::fs::write(tree.path().join(name), text)?;
    }
    let at = tree.path();
    git(at, &["init", "-q", "-b", "main"]).await?;
    git(at, &["add", "-A"]).await?;
    let who = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"];
    git(at, &[&who[..], &["commit", "-q", "-m", "Do nothing"]].concat()).await?;
    git(dir, &["init", "-q", "--bare", "-b", "main"]).await?;
    git(at, &["push", "-q", &dir.display().to_string(), "main"]).await?;
    git(at, &["rev-parse", "HEAD"]).await
}

async fn git(dir: &Path, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new("git");
    let output = command.current_dir(dir).args(arguments).output().await?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "git {}: {said}", arguments.join(" "));
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
