//! A worker as the server sees one: it speaks the protocol and does nothing else.

mod blobs;

use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use slipway_pipelines::ids::{JobNumber, StageIndex};
use slipway_pipelines::plan::{
    Command, DeployOn, DeployPlan, GitOptions, JobImage, JobPlan, PhasePlan, Phases, Plan,
    Provider, RollbackPolicy, SecretScope, StagePlan,
};
use slipway_pipelines::wire::{Assignment, PROTOCOL_VERSION};
use uuid::Uuid;

pub use blobs::offer;

use crate::server::{REGISTRATION, Scene};

/// A registered worker.
#[derive(Clone, Debug)]
pub struct Worker {
    /// Its id, the same after a restart.
    pub id: Uuid,
    http: Client,
    base: String,
    token: String,
}

/// One attempt in its hands.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// What the server gave.
    pub assignment: Assignment,
    http: Client,
    base: String,
}

impl Worker {
    /// Registers one.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn register(scene: &Scene, name: &str) -> Result<Self> {
        Self::again(scene, name, Uuid::now_v7()).await
    }

    /// Registers a new process of the worker `id`.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn again(scene: &Scene, name: &str, id: Uuid) -> Result<Self> {
        Self::with(scene, name, id, &json!({})).await
    }

    /// Registers a process of the worker `id` that has these besides: `labels`, `slots`,
    /// `memory_bytes`.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn with(scene: &Scene, name: &str, id: Uuid, besides: &Value) -> Result<Self> {
        let mut request = json!({
            "protocol": PROTOCOL_VERSION, "worker": id, "name": name, "version": "test",
            "slots": 2, "engine": null,
        });
        for (key, value) in besides.as_object().into_iter().flatten() {
            request[key] = value.clone();
        }
        let response = scene
            .request(Method::POST, "/api/worker/v1/register")
            .bearer_auth(REGISTRATION)
            .json(&request)
            .send()
            .await?
            .error_for_status()?;
        let registered: Value = response.json().await?;
        let token = registered["token"].as_str().context("a token")?.to_owned();
        Ok(Self { id, http: scene.http.clone(), base: scene.base.clone(), token })
    }

    /// Asks for work, as long as the server lets it wait.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn ask(&self, lane: &str) -> Result<Option<Attempt>> {
        self.ask_with_room(lane, None).await
    }

    /// The same with so many bytes of memory left; none: all of them.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn ask_with_room(&self, lane: &str, room: Option<u64>) -> Result<Option<Attempt>> {
        let response = self
            .http
            .post(format!("{}/api/worker/v1/claim", self.base))
            .bearer_auth(&self.token)
            .json(&json!({ "protocol": PROTOCOL_VERSION, "lane": lane, "room_bytes": room }))
            .send()
            .await?
            .error_for_status()?;
        if response.status() == StatusCode::NO_CONTENT {
            return Ok(None);
        }
        let assignment = response.json().await?;
        Ok(Some(Attempt { assignment, http: self.http.clone(), base: self.base.clone() }))
    }

    /// Says that it takes no more work.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn drain(&self) -> Result<()> {
        let url = format!("{}/api/worker/v1/drain", self.base);
        let request = self.http.post(url).bearer_auth(&self.token);
        request.send().await?.error_for_status()?;
        Ok(())
    }

    /// Claims work that must be there.
    ///
    /// # Errors
    /// When there is none.
    pub async fn claim(&self, lane: &str) -> Result<Attempt> {
        self.ask(lane).await?.with_context(|| format!("no {lane} work came"))
    }

    /// Is there nothing to claim now? Waits a moment, as a worker would.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn finds_nothing(&self, lane: &str) -> Result<bool> {
        match tokio::time::timeout(Duration::from_millis(300), self.ask(lane)).await {
            Ok(answer) => Ok(answer?.is_none()),
            Err(_) => Ok(true),
        }
    }

    /// Claims the planning that must be there and reports this plan.
    ///
    /// # Errors
    /// When the server takes neither.
    pub async fn plan(&self, plan: &Plan) -> Result<Attempt> {
        let attempt = self.claim("plan").await?;
        let result = json!({ "result": "planned", "plan": plan });
        let status = attempt.report_plan(&result).await?.status();
        anyhow::ensure!(status == StatusCode::NO_CONTENT, "the plan was answered {status}");
        Ok(attempt)
    }
}

impl Attempt {
    /// Speaks to another server from here on.
    pub fn go_on_at(&mut self, scene: &Scene) {
        self.base.clone_from(&scene.base);
    }

    /// Calls the server about this attempt.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn call(&self, what: &str, body: &Value) -> Result<Response> {
        let url =
            format!("{}/api/worker/v1/attempts/{}/{what}", self.base, self.assignment.attempt);
        let request = self.http.post(url).bearer_auth(self.assignment.token.expose()).json(body);
        Ok(request.send().await?)
    }

    /// Puts something of this attempt at the server.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn call_put(&self, what: &str, body: &Value) -> Result<Response> {
        let url =
            format!("{}/api/worker/v1/attempts/{}/{what}", self.base, self.assignment.attempt);
        let request = self.http.put(url).bearer_auth(self.assignment.token.expose()).json(body);
        Ok(request.send().await?)
    }

    /// Reports a plan's result.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn report_plan(&self, result: &Value) -> Result<Response> {
        let report = json!({
            "message": "From the commit", "author": "Ada", "result": result, "diagnostics": [],
        });
        self.call("plan", &report).await
    }

    /// Appends to the log.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn append(&self, offset: usize, bytes: &[u8]) -> Result<(StatusCode, Value)> {
        let id = self.assignment.attempt;
        let url = format!("{}/api/worker/v1/attempts/{id}/log?offset={offset}", self.base);
        let request = self.http.put(url).bearer_auth(self.assignment.token.expose());
        let response = request.body(bytes.to_vec()).send().await?;
        Ok((response.status(), response.json().await?))
    }

    /// Finishes with an outcome (`{"outcome": "passed"}`), having written this log.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn finish(&self, outcome: &Value, log: &[u8]) -> Result<Response> {
        let request = json!({
            "outcome": outcome, "log_length": log.len(),
            "log_sha256": hex::encode(Sha256::digest(log)),
        });
        self.call("finish", &request).await
    }

    /// Finishes as passed, without a log.
    ///
    /// # Errors
    /// When the server does not take it.
    pub async fn pass(&self) -> Result<()> {
        let status = self.finish(&json!({ "outcome": "passed" }), b"").await?.status();
        anyhow::ensure!(status == StatusCode::NO_CONTENT, "finish was answered {status}");
        Ok(())
    }

    /// Renews the lease; answers the cancel request, if any.
    ///
    /// # Errors
    /// When the server does not take it.
    pub async fn heartbeat(&self) -> Result<Option<String>> {
        let response = self.call("heartbeat", &json!({})).await?.error_for_status()?;
        let answer: Value = response.json().await?;
        Ok(answer["cancel"].as_str().map(str::to_owned))
    }
}

/// A job of one command, in a stage (from 0).
#[must_use]
pub fn job(number: i32, stage: i32) -> JobPlan {
    let script = PhasePlan::Run { commands: vec![Command("true".to_owned())] };
    JobPlan {
        number: JobNumber(number),
        name: format!("job {number}"),
        stage: StageIndex(stage),
        axes: Vec::new(),
        allow_failure: false,
        language: "generic".to_owned(),
        image: JobImage::Named { reference: "busybox".to_owned() },
        services: Vec::new(),
        env: Vec::new(),
        phases: Phases { script, ..Phases::default() },
        images: Vec::new(),
        secrets: SecretScope::Named { names: Vec::new() },
        deploys: Vec::new(),
        timeout: None,
        silence: None,
        git: GitOptions::default(),
        apt: Vec::new(),
        docker: false,
        order: slipway_pipelines::plan::Order::default(),
        carry: slipway_pipelines::plan::Carry::default(),
        machine: slipway_pipelines::plan::Machine::default(),
    }
}

/// A deploy by a script, to `production`, whenever its job passed.
#[must_use]
pub fn script_deploy() -> DeployPlan {
    DeployPlan {
        provider: Provider::Script { command: Command("true".to_owned()), verify: None },
        on: DeployOn::default(),
        environment: Some("production".parse().expect("a name")),
        secrets: SecretScope::All,
        soak: None,
        timeout: None,
        rollback: RollbackPolicy::Auto,
        allow_failure: false,
        migrate: None,
        promote: None,
    }
}

/// A plan of these jobs.
#[must_use]
pub fn plan(jobs: Vec<JobPlan>) -> Plan {
    let last = jobs.iter().map(|job| job.stage.0).max().unwrap_or(0);
    let stages = (0..=last).map(|stage| StagePlan { name: format!("stage {stage}") }).collect();
    Plan {
        file: ".ci.yml".to_owned(),
        stages,
        jobs,
        dropped: Vec::new(),
        fast_finish: false,
        concurrency: None,
        notifications: slipway_pipelines::plan::Notifications::default(),
    }
}
