//! The API, called as the operator and as a forge would. The server may be away at any moment:
//! what waits for something asks again until its deadline.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use uuid::Uuid;

use crate::{Delivery, eventually};

const LONG: Duration = Duration::from_secs(120);

/// Calls one server.
#[derive(Clone, Debug)]
pub struct Caller {
    client: reqwest::Client,
    base: String,
    admin: &'static str,
}

/// A repo, with the key that signs its deliveries.
#[derive(Clone, Debug)]
pub struct Repo {
    /// `OWNER/NAME`.
    pub name: String,
    key: String,
}

impl Caller {
    pub(crate) fn new(port: u16, admin: &'static str) -> Self {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(10))
            .build()
            .expect("a client without certificates of its own can be built");
        Self { client, base: format!("http://127.0.0.1:{port}"), admin }
    }

    /// Waits for the server.
    pub async fn until_healthy(&self) {
        eventually("the server is healthy", LONG, || async {
            let answer = self.client.get(format!("{}/healthz", self.base)).send().await?;
            Ok(answer.status().is_success().then_some(()))
        })
        .await;
    }

    /// Adds a bare repository.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn add_repo(&self, name: &str, path: &Path) -> Result<Repo> {
        let asked = serde_json::json!({
            "name": name, "kind": "git", "clone_url": path, "default_branch": "main",
        });
        let url = format!("{}/api/v1/repos", self.base);
        let answer = self.client.post(url).bearer_auth(self.admin).json(&asked).send().await?;
        ensure!(answer.status() == 201, "adding {name}: {}", answer.text().await?);
        let created: Value = answer.json().await?;
        let key = created["webhook_key"].as_str().context("a repo has a key")?.to_owned();
        Ok(Repo { name: name.to_owned(), key })
    }

    /// Posts the same delivery again and again until the server accepted it.
    pub async fn deliver_until_accepted(&self, repo: &Repo, delivery: &Delivery) {
        eventually("the delivery is accepted", LONG, || async {
            let answer = self.post(repo, delivery).await?;
            Ok((answer.status() == 202).then_some(()))
        })
        .await;
    }

    /// Posts it once.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn post(&self, repo: &Repo, delivery: &Delivery) -> Result<reqwest::Response> {
        let url = format!("{}/webhooks/git/{}", self.base, repo.name);
        let request = self
            .client
            .post(url)
            .header("content-type", "application/json")
            .header("x-github-event", "push")
            .header("x-github-delivery", &delivery.guid)
            .header("x-hub-signature-256", delivery.signature(&repo.key))
            .body(delivery.body.clone());
        Ok(request.send().await?)
    }

    async fn get(&self, path: &str) -> Option<Value> {
        let url = format!("{}/api/v1/{path}", self.base);
        let answer = self.client.get(url).bearer_auth(self.admin).send().await.ok()?;
        answer.error_for_status().ok()?.json().await.ok()
    }

    /// A run by its number.
    ///
    /// # Errors
    /// When there is none.
    pub async fn run(&self, repo: &Repo, number: usize) -> Result<Value> {
        self.get(&format!("{}/runs/{number}", repo.name)).await.context("no such run")
    }

    /// Waits for a run's final state.
    ///
    /// # Errors
    /// Never; what does not become true in time panics.
    pub async fn until_final(&self, repo: &Repo, number: usize) -> Result<Value> {
        let ask = || async {
            let run = self.run(repo, number).await?;
            Ok(is_final(&run).then_some(run))
        };
        Ok(eventually("the run is final", LONG, ask).await)
    }

    /// Waits until the log of the run's first job holds `text`.
    ///
    /// # Errors
    /// Never; what does not become true in time panics.
    pub async fn until_log_says(&self, repo: &Repo, number: usize, text: &str) -> Result<()> {
        let ask = || async {
            let log = self.raw(&format!("{}/runs/{number}/jobs/1/log", repo.name)).await;
            let log = log.unwrap_or_default();
            Ok(String::from_utf8_lossy(&log).contains(text).then_some(()))
        };
        eventually(&format!("the log says {text:?}"), LONG, ask).await;
        Ok(())
    }

    /// A job of a run, with its attempts and their steps.
    ///
    /// # Errors
    /// When there is none.
    pub async fn job(&self, repo: &Repo, run: usize, job: i64) -> Result<Value> {
        self.get(&format!("{}/runs/{run}/jobs/{job}", repo.name)).await.context("no such job")
    }

    /// The log of a job's latest attempt.
    ///
    /// # Errors
    /// When there is none.
    pub async fn log(&self, repo: &Repo, run: usize, job: i64) -> Result<String> {
        let log = self.raw(&format!("{}/runs/{run}/jobs/{job}/log", repo.name)).await;
        Ok(String::from_utf8_lossy(&log.context("no such log")?).into_owned())
    }

    /// Reads all logs of the runs 1 to `runs` over and over until every run is final; answers,
    /// for each attempt, the longest log that was ever readable.
    ///
    /// # Errors
    /// When a log that was readable is shorter or other than before.
    pub async fn read_logs_until_done(
        &self,
        repo: &Repo,
        runs: usize,
    ) -> Result<BTreeMap<Uuid, Vec<u8>>> {
        let mut seen: BTreeMap<Uuid, Vec<u8>> = BTreeMap::new();
        loop {
            let mut done = 0;
            for number in 1..=runs {
                let Ok(run) = self.run(repo, number).await else { continue };
                done += usize::from(is_final(&run));
                let job = format!("{}/runs/{number}/jobs/1", repo.name);
                let Some(shown) = self.get(&job).await else { continue };
                for attempt in shown["attempts"].as_array().into_iter().flatten() {
                    let id: Uuid =
                        attempt["id"].as_str().context("an attempt has an id")?.parse()?;
                    let path = format!("{job}/log?attempt={}", attempt["number"]);
                    let Some(log) = self.raw(&path).await else { continue };
                    let before = seen.entry(id).or_default();
                    ensure!(log.starts_with(before), "attempt {id}'s log is not what it was");
                    *before = log;
                }
            }
            if done == runs {
                return Ok(seen);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn raw(&self, path: &str) -> Option<Vec<u8>> {
        let url = format!("{}/api/v1/{path}", self.base);
        let answer = self.client.get(url).bearer_auth(self.admin).send().await.ok()?;
        Some(answer.error_for_status().ok()?.bytes().await.ok()?.into())
    }
}

fn is_final(run: &Value) -> bool {
    let state = run["state"].as_str().unwrap_or_default();
    ["passed", "failed", "errored", "canceled", "skipped"].contains(&state)
}
