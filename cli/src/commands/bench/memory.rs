//! P8: what the server holds in memory: idle, for each connected worker that waits for work, and
//! for each browser that watches a log. There is no baseline but the goal itself.

use std::time::Duration;

use anyhow::{Context, Result};
use futures::future::try_join_all;
use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Client, Response, redirect};
use slipway_pipelines::wire::Lane;

use super::figures::{Figure, Goal};
use super::installation::Installation;
use super::queue::{Worker, first_job};

/// So many of each, so that what one costs stands out from what comes and goes.
const MANY: usize = 400;
/// What is freed and what is written in the background has come to rest then.
const SETTLE: Duration = Duration::from_secs(3);

/// Measures all three.
pub(super) async fn run(installation: &Installation) -> Result<Vec<Figure>> {
    tokio::time::sleep(SETTLE).await;
    let idle = resident(installation)?;
    // One worker plans the run whose job nobody takes: it is what the browsers watch.
    first_job(installation, &Worker::register(installation).await?).await?;
    let before = settled(installation).await?;
    let watching = watch(installation).await?;
    let watched = settled(installation).await?;
    drop(watching);
    let between = settled(installation).await?;
    let waiting = wait(installation).await?;
    let waited = settled(installation).await?;
    for worker in waiting {
        worker.abort();
    }
    Ok(vec![
        figure("P8 server idle", "MB", idle / 1e6, "the goal: 20 MB", 20.0),
        figure(
            "P8 for each watcher of a log",
            "kB",
            each(before, watched),
            "the goal: 14 kB",
            14.0,
        ),
        figure("P8 for each idle worker", "kB", each(between, waited), "the goal: 20 kB", 20.0),
    ])
}

fn figure(
    name: &'static str,
    unit: &'static str,
    value: f64,
    against: &'static str,
    goal: f64,
) -> Figure {
    Figure { name, unit, value, against, baseline: goal, goal: Goal::AtMost(1.0) }
}

#[expect(clippy::cast_precision_loss, reason = "a count of hundreds")]
fn each(before: f64, after: f64) -> f64 {
    (after - before).max(0.0) / 1e3 / MANY as f64
}

async fn settled(installation: &Installation) -> Result<f64> {
    tokio::time::sleep(SETTLE).await;
    resident(installation)
}

/// Resident memory of the server process, in bytes (proc(5): `VmRSS`, in KiB).
fn resident(installation: &Installation) -> Result<f64> {
    let pid = installation.server_pid().context("the server has ended")?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: f64 = line
        .and_then(|line| line.trim().strip_suffix("kB"))
        .and_then(|number| number.trim().parse().ok())
        .context("/proc tells no VmRSS")?;
    Ok(kib * 1024.0)
}

/// Browsers that watch the log of a job that waits.
async fn watch(installation: &Installation) -> Result<Vec<Response>> {
    let client = Client::builder().redirect(redirect::Policy::none()).build()?;
    let link = installation.login_link().await?;
    let answer = client.get(link).send().await?;
    let cookie = answer.headers().get(SET_COOKIE).context("a login sets a cookie")?.to_str()?;
    let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
    let url = installation.url.join("bench/queue/runs/1/jobs/1/events")?;
    let one = || async {
        let answer = client.get(url.clone()).header(COOKIE, &cookie).send().await?;
        anyhow::Ok(answer.error_for_status()?)
    };
    try_join_all((0..MANY).map(|_| one())).await
}

/// Workers that wait for something to plan, of which there is nothing.
async fn wait(installation: &Installation) -> Result<Vec<tokio::task::JoinHandle<()>>> {
    let mut waiting = Vec::new();
    for _ in 0..MANY {
        let worker = Worker::register(installation).await?;
        waiting.push(tokio::spawn(async move { while worker.wait(Lane::Plan).await.is_ok() {} }));
    }
    Ok(waiting)
}
