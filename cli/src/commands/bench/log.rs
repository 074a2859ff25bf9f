//! P6, the way in: a job's log of 50 MB until it is stored durably, through a worker and a server,
//! against the same output by `docker exec` into a pipe.

use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

use super::figures::{Figure, Goal, median};
use super::installation::Installation;
use super::job::{repository, until_final};
use super::webhook::{deliver, push};

/// Lines as builds print them.
const PRINTS: &str = "yes 'cc -O2 -Wall -c src/a/rather/long/path/of/a/file.c -o build/file.o' | \
                      head -c 50000000";
const MEGABYTES: f64 = 50.0;

/// Measures so many logs and as many pipes, in turns.
pub(super) async fn run(installation: &Installation, times: u32) -> Result<Vec<Figure>> {
    let dir = tempfile::tempdir().context("no temporary folder")?;
    let file = format!("image: busybox:latest\nsecrets: []\nscript: \"{PRINTS}\"\n");
    let commit = repository(dir.path(), &file).await?;
    let repo = installation.add_repo("bench/log", &dir.path().display().to_string()).await?;
    let client = reqwest::Client::new();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for number in 1..=times {
        deliver(&client, installation, &repo, push("main", &commit, 0)).await?;
        until_final(installation, &repo.name, number).await?;
        let took = installation.until_stored(&repo.name, number, PRINTS).await?;
        ours.push(MEGABYTES / (took / 1000.0));
        theirs.push(MEGABYTES / docker_exec().await?);
    }
    Ok(vec![Figure {
        name: "P6 a log of 50 MB, from its first byte until it is durable, median",
        unit: "MB/s",
        value: median(&mut ours),
        against: "docker exec into a pipe",
        baseline: median(&mut theirs),
        goal: Goal::AtLeast(0.8),
    }])
}

/// Seconds.
async fn docker_exec() -> Result<f64> {
    let mut start = Command::new("docker");
    let started =
        start.args(["run", "-d", "--rm", "busybox:latest", "sleep", "600"]).output().await?;
    ensure!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
    let container = String::from_utf8_lossy(&started.stdout).trim().to_owned();
    let begun = Instant::now();
    let mut exec = Command::new("docker");
    exec.args(["exec", &container, "sh", "-c", PRINTS]).stdout(Stdio::piped());
    let mut child = exec.spawn()?;
    let mut pipe = child.stdout.take().context("a pipe")?;
    let (mut buffer, mut count) = (vec![0; 64 * 1024], 0);
    loop {
        match pipe.read(&mut buffer).await? {
            0 => break,
            read => count += read,
        }
    }
    child.wait().await?;
    let took = begun.elapsed().as_secs_f64();
    Command::new("docker").args(["rm", "-f", &container]).output().await?;
    ensure!(count == 50_000_000, "{count} bytes came");
    Ok(took)
}
