//! P1: a push of 8 kB, signed, durable, against one row of 8 kB and its commit.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use uuid::Uuid;

use super::figures::{Figure, Goal, median};
use super::installation::{Installation, Repo};
use super::pgbench;

/// Of the payload, in bytes.
const SIZE: usize = 8 * 1024;
const CLIENTS: u32 = 16;
/// Of Slipway and of the baseline, in turns, so that a slow moment of the machine meets both.
const ROUNDS: u32 = 3;

/// Measures.
pub(super) async fn run(installation: &Installation, time: Duration) -> Result<Vec<Figure>> {
    // There is nothing to clone: no worker runs, and runs stay in planning.
    let repo = installation.add_repo("bench/webhook", "/nonexistent.git").await?;
    let script = format!(
        "INSERT INTO bench_payloads (id, payload) VALUES (gen_random_uuid(), '{}');\n",
        "x".repeat(SIZE)
    );
    let table = "CREATE TABLE bench_payloads (id uuid PRIMARY KEY, payload text NOT NULL);
                 ALTER TABLE bench_payloads ALTER COLUMN payload SET STORAGE EXTERNAL";
    installation.sql(table).await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let (mut our_rates, mut their_rates) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.extend(post(installation, &repo, 1, time).await?);
        theirs.extend(installation.pgbench(&script, 1, time).await?.latencies);
        let many = post(installation, &repo, CLIENTS, time).await?.len();
        #[expect(clippy::cast_precision_loss, reason = "counts of a bench are small")]
        our_rates.push(many as f64 / time.as_secs_f64());
        let round: pgbench::Round = installation.pgbench(&script, CLIENTS, time).await?;
        their_rates.push(round.rate);
    }
    Ok(vec![
        Figure {
            name: "P1 webhook accepted, median",
            unit: "ms",
            value: median(&mut ours),
            against: "pgbench, INSERT of 8 kB",
            baseline: median(&mut theirs),
            goal: Goal::AtMost(3.0),
        },
        Figure {
            name: "P1 deliveries, 16 clients",
            unit: "/s",
            value: median(&mut our_rates),
            against: "pgbench, INSERT of 8 kB",
            baseline: median(&mut their_rates),
            goal: Goal::AtLeast(0.5),
        },
    ])
}

/// Posts from so many clients for so long; the time of each delivery in milliseconds.
async fn post(
    installation: &Installation,
    repo: &Repo,
    clients: u32,
    time: Duration,
) -> Result<Vec<f64>> {
    let deadline = Instant::now() + time;
    let clients = (0..clients).map(|_| async {
        let client = reqwest::Client::new();
        let mut times = Vec::new();
        while Instant::now() < deadline {
            let body = push("main", &hex::encode(rand::random::<[u8; 20]>()), SIZE);
            let begun = Instant::now();
            deliver(&client, installation, repo, body).await?;
            times.push(begun.elapsed().as_secs_f64() * 1000.0);
        }
        anyhow::Ok(times)
    });
    Ok(try_join_all(clients).await?.concat())
}

/// A push as the hook of a bare repository posts it, made up to `size` bytes by its message.
pub(super) fn push(branch: &str, commit: &str, size: usize) -> Vec<u8> {
    let zeros = "0".repeat(40);
    let body = |message: &str| {
        serde_json::json!({
            "ref": format!("refs/heads/{branch}"), "before": zeros, "after": commit,
            "pusher": "bench", "message": message,
        })
        .to_string()
    };
    let without = body("").len();
    body(&"x".repeat(size.saturating_sub(without))).into_bytes()
}

/// Posts one delivery, signed; answers when it is accepted.
pub(super) async fn deliver(
    client: &reqwest::Client,
    installation: &Installation,
    repo: &Repo,
    body: Vec<u8>,
) -> Result<()> {
    let mut mac = Hmac::<Sha256>::new_from_slice(repo.webhook_key.expose().as_bytes())
        .context("HMAC takes keys of every length")?;
    mac.update(&body);
    let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
    let url = installation.url.join(&format!("webhooks/git/{}", repo.name))?;
    let answer = client
        .post(url)
        .header("x-github-event", "push")
        .header("x-github-delivery", Uuid::now_v7().simple().to_string())
        .header("x-hub-signature-256", signature)
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await?;
    ensure!(answer.status() == 202, "a delivery was answered {}", answer.status());
    answer.bytes().await?;
    Ok(())
}
