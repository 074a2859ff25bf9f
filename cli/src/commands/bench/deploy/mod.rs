//! How soon a deployment is told as it is: live once the workload is ready, failed once it can not
//! become so; and how many calls of the engine that takes. The target is `container`: a workload
//! that is ready, or ends, a known time after its container started.

mod calls;
mod cluster;
mod proxy;

pub(super) use cluster::run as run_on_cluster;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use slipway_pipelines::wire::api::{Deployment, WholeEnvironment};

use self::calls::Calls;
use super::figures::{Figure, Goal};
use super::installation::{Installation, Repo};
use super::job::{fetch, repository_of};
use super::start::{SOCKET, ask};
use super::webhook::{deliver, push};

const NAME: &str = "bench/deploy";
/// How the engine calls what is deployed.
const SERVICE: &str = "bench/deploy/app";
const PATIENCE: Duration = Duration::from_secs(300);
/// From its container's start until the workload listens, or ends, in milliseconds; by the second
/// one more for each round, so that no figure rests on when Slipway happens to look.
const PREPARES: u64 = 500;
const MORE: u64 = 370;
const SOAK: Duration = Duration::from_secs(2);
/// Beyond the soak.
const LIVE_WITHIN: f64 = 1_000.0;
const FAILED_WITHIN: f64 = 5_000.0;
/// Of the engine, for one deployment.
const CALLS: f64 = 100.0;

/// What a deployment is expected to come to.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Good,
    Doomed,
}

struct Side {
    repo: Repo,
    engine: Client,
    calls: Calls,
    number: u32,
    /// On which the service is.
    port: u16,
    /// The repository.
    dir: tempfile::TempDir,
}

/// Measures so many good and so many doomed deployments, in turns.
pub(super) async fn run(installation: &mut Installation, times: u32) -> Result<Vec<Figure>> {
    let engine = Client::builder().unix_socket(SOCKET).build()?;
    // What a bench that was killed has left.
    forget(&engine).await?;
    let calls = Calls::listen(SOCKET).await?;
    installation.start_worker_at(1, 0, Some(&calls.address())).await?;
    let mut side = side(installation, engine, calls).await?;
    let measured = side.measure(installation, times).await;
    installation.stop_worker().await?;
    forget(&side.engine).await?;
    measured
}

async fn side(installation: &Installation, engine: Client, calls: Calls) -> Result<Side> {
    let dir = tempfile::tempdir().context("no temporary folder")?;
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    repository_of(dir.path(), &files(Kind::Good, Duration::ZERO, port)).await?;
    let repo = installation.add_repo(NAME, &dir.path().display().to_string()).await?;
    Ok(Side { repo, engine, calls, number: 0, port, dir })
}

/// A repository whose image does as the kind says, after this time.
fn files(kind: Kind, prepares: Duration, port: u16) -> Vec<(String, String)> {
    let file = format!(
        "image: busybox:latest\nsecrets: []\nscript: true\nimages: [{{name: app}}]\ndeploy:\n  \
         provider: container\n  environment: bench\n  image: app\n  name: app\n  \
         ports: [\"{port}:8080\"]\n  health: {{path: /, port: 8080, interval: 1s}}\n  \
         soak: {}s\n  on: {{all_branches: true}}\n",
        SOAK.as_secs()
    );
    let then = match kind {
        Kind::Good => "mkdir /www; echo hello >/www/index.html; exec httpd -f -p 8080 -h /www",
        Kind::Doomed => "echo 'there is no database'; exit 3",
    };
    let micros = prepares.as_micros();
    let dockerfile =
        format!("FROM busybox:latest\nCMD [\"sh\", \"-c\", \"usleep {micros}; {then}\"]\n");
    vec![(".ci.yml".to_owned(), file), ("Dockerfile".to_owned(), dockerfile)]
}

impl Side {
    async fn measure(&mut self, installation: &Installation, times: u32) -> Result<Vec<Figure>> {
        let (mut live, mut failed, mut calls) = (Vec::new(), Vec::new(), Vec::new());
        // The first of each pays for what the others find: mirror, connections, forwarder.
        for round in 0..=times {
            let prepares = Duration::from_millis(PREPARES + MORE * u64::from(round) % 1_000);
            for kind in [Kind::Good, Kind::Doomed] {
                let (late, made) = self.deploy(installation, kind, prepares).await?;
                if round == 0 {
                    continue;
                }
                if kind == Kind::Good {
                    live.push(late);
                    calls.push(made);
                } else {
                    failed.push(late);
                }
            }
        }
        let of = |name, unit, samples: &[f64], against, baseline| Figure {
            name,
            unit,
            value: longest(samples),
            against,
            baseline,
            goal: Goal::AtMost(1.0),
        };
        Ok(vec![
            of("workload ready -> live, less the soak, longest", "ms", &live, "1 s", LIVE_WITHIN),
            of("workload ended -> failed, longest", "ms", &failed, "5 s", FAILED_WITHIN),
            of("engine calls of a deployment, most", "calls", &calls, "a bound", CALLS),
        ])
    }

    /// One deployment: how many milliseconds late it was told, and the calls that it made.
    async fn deploy(
        &mut self,
        installation: &Installation,
        kind: Kind,
        prepares: Duration,
    ) -> Result<(f64, f64)> {
        self.number += 1;
        let branch = format!("deploy-{}", self.number);
        let one = tempfile::tempdir().context("no temporary folder")?;
        let commit = repository_of(one.path(), &files(kind, prepares, self.port)).await?;
        fetch(self.dir.path(), one.path(), &branch).await?;
        let client = Client::new();
        let begun = Utc::now();
        deliver(&client, installation, &self.repo, push(&branch, &commit, 0)).await?;
        let deployment = until_decided(installation, NAME, self.number).await?;
        let wanted = if kind == Kind::Good { "live" } else { "rolled_back" };
        let (state, reason) = (&deployment.state, deployment.reason.as_deref());
        ensure!(state == wanted, "deployment {} is {state}: {reason:?}", self.number);
        let started = deployment.started_at.context("it has begun")?;
        let told = deployment.finished_at.context("it was decided")?;
        let known = match kind {
            Kind::Good => self.event("start", begun, &commit).await? + delta(prepares + SOAK),
            Kind::Doomed => self.event("die", begun, &commit).await?,
        };
        let late = (told - known).as_seconds_f64() * 1000.0;
        Ok((late, self.calls.between(started, told) as f64))
    }

    /// When the engine said this first of the commit's version since then.
    async fn event(
        &self,
        action: &str,
        since: DateTime<Utc>,
        commit: &str,
    ) -> Result<DateTime<Utc>> {
        let filters = json!({
            "type": ["container"],
            "event": [action],
            "label": [format!("slipway.service={SERVICE}")],
        });
        let filters: String =
            url::form_urlencoded::byte_serialize(filters.to_string().as_bytes()).collect();
        let exact = |at: DateTime<Utc>| at.format("%s.%f").to_string();
        let (from, to) = (exact(since), exact(Utc::now()));
        let path = format!("http://engine/events?since={from}&until={to}&filters={filters}");
        let text = self.engine.get(path).send().await?.error_for_status()?.text().await?;
        let mut times = text.lines().filter_map(|line| {
            let event: Value = serde_json::from_str(line).ok()?;
            // Not of the forwarder, which has no commit, nor of the version before.
            let of = event["Actor"]["Attributes"]["slipway.commit"].as_str()?;
            commit.starts_with(of).then_some(())?;
            Some(DateTime::from_timestamp_nanos(event["timeNano"].as_i64()?))
        });
        times.find(|at| *at >= since).with_context(|| format!("no {action:?} in {text:?}"))
    }
}

/// The worst of the samples: what is promised holds for each deployment.
fn longest(samples: &[f64]) -> f64 {
    samples.iter().copied().fold(0.0, f64::max)
}

fn delta(time: Duration) -> TimeDelta {
    TimeDelta::from_std(time).unwrap_or_default()
}

/// The deployment of a run, once it was decided.
async fn until_decided(installation: &Installation, repo: &str, number: u32) -> Result<Deployment> {
    let begun = Instant::now();
    loop {
        let found: Option<WholeEnvironment> = installation.environment(repo, "bench").await?;
        let all = found.map(|found| found.deployments).unwrap_or_default();
        let of_run = all.into_iter().find(|one| u32::try_from(one.run) == Ok(number));
        let found = of_run.as_ref().and_then(|one| one.findings.first());
        let found = found.map(|finding| finding.sentence.clone());
        if let Some(one) = of_run.filter(|one| one.finished_at.is_some()) {
            return Ok(one);
        }
        if let Some(run) = installation.run(repo, number).await?
            && ["passed", "errored", "canceled", "skipped"]
                .contains(&run["state"].as_str().unwrap_or_default())
        {
            bail!("run {number} deployed nothing: {run}");
        }
        let told = found.unwrap_or_default();
        ensure!(begun.elapsed() < PATIENCE, "run {number} has deployed nothing yet {told}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What was deployed outlives its worker by design: it is removed here.
async fn forget(engine: &Client) -> Result<()> {
    let listed = async |what: &str, label: String| {
        let filters = json!({ "label": [label] }).to_string();
        let filters: String = url::form_urlencoded::byte_serialize(filters.as_bytes()).collect();
        let path = format!("{what}?all=true&filters={filters}");
        let list = ask(engine, Method::GET, &path, None).await?;
        let ids = list.as_array().into_iter().flatten().filter_map(|one| one["Id"].as_str());
        anyhow::Ok(ids.map(str::to_owned).collect::<Vec<_>>())
    };
    for id in listed("containers/json", format!("slipway.service={SERVICE}")).await? {
        ask(engine, Method::DELETE, &format!("containers/{id}?force=true&v=true"), None).await?;
    }
    for id in listed("networks", format!("slipway.services-of={NAME}")).await? {
        ask(engine, Method::DELETE, &format!("networks/{id}"), None).await?;
    }
    for id in listed("images/json", format!("slipway.built-for={NAME}")).await? {
        ask(engine, Method::DELETE, &format!("images/{id}?force=true"), None).await?;
    }
    Ok(())
}
