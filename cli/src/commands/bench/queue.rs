//! P4: claims and ends of jobs at sixteen claimers, against the same SQL through pgbench; and one
//! claim from a deep queue against one from a shallow queue.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use slipway_pipelines::plan::{CompileContext, Outcome, compile};
use slipway_pipelines::wire::{
    Assignment, ClaimRequest, FinishRequest, JobOutcome, Lane, PROTOCOL_VERSION, PlanReport,
    PlanResult, RegisterRequest, RegisterResponse, SecretText,
};
use url::Url;
use uuid::Uuid;

use super::figures::{Figure, Goal, median};
use super::installation::Installation;
use super::webhook::{deliver, push};

const CLAIMERS: u32 = 16;
const ROUNDS: u32 = 2;
const SHALLOW: u32 = 1000;
/// Claims whose median is taken.
const CLAIMS: u32 = 200;
const FILE: &[u8] = b"image: busybox:latest\nsecrets: []\nscript: true\n";

/// What the server does with Postgres for one claim and one end of a job.
const BASELINE: &str = include_str!("queue.sql");

/// Measures.
pub(super) async fn run(
    installation: &Installation,
    time: Duration,
    depth: u32,
) -> Result<Vec<Figure>> {
    let workers: Vec<Worker> =
        try_join_all((0..CLAIMERS).map(|_| Worker::register(installation))).await?;
    first_job(installation, &workers[0]).await?;
    queue(installation, SHALLOW).await?;
    let mut shallow = claims(&workers[0]).await?;
    queue(installation, depth).await?;
    let mut deep = claims(&workers[0]).await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(claim_and_finish(&workers, time).await?);
        theirs.push(installation.pgbench(BASELINE, CLAIMERS, time).await?.rate);
    }
    Ok(vec![
        Figure {
            name: "P4 claim + finish, 16 claimers",
            unit: "jobs/s",
            value: median(&mut ours),
            against: "the same SQL by pgbench",
            baseline: median(&mut theirs),
            goal: Goal::AtLeast(0.7),
        },
        Figure {
            name: "P4 one claim from a deep queue, median",
            unit: "ms",
            value: median(&mut deep),
            against: "from a queue of 1,000",
            baseline: median(&mut shallow),
            goal: Goal::AtMost(1.5),
        },
    ])
}

/// A worker as the server sees one; runs nothing.
pub(super) struct Worker {
    base: Url,
    client: reqwest::Client,
    token: SecretText,
}

impl Worker {
    /// Registers a new one.
    pub(super) async fn register(installation: &Installation) -> Result<Self> {
        let client = reqwest::Client::new();
        let token = SecretText::new(installation.worker_token.expose_secret().to_owned());
        let base = installation.url.join("api/worker/v1/")?;
        let mut this = Self { base, client, token };
        let request = RegisterRequest {
            protocol: PROTOCOL_VERSION,
            worker: Uuid::now_v7().into(),
            name: "bench".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            slots: 1,
            engine: None,
            labels: Vec::new(),
            memory_bytes: None,
        };
        let answer: Option<RegisterResponse> = this.call("register", &this.token, &request).await?;
        this.token = answer.context("a registration has an answer")?.token;
        Ok(this)
    }

    /// None: 204, or nothing to read.
    async fn call<T: DeserializeOwned>(
        &self,
        path: &str,
        token: &SecretText,
        body: &impl Serialize,
    ) -> Result<Option<T>> {
        let url = self.base.join(path)?;
        let answer = self.client.post(url).bearer_auth(token.expose()).json(body).send().await?;
        let status = answer.status();
        let bytes = answer.bytes().await?;
        ensure!(status.is_success(), "{path}: {status} {}", String::from_utf8_lossy(&bytes));
        Ok(if bytes.is_empty() { None } else { Some(serde_json::from_slice(&bytes)?) })
    }

    /// Waits for work as long as the server lets it; none: there was none.
    pub(super) async fn wait(&self, lane: Lane) -> Result<Option<Assignment>> {
        let request = ClaimRequest { protocol: PROTOCOL_VERSION, lane, room_bytes: None };
        self.call("claim", &self.token, &request).await
    }

    async fn claim(&self, lane: Lane) -> Result<Assignment> {
        self.wait(lane).await?.context("the queue is empty: choose a larger --depth")
    }

    async fn finish(&self, assignment: &Assignment) -> Result<()> {
        let request = FinishRequest {
            outcome: JobOutcome::Passed,
            log_length: 0,
            log_sha256: hex::encode(Sha256::digest(b"")),
        };
        let path = format!("attempts/{}/finish", assignment.attempt);
        self.call::<serde_json::Value>(&path, &assignment.token, &request).await.map(drop)
    }
}

/// One run with one queued job, by the way that every run takes.
pub(super) async fn first_job(installation: &Installation, worker: &Worker) -> Result<()> {
    let repo = installation.add_repo("bench/queue", "/nonexistent.git").await?;
    let commit = hex::encode(rand::random::<[u8; 20]>());
    deliver(&worker.client, installation, &repo, push("main", &commit, 0)).await?;
    let planning = worker.claim(Lane::Plan).await?;
    let context = CompileContext {
        trigger: &planning.trigger,
        repo: &planning.repo,
        default_branch: "main",
        images: &BTreeMap::new(),
    };
    let compiled = compile(".ci.yml", FILE, &context);
    let Outcome::Plan(plan) = compiled.outcome else {
        anyhow::bail!("the bench's own file is bad: {:?}", compiled.diagnostics);
    };
    let report = PlanReport {
        message: None,
        author: None,
        merge_commit: None,
        result: PlanResult::Planned { plan },
        diagnostics: compiled.diagnostics,
    };
    let path = format!("attempts/{}/plan", planning.attempt);
    worker.call::<serde_json::Value>(&path, &planning.token, &report).await?;
    Ok(())
}

/// Queues so many more runs of one job: copies of the first one's rows, whatever their columns.
async fn queue(installation: &Installation, count: u32) -> Result<()> {
    installation
        .sql(&format!(
            "CREATE TEMP TABLE fresh AS
               SELECT gen_random_uuid() AS run, gen_random_uuid() AS job, gen_random_uuid() AS id,
                      (SELECT max(number) FROM runs) + n AS number
               FROM generate_series(1, {count}) n;
             INSERT INTO runs SELECT (jsonb_populate_record(r, jsonb_build_object(
                 'id', f.run, 'number', f.number, 'delivery_id', null, 'state', 'queued',
                 'started_at', null, 'finished_at', null))).*
               FROM fresh f, (SELECT r FROM runs r WHERE number = 1) one;
             INSERT INTO jobs SELECT (jsonb_populate_record(j, jsonb_build_object(
                 'id', f.job, 'run_id', f.run, 'state', 'queued', 'attempt', 0, 'worker_id', null,
                 'first_started_at', null, 'started_at', null, 'finished_at', null))).*
               FROM fresh f, (SELECT j FROM jobs j JOIN runs r ON r.id = j.run_id
                              WHERE r.number = 1) one;
             INSERT INTO assignments (id, lane, kind, run_id, job_id)
               SELECT id, 'job', 'job', run, job FROM fresh;
             ANALYZE runs, jobs, assignments"
        ))
        .await
}

async fn claims(worker: &Worker) -> Result<Vec<f64>> {
    let mut times = Vec::new();
    for _ in 0..CLAIMS {
        let begun = Instant::now();
        let claimed = worker.claim(Lane::Job).await?;
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
        worker.finish(&claimed).await?;
    }
    Ok(times)
}

/// Jobs a second.
async fn claim_and_finish(workers: &[Worker], time: Duration) -> Result<f64> {
    let begun = Instant::now();
    let each = workers.iter().map(|worker| async move {
        let mut done = 0_u32;
        while begun.elapsed() < time {
            let claimed = worker.claim(Lane::Job).await?;
            worker.finish(&claimed).await?;
            done += 1;
        }
        anyhow::Ok(done)
    });
    let done: u32 = try_join_all(each).await?.iter().sum();
    Ok(f64::from(done) / begun.elapsed().as_secs_f64())
}
