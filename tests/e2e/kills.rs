//! Server, worker and Postgres are killed (SIGKILL) at random moments of runs. Afterwards every
//! acknowledged delivery has exactly one run, that run passed, every log byte that was ever
//! readable is still there, and no container is left (R1 to R4, R6, R8).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use slipway_harness::{Delivery, Installation, Repo, containers_of};

/// Long enough that kills meet it at work, short enough for CI.
const FILE: &str = r#"image: busybox:latest
secrets: []
script:
  - echo first
  - i=0; while [ $i -lt 60 ]; do i=$((i+1)); echo "line $i"; usleep 50000; done
  - echo last
"#;

const DELIVERIES: usize = 5;
const KILLS: u32 = 6;

#[derive(Clone, Copy, Debug)]
enum Victim {
    Server,
    Worker,
    Postgres,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_killed_each_push_runs_once_and_keeps_its_log() -> Result<()> {
    // Printed on failure; another seed is another story.
    let seed: u64 = rand::random();
    eprintln!("seed {seed}");
    let mut chance = StdRng::seed_from_u64(seed);
    let mut installation = Installation::start().await?;
    let repository = installation.repository()?;
    let commit = repository.commit("main", &[(".ci.yml", FILE)])?;
    let repo = installation.add_repo("stories/kills", &repository.path).await?;

    let caller = installation.caller();
    let deliveries: Vec<Delivery> =
        (0..DELIVERIES).map(|n| Delivery::push(&format!("b{n}"), &commit)).collect();
    let posting = {
        let (caller, repo, deliveries) = (caller.clone(), repo.clone(), deliveries.clone());
        tokio::spawn(async move {
            for delivery in &deliveries {
                caller.deliver_until_accepted(&repo, delivery).await;
            }
        })
    };
    let reading = {
        let (caller, repo) = (caller.clone(), repo.clone());
        tokio::spawn(async move { caller.read_logs_until_done(&repo, DELIVERIES).await })
    };

    let (mut servers, mut workers, mut databases) = (0, 0, 0);
    for _ in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(chance.random_range(200..2000))).await;
        let victim = match chance.random_range(0..3) {
            0 => Victim::Server,
            // A piece of work is given up after three lost attempts, rightly.
            1 if workers < 2 => Victim::Worker,
            1 => Victim::Server,
            _ => Victim::Postgres,
        };
        match victim {
            Victim::Server => servers += 1,
            Victim::Worker => workers += 1,
            Victim::Postgres => databases += 1,
        }
        let pause = Duration::from_millis(chance.random_range(0..500));
        match victim {
            Victim::Server => {
                installation.server.kill()?;
                tokio::time::sleep(pause).await;
                installation.start_server()?;
            }
            Victim::Worker => {
                installation.worker.kill()?;
                tokio::time::sleep(pause).await;
                installation.start_worker()?;
            }
            Victim::Postgres => {
                installation.postgres.kill()?;
                tokio::time::sleep(pause).await;
                installation.postgres.start_again()?;
            }
        }
    }
    eprintln!("killed: server {servers}, worker {workers}, Postgres {databases}");
    posting.await?;
    let seen = tokio::time::timeout(Duration::from_secs(180), reading).await???;

    each_delivery_has_one_run(&installation, &deliveries).await?;
    every_run_passed(&installation, &repo).await?;
    what_was_readable_is_still_there(&installation, &seen).await?;
    logs_are_whole(&installation).await?;

    installation.worker.stop()?;
    let left = containers_of(&installation.worker_id()?).await?;
    ensure!(left.is_empty(), "containers are left: {left:?}");
    installation.remove().await
}

async fn each_delivery_has_one_run(installation: &Installation, sent: &[Delivery]) -> Result<()> {
    let pool = installation.pool().await?;
    for delivery in sent {
        let runs: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM runs r JOIN deliveries d ON d.id = r.delivery_id
             WHERE d.guid = $1 AND d.state = 'triggered' AND d.run_id = r.id",
        )
        .bind(&delivery.guid)
        .fetch_one(&pool)
        .await?;
        ensure!(runs == 1, "delivery {} has {runs} runs", delivery.guid);
    }
    let all: i64 = sqlx::query_scalar("SELECT count(*) FROM runs").fetch_one(&pool).await?;
    ensure!(usize::try_from(all)? == sent.len(), "{all} runs of {} deliveries", sent.len());
    Ok(())
}

async fn every_run_passed(installation: &Installation, repo: &Repo) -> Result<()> {
    for number in 1..=DELIVERIES {
        let run = installation.caller().run(repo, number).await?;
        ensure!(run["state"] == "passed", "run {number}: {run:#}");
    }
    Ok(())
}

async fn what_was_readable_is_still_there(
    installation: &Installation,
    seen: &BTreeMap<uuid::Uuid, Vec<u8>>,
) -> Result<()> {
    ensure!(!seen.is_empty(), "nobody read a log while it ran");
    let pool = installation.pool().await?;
    for (attempt, before) in seen {
        let now = installation.log(&pool, *attempt).await?;
        ensure!(now.starts_with(before), "attempt {attempt} lost bytes that were readable");
    }
    Ok(())
}

/// Of each attempt that passed: every line, once, in order; and each step once.
async fn logs_are_whole(installation: &Installation) -> Result<()> {
    let pool = installation.pool().await?;
    let passed: Vec<uuid::Uuid> =
        sqlx::query_scalar("SELECT id FROM attempts WHERE state = 'passed' AND job_id IS NOT NULL")
            .fetch_all(&pool)
            .await?;
    ensure!(passed.len() == DELIVERIES, "{} attempts passed", passed.len());
    for attempt in passed {
        let log = installation.log(&pool, attempt).await?;
        let log = String::from_utf8_lossy(&log).into_owned();
        let lines: Vec<&str> = log.lines().map(str::trim_end).collect();
        let counted = lines
            .iter()
            .filter_map(|line| line.strip_prefix("line "))
            .filter_map(|n| n.parse().ok());
        let counted: Vec<u32> = counted.collect();
        ensure!(counted == (1..=60).collect::<Vec<_>>(), "attempt {attempt} wrote {log}");
    }
    let running: i64 = sqlx::query_scalar("SELECT count(*) FROM attempts WHERE state = 'running'")
        .fetch_one(&pool)
        .await?;
    ensure!(running == 0, "{running} attempts still run");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_goes_on_while_the_server_is_away() -> Result<()> {
    let mut installation = Installation::start().await?;
    let repository = installation.repository()?;
    let commit = repository.commit("main", &[(".ci.yml", FILE)])?;
    let repo = installation.add_repo("stories/away", &repository.path).await?;
    let caller = installation.caller();
    caller.deliver_until_accepted(&repo, &Delivery::push("main", &commit)).await;
    caller.until_log_says(&repo, 1, "line 5").await?;
    installation.server.kill()?;
    let away = Instant::now();
    installation.start_server()?;
    let run = caller.until_final(&repo, 1).await?;
    ensure!(run["state"] == "passed", "{run:#}");
    let pool = installation.pool().await?;
    let attempts: i64 =
        sqlx::query_scalar("SELECT count(*) FROM attempts WHERE job_id IS NOT NULL")
            .fetch_one(&pool)
            .await?;
    ensure!(attempts == 1, "the job was tried {attempts} times; away for {:?}", away.elapsed());
    installation.worker.stop()?;
    installation.remove().await
}
