//! P9: a cache stored and fetched by a job, against `tar | zstd -1` of the same data on this disk.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use slipway_pipelines::wire::api::{Step, WholeJob};
use tokio::process::Command;

use super::figures::{Figure, Goal, median};
use super::installation::{Installation, Repo};
use super::job::repository;
use super::webhook::{deliver, push};

/// Bytes of each file that [`fill`] writes: half of it can be compressed, half can not.
const FILE: u32 = 524_288 + 438_894;
/// Longest time for one run.
const PATIENCE: Duration = Duration::from_secs(900);
/// The folder that is cached.
const DATA: &str = "data";

/// Measures so many caches of that size, and as many archives, in turns.
pub(super) async fn run(
    installation: &Installation,
    times: u32,
    mebibytes: u32,
) -> Result<Vec<Figure>> {
    let files = (u64::from(mebibytes) * 1024 * 1024).div_ceil(u64::from(FILE));
    let size = f64::from(FILE) * f64::from(u32::try_from(files)?) / 1e6;
    let dir = tempfile::tempdir().context("no temporary folder")?;
    let file = format!(
        "image: busybox:latest\nsecrets: []\ntimeout_silence: 10m\ncache: {{directories: [{DATA}], \
         timeout: 600}}\nscript: |-\n  {}\n",
        fill(files)
    );
    let commit = repository(dir.path(), &file).await?;
    let repo = installation.add_repo("bench/cache", &dir.path().display().to_string()).await?;
    let client = reqwest::Client::new();
    let mut rates: [Vec<f64>; 4] = Default::default();
    for number in 1..=times + 1 {
        deliver(&client, installation, &repo, push("main", &commit, 0)).await?;
        let steps = until_passed(installation, &repo, number).await?;
        let (stored, fetched) =
            (took(&steps, "Store the cache")?, took(&steps, "Fetch the cache")?);
        let (packed, unpacked) = archived(files).await?;
        // The first has nothing to fetch, and pays for what the others find.
        if number > 1 {
            let all = [stored, packed, fetched, unpacked];
            for (rates, seconds) in rates.iter_mut().zip(all) {
                rates.push(size / seconds);
            }
        }
    }
    let [stored, packed, fetched, unpacked] = rates.map(|mut rates| median(&mut rates));
    let figure = |name, value, against, baseline| {
        let goal = Goal::AtLeast(0.8);
        Figure { name, unit: "MB/s", value, against, baseline, goal }
    };
    Ok(vec![
        figure("P9 cache stored, median", stored, "tar | zstd -1", packed),
        figure("P9 cache fetched, median", fetched, "zstd -d | tar -x", unpacked),
    ])
}

/// The shell command that makes the folder, anew each time.
fn fill(files: u64) -> String {
    format!(
        "rm -rf {DATA}; mkdir {DATA}; i=0; while [ $i -lt {files} ]; do {{ head -c 524288 \
         /dev/urandom; seq 1 75000; }} >{DATA}/$i; i=$((i+1)); done"
    )
}

async fn until_passed(installation: &Installation, repo: &Repo, number: u32) -> Result<Vec<Step>> {
    let begun = Instant::now();
    loop {
        let run = installation.run(&repo.name, number).await?;
        let state = run.as_ref().and_then(|run| run["state"].as_str()).unwrap_or("not there yet");
        match state {
            "passed" => break,
            "failed" | "errored" | "canceled" | "skipped" => {
                let log = installation.log(&repo.name, number).await?;
                anyhow::bail!("run {number} is {state}; its log: {log}")
            }
            _ => ensure!(begun.elapsed() < PATIENCE, "run {number} is still {state}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let job: WholeJob = installation.job(&repo.name, number).await?;
    let attempt = job.attempts.into_iter().next_back();
    Ok(attempt.context("a job that passed has an attempt")?.steps)
}

/// How long a step took, in seconds; it must have done what it is for.
fn took(steps: &[Step], title: &str) -> Result<f64> {
    let step = steps.iter().find(|step| step.title == title);
    let step = step.with_context(|| format!("the job has no step {title:?}"))?;
    let outcome = step.outcome.as_ref().and_then(|outcome| outcome["outcome"].as_str());
    let nothing_yet = outcome == Some("skipped") && title.starts_with("Fetch");
    ensure!(
        outcome == Some("done") || nothing_yet,
        "{title}: {}",
        step.outcome.clone().unwrap_or(Value::Null)
    );
    let ended = step.finished_at.with_context(|| format!("{title:?} has not ended"))?;
    let took = (ended - step.started_at).num_microseconds().context("a step is short")?;
    #[expect(clippy::cast_precision_loss, reason = "microseconds of minutes")]
    Ok((took.max(1) as f64) / 1e6)
}

/// Packs and unpacks such a folder by the usual programs; gives both times in seconds.
async fn archived(files: u64) -> Result<(f64, f64)> {
    let dir = tempfile::tempdir().context("no temporary folder")?;
    shell(dir.path(), &fill(files)).await?;
    let packed = shell(dir.path(), &format!("tar -cf - {DATA} | zstd -1 -q -o packed")).await?;
    shell(dir.path(), "mkdir there").await?;
    let unpacked = shell(dir.path(), "zstd -d -q -c packed | tar -xf - -C there").await?;
    Ok((packed, unpacked))
}

async fn shell(dir: &Path, command: &str) -> Result<f64> {
    let begun = Instant::now();
    let output = Command::new("sh").current_dir(dir).args(["-ec", command]).output().await?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command}: {said}");
    Ok(begun.elapsed().as_secs_f64())
}
