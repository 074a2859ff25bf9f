//! P2 and P3: from the push to the first line of the first step, against the engine alone, and from
//! the webhook to the final state of a job that does nothing, against `docker run`. First with a
//! worker that keeps no containers warm, then with one that keeps one.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use reqwest::{Client, Method};
use tokio::process::Command;

use super::figures::{Figure, Goal, median};
use super::installation::{Installation, Repo};
use super::start::{LINE, SOCKET, ask, engine_alone, first_line};
use super::webhook::{deliver, push};

/// Longest time for one run.
const PATIENCE: Duration = Duration::from_secs(300);

/// What is measured, and beside it what the engine alone does.
#[derive(Default)]
struct Samples {
    first: Vec<f64>,
    engine: Vec<f64>,
    whole: Vec<f64>,
    docker: Vec<f64>,
}

/// Measures so many of each, in turns.
pub(super) async fn run(installation: &mut Installation, times: u32) -> Result<Vec<Figure>> {
    let dir = tempfile::tempdir().context("no temporary folder")?;
    let file = format!("image: busybox:latest\nsecrets: []\nscript: echo {LINE}\n");
    let commit = repository(dir.path(), &file).await?;
    let repo = installation.add_repo("bench/job", &dir.path().display().to_string()).await?;
    let mut runs = Runs { repo, commit, client: Client::new(), number: 0 };
    let engine = Client::builder().unix_socket(SOCKET).build()?;
    let mut figures = Vec::new();
    for warm in [false, true] {
        installation.start_worker(1, warm.into()).await?;
        // The first pays for what the others find: mirror, connections, page cache.
        runs.whole(installation).await?;
        let mut samples = Samples::default();
        for _ in 0..times {
            if warm {
                until_warm(installation, &engine).await?;
            }
            samples.first.push(runs.first_line(installation).await?);
            samples.engine.push(engine_alone(&engine).await?);
            if warm {
                until_warm(installation, &engine).await?;
            }
            samples.whole.push(runs.whole(installation).await?);
            samples.docker.push(docker_run().await?);
        }
        installation.stop_worker().await?;
        figures.extend(samples.figures(warm));
    }
    Ok(figures)
}

impl Samples {
    fn figures(mut self, warm: bool) -> [Figure; 2] {
        let (first, whole) = if warm {
            (
                ("P2 push -> first line, warm, median", Goal::AtMost(0.3)),
                ("P3 webhook -> final state, warm, median", Goal::AtMost(0.4)),
            )
        } else {
            (
                ("P2 push -> first line, cold, median", Goal::AtMost(1.1)),
                ("P3 webhook -> final state, cold, median", Goal::AtMost(1.15)),
            )
        };
        let figure = |(name, goal), value, against, baseline| Figure {
            name,
            unit: "ms",
            value,
            against,
            baseline,
            goal,
        };
        let api = "engine API: create, start, exec";
        let docker = "docker run --rm busybox true";
        [
            figure(first, median(&mut self.first), api, median(&mut self.engine)),
            figure(whole, median(&mut self.whole), docker, median(&mut self.docker)),
        ]
    }
}

/// Runs of one repo, by their numbers.
struct Runs {
    repo: Repo,
    commit: String,
    client: Client,
    number: u32,
}

impl Runs {
    async fn deliver(&mut self, installation: &Installation) -> Result<Instant> {
        self.number += 1;
        let begun = Instant::now();
        deliver(&self.client, installation, &self.repo, push("main", &self.commit, 0)).await?;
        Ok(begun)
    }

    /// The log is asked until it has the line.
    async fn first_line(&mut self, installation: &Installation) -> Result<f64> {
        let begun = self.deliver(installation).await?;
        let first = first_line(installation, &self.repo.name, self.number, begun).await?;
        until_final(installation, &self.repo.name, self.number).await?;
        Ok(first)
    }

    /// Nothing is asked but the state.
    async fn whole(&mut self, installation: &Installation) -> Result<f64> {
        let begun = self.deliver(installation).await?;
        until_final(installation, &self.repo.name, self.number).await?;
        Ok(begun.elapsed().as_secs_f64() * 1000.0)
    }
}

/// Waits until a container waits, and its shell in it.
async fn until_warm(installation: &Installation, engine: &Client) -> Result<()> {
    let worker = installation.worker_id()?;
    let filters = serde_json::json!({
        "label": [format!("slipway.worker={worker}")],
        "name": ["slipway-warm-"],
        "status": ["running"],
    });
    let filters: String =
        url::form_urlencoded::byte_serialize(filters.to_string().as_bytes()).collect();
    let begun = Instant::now();
    loop {
        let list = format!("containers/json?filters={filters}");
        let list = ask(engine, Method::GET, &list, None).await?;
        if let Some(id) = list[0]["Id"].as_str() {
            let about = ask(engine, Method::GET, &format!("containers/{id}/json"), None).await?;
            if about["ExecIDs"].as_array().is_some_and(|execs| !execs.is_empty()) {
                // What the job before left is removed meanwhile.
                tokio::time::sleep(Duration::from_millis(500)).await;
                return Ok(());
            }
        }
        ensure!(begun.elapsed() < PATIENCE, "no container waits for a job");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
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

/// Brings the main branch of one bare repository to another one, under a name of its own.
pub(super) async fn fetch(into: &Path, from: &Path, branch: &str) -> Result<()> {
    git(into, &["fetch", "-q", &from.display().to_string(), &format!("main:{branch}")]).await?;
    Ok(())
}

async fn git(dir: &Path, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new("git");
    let output = command.current_dir(dir).args(arguments).output().await?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "git {}: {said}", arguments.join(" "));
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
