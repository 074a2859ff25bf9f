//! P5: many jobs at once that do nothing, against as many plain containers, two at a time each.

use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::figures::{Figure, Goal};
use super::installation::Installation;
use super::job::{repository, until_final};
use super::webhook::{deliver, push};

/// Each side has its turns, so that neither has the quiet half of the machine's time.
const ROUNDS: u32 = 4;
/// Jobs at once.
const AT_ONCE: u32 = 2;

/// Measures so many of each, with and without containers that wait.
pub(super) async fn run(installation: &mut Installation, jobs: u32) -> Result<Vec<Figure>> {
    let dir = tempfile::tempdir().context("no temporary folder")?;
    let round = jobs / ROUNDS;
    let rows: String = (0..round).map(|row| format!("  - N={row}\n")).collect();
    let file = format!("image: busybox:latest\nsecrets: []\nenv:\n{rows}script: true\n");
    let commit = repository(dir.path(), &file).await?;
    let repo = installation.add_repo("bench/burst", &dir.path().display().to_string()).await?;
    let client = reqwest::Client::new();
    let mut number = 0;
    let mut figures = Vec::new();
    for (warm, name) in [
        (0, "P5 jobs that do nothing, two at a time, cold"),
        (2, "P5 jobs that do nothing, two at a time, two kept warm"),
    ] {
        installation.start_worker(AT_ONCE, warm).await?;
        let (mut ours, mut theirs) = (0.0, 0.0);
        for _ in 0..ROUNDS {
            number += 1;
            let begun = Instant::now();
            deliver(&client, installation, &repo, push("main", &commit, 0)).await?;
            until_final(installation, &repo.name, number).await?;
            ours += begun.elapsed().as_secs_f64();
            theirs += containers(round).await?;
        }
        installation.stop_worker().await?;
        let count = f64::from(round * ROUNDS);
        figures.push(Figure {
            name,
            unit: "/s",
            value: count / ours,
            against: "xargs -P2 docker run --rm busybox true",
            baseline: count / theirs,
            goal: Goal::AtLeast(0.95),
        });
    }
    Ok(figures)
}

async fn containers(count: u32) -> Result<f64> {
    let begun = Instant::now();
    let at_once = format!("-P{AT_ONCE}");
    let mut command = Command::new("xargs");
    let run = ["docker", "run", "--rm", "busybox:latest", "true"];
    command.args([&at_once, "-I{}"]).args(run).stdin(Stdio::piped());
    let mut child = command.spawn().context("xargs can not be started")?;
    let mut input = child.stdin.take().context("xargs has an input")?;
    let lines: String = (0..count).map(|line| format!("{line}\n")).collect();
    input.write_all(lines.as_bytes()).await?;
    drop(input);
    ensure!(child.wait().await?.success(), "docker run failed");
    Ok(begun.elapsed().as_secs_f64())
}
