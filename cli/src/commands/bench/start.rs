//! P2: from the push to the first line of the first step, against the engine alone doing what that
//! needs: create a container of the same image, start it, execute a command in it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::figures::{Figure, Goal, median};
use super::installation::Installation;
use super::job::{repository, until_final};
use super::webhook::{deliver, push};

/// What the step prints.
pub(super) const LINE: &str = "the first line of the first step";
const PATIENCE: Duration = Duration::from_secs(300);
/// Where the engine listens.
pub(super) const SOCKET: &str = "/var/run/docker.sock";

/// Measures so many starts and as many of the engine's own, in turns.
pub(super) async fn run(installation: &Installation, times: u32) -> Result<Vec<Figure>> {
    let dir = tempfile::tempdir().context("no temporary folder")?;
    let file = format!("image: busybox:latest\nsecrets: []\nscript: echo {LINE}\n");
    let commit = repository(dir.path(), &file).await?;
    let repo = installation.add_repo("bench/start", &dir.path().display().to_string()).await?;
    let client = Client::new();
    let engine = Client::builder().unix_socket(SOCKET).build()?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for number in 1..=times + 1 {
        let begun = Instant::now();
        deliver(&client, installation, &repo, push("main", &commit, 0)).await?;
        let first = first_line(installation, &repo.name, number, begun).await?;
        until_final(installation, &repo.name, number).await?;
        let alone = engine_alone(&engine).await?;
        // The first of each pays for what the others find: mirror, connections, page cache.
        if number > 1 {
            ours.push(first);
            theirs.push(alone);
        }
    }
    Ok(vec![Figure {
        name: "P2 push -> first line of the first step, cold, median",
        unit: "ms",
        value: median(&mut ours),
        against: "engine API: create, start, exec",
        baseline: median(&mut theirs),
        goal: Goal::AtMost(1.1),
    }])
}

/// How long it took from `begun` until the log has the line.
pub(super) async fn first_line(
    installation: &Installation,
    repo: &str,
    number: u32,
    begun: Instant,
) -> Result<f64> {
    loop {
        let log = installation.log(repo, number).await?;
        // The echo of the command has it too, after a `$`.
        if log.lines().any(|line| line.trim_end() == LINE) {
            return Ok(begun.elapsed().as_secs_f64() * 1000.0);
        }
        ensure!(begun.elapsed() < PATIENCE, "run {number} printed nothing; its log: {log}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The engine doing what a first line needs.
pub(super) async fn engine_alone(engine: &Client) -> Result<f64> {
    let begun = Instant::now();
    let create = json!({ "Image": "busybox:latest", "Cmd": ["sleep", "60"] });
    let made = ask(engine, Method::POST, "containers/create", Some(&create)).await?;
    let id = made["Id"].as_str().context("a container has an id")?;
    ask(engine, Method::POST, &format!("containers/{id}/start"), None).await?;
    let exec = json!({ "AttachStdout": true, "Cmd": ["echo", LINE] });
    let exec = ask(engine, Method::POST, &format!("containers/{id}/exec"), Some(&exec)).await?;
    let exec = exec["Id"].as_str().context("an exec has an id")?;
    let start = json!({ "Detach": false, "Tty": false });
    ask(engine, Method::POST, &format!("exec/{exec}/start"), Some(&start)).await?;
    let took = begun.elapsed().as_secs_f64() * 1000.0;
    ask(engine, Method::DELETE, &format!("containers/{id}?force=true"), None).await?;
    Ok(took)
}

/// One call of the engine; what is not JSON (the output of an exec) is nothing.
pub(super) async fn ask(
    engine: &Client,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Result<Value> {
    let request = engine.request(method, format!("http://engine/{path}")).timeout(PATIENCE);
    let request = if let Some(body) = body { request.json(body) } else { request };
    let answer = request.send().await.context("the engine does not answer")?;
    let status = answer.status();
    let bytes = answer.bytes().await?;
    ensure!(status.is_success(), "{path}: {status} {}", String::from_utf8_lossy(&bytes));
    Ok(serde_json::from_slice(&bytes).unwrap_or_default())
}
