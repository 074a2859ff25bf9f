//! P9: an image of `images:` whose layers are all in the cache, against `docker build` of the same
//! folder. Ours is the step of the job: its context comes out of the job's container.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use super::figures::{Figure, Goal, median};
use super::installation::Installation;
use super::job::{repository_of, until_final};
use super::webhook::{deliver, push};

const FILE: &str = "image: busybox:latest\nsecrets: []\nscript: true\nimages: [{name: app}]\n";
const DOCKERFILE: &str = "FROM busybox:latest\nCOPY part-1.txt part-2.txt /\nRUN sleep 1\n\
                          COPY . /app\nRUN cat /app/* >/all.txt\nCMD [\"cat\", \"/all.txt\"]\n";

/// Measures so many builds of each, in turns.
pub(super) async fn run(installation: &Installation, times: u32) -> Result<Vec<Figure>> {
    let dir = tempfile::tempdir().context("no temporary folder")?;
    let mut files = vec![(".ci.yml".to_owned(), FILE.to_owned())];
    files.push(("Dockerfile".to_owned(), DOCKERFILE.to_owned()));
    // A context as small programs have it: a hundred files, 2 MB.
    files.extend((1..=100).map(|n| (format!("part-{n}.txt"), format!("{n}\n").repeat(8_000))));
    let folder = tempfile::tempdir().context("no temporary folder")?;
    for (name, text) in &files {
        std::fs::write(folder.path().join(name), text)?;
    }
    let commit = repository_of(dir.path(), &files).await?;
    let repo = installation.add_repo("bench/build", &dir.path().display().to_string()).await?;
    let client = reqwest::Client::new();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for number in 1..=times + 1 {
        deliver(&client, installation, &repo, push("main", &commit, 0)).await?;
        until_final(installation, &repo.name, number).await?;
        let step = installation.step(&repo.name, number, "Build image app").await?;
        let alone = docker_build(folder.path()).await?;
        // The first of each fills the cache.
        if number > 1 {
            ours.push(step);
            theirs.push(alone);
        }
    }
    Ok(vec![Figure {
        name: "P9 an image built from the cache, its step, median",
        unit: "ms",
        value: median(&mut ours),
        against: "docker build, cached, by BuildKit",
        baseline: median(&mut theirs),
        goal: Goal::AtMost(1.1),
    }])
}

async fn docker_build(folder: &Path) -> Result<f64> {
    let begun = Instant::now();
    // The plugin of a newer client may not be there; Debian's own client speaks BuildKit itself.
    let own = Path::new("/usr/bin/docker");
    let mut command = Command::new(if own.exists() { own } else { Path::new("docker") });
    command.env("DOCKER_BUILDKIT", "1").args(["build", "--quiet", "--tag", "slipway-bench/build"]);
    let output = command.arg(folder).output().await?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "docker build failed: {said}");
    Ok(begun.elapsed().as_secs_f64() * 1000.0)
}
