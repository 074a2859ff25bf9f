//! Rows of a history that did not happen, put in the way the real ones look.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context, Result};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use slipway_pipelines::ids::AttemptId;
use slipway_server::state::Server;
use slipway_server::store::logs;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

/// The time that many seconds ago.
pub(crate) fn ago(seconds: i64) -> DateTime<Utc> {
    DateTime::<Utc>::from(SystemTime::now()) - TimeDelta::seconds(seconds)
}

/// A commit id that depends on the number only.
pub(crate) fn commit(number: i32) -> String {
    let digits =
        format!("{:016x}", u64::from(number.unsigned_abs()).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    format!("{digits}{digits}{digits}")[..40].to_owned()
}

/// A run, by the seconds since it was created, started and ended.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) id: Uuid,
    pub(crate) repo: Uuid,
    pub(crate) number: i32,
    pub(crate) branch: String,
    pub(crate) subject: String,
    pub(crate) actor: &'static str,
    pub(crate) state: &'static str,
    pub(crate) reason: Option<&'static str>,
    pub(crate) created: i64,
    pub(crate) started: Option<i64>,
    pub(crate) finished: Option<i64>,
    pub(crate) diagnostics: Value,
}

/// A job of it. Its first step begins when it starts.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) number: i32,
    pub(crate) name: String,
    pub(crate) stage: (i32, &'static str),
    pub(crate) axes: Vec<(&'static str, &'static str)>,
    pub(crate) allow_failure: bool,
    pub(crate) state: &'static str,
    pub(crate) reason: Option<&'static str>,
    pub(crate) started: Option<i64>,
    pub(crate) finished: Option<i64>,
    pub(crate) steps: Vec<Step>,
}

/// A step with what it printed; without an outcome it runs.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) phase: &'static str,
    pub(crate) title: &'static str,
    pub(crate) text: String,
    pub(crate) outcome: Option<Value>,
    pub(crate) seconds: i64,
}

/// A step that ended with this exit code.
pub(crate) fn step(
    phase: &'static str,
    title: &'static str,
    text: impl Into<String>,
    code: i32,
    seconds: i64,
) -> Step {
    let outcome = Some(json!({ "outcome": "exited", "code": code }));
    Step { phase, title, text: text.into(), outcome, seconds }
}

/// A built-in action that did its work.
pub(crate) fn done(title: &'static str, text: &str, seconds: i64) -> Step {
    let outcome = Some(json!({ "outcome": "done" }));
    Step { phase: "prepare", title, text: text.to_owned(), outcome, seconds }
}

/// What is filled, and what the tests need to know of it.
pub(crate) struct Seed {
    pub(crate) server: Arc<Server>,
    pub(crate) worker: Uuid,
    pub(crate) lost_worker: Uuid,
    pub(crate) named_deployments: BTreeMap<&'static str, Uuid>,
    /// The job whose log grows: run, job, attempt, bytes so far.
    pub(crate) growing: Option<(Uuid, Uuid, Uuid, u64)>,
}

impl Seed {
    pub(crate) fn new(server: Arc<Server>) -> Self {
        let (worker, lost_worker) = (Uuid::now_v7(), Uuid::now_v7());
        let named_deployments = BTreeMap::new();
        Self { server, worker, lost_worker, named_deployments, growing: None }
    }

    pub(crate) async fn everything(&mut self) -> Result<()> {
        for (id, name, seen, slots) in
            [(self.worker, "forge-1", -86_400, 4), (self.lost_worker, "attic", 4000, 2)]
        {
            let engine = "Docker 27.3.1";
            let row = json!({ "id": id, "name": name, "version": "0.1.0", "engine": engine,
                              "slots": slots, "last_seen_at": ago(seen) });
            self.put("workers", row).await?;
        }
        self.shop().await?;
        self.cloud().await?;
        self.crowd().await
    }

    /// Inserts the columns that the object names; the others get their defaults.
    pub(crate) async fn put(&self, table: &str, row: Value) -> Result<()> {
        let object = row.as_object().context("a row is an object")?;
        let columns = object.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        // Table and columns are words of this program.
        let statement = AssertSqlSafe(format!(
            "INSERT INTO {table} ({columns})
             SELECT {columns} FROM jsonb_populate_record(null::{table}, $1)"
        ));
        sqlx::query(statement)
            .bind(&row)
            .execute(self.server.db.pool())
            .await
            .with_context(|| format!("{table}: {row}"))?;
        Ok(())
    }

    pub(crate) async fn repo(&self, name: &str, next_run: i32, enabled: bool) -> Result<Uuid> {
        let id = Uuid::now_v7();
        let row = json!({ "id": id, "name": name, "kind": "git", "default_branch": "main",
                          "clone_url": format!("/srv/git/{name}.git"), "webhook_key": "\\x00",
                          "enabled": enabled, "next_run_number": next_run });
        self.put("repos", row).await?;
        Ok(id)
    }

    pub(crate) async fn run(&self, run: &Run) -> Result<()> {
        let delivery = Uuid::now_v7();
        let trigger = json!({
            "event": { "kind": "push", "branch": run.branch }, "commit": commit(run.number),
            "before": null, "message": run.subject, "author": run.actor,
            "actor": { "kind": "local", "name": run.actor },
        });
        let guid = format!("refs/heads/{}@{}", run.branch, &commit(run.number)[..12]);
        let received = json!({ "id": delivery, "source": "git", "guid": guid, "repo_id": run.repo,
                               "event": "push", "payload": "\\x7b7d",
                               "received_at": ago(run.created) });
        self.put("deliveries", received).await?;
        let row = json!({ "id": run.id, "repo_id": run.repo, "number": run.number,
            "delivery_id": delivery, "trigger": trigger, "branch": run.branch,
            "commit_sha": commit(run.number), "subject": run.subject, "actor": run.actor,
            "event": "push", "state": run.state, "reason": run.reason,
            "diagnostics": run.diagnostics, "created_at": ago(run.created),
            "started_at": run.started.map(ago), "finished_at": run.finished.map(ago) });
        self.put("runs", row).await?;
        sqlx::query("UPDATE deliveries SET state = 'triggered', run_id = $2, decided_at = received_at WHERE id = $1")
            .bind(delivery)
            .bind(run.id)
            .execute(self.server.db.pool())
            .await?;
        Ok(())
    }

    /// The job, with its attempt and log if it ever started. Answers the job's and attempt's ids.
    pub(crate) async fn job(&mut self, run: &Run, job: &Job) -> Result<(Uuid, Uuid)> {
        let (id, attempt) = (Uuid::now_v7(), Uuid::now_v7());
        let begun = job.started.is_some();
        let queued = begun || job.state == "queued";
        let image = begun.then_some("python:3.12");
        let digest = begun.then(|| format!("sha256:{}", commit(91).repeat(2)));
        let row = json!({ "id": id, "run_id": run.id, "number": job.number, "name": job.name,
            "stage": job.stage.0, "stage_name": job.stage.1, "allow_failure": job.allow_failure,
            "plan": plan(job), "state": job.state, "reason": job.reason,
            "attempt": i32::from(begun), "worker_id": begun.then_some(self.worker),
            "image": image, "image_digest": digest.map(|text| text[..71].to_owned()),
            "created_at": ago(run.created - 2), "queued_at": queued.then(|| ago(run.created - 3)),
            "first_started_at": job.started.map(ago), "started_at": job.started.map(ago),
            "finished_at": job.finished.map(ago) });
        self.put("jobs", row).await?;
        let Some(started) = job.started else {
            if job.state == "queued" {
                self.assignment(run, id, "queued", 0).await?;
            }
            return Ok((id, attempt));
        };
        let assignment = self.assignment(run, id, "leased", 1).await?;
        self.attempt(run, id, assignment, attempt, 1, started).await?;
        let length = self.log(attempt, started, &job.steps).await?;
        if job.state == "running" {
            self.growing.get_or_insert((run.id, id, attempt, length));
        } else {
            self.end(assignment, attempt, job.state, job.reason, job.finished).await?;
        }
        Ok((id, attempt))
    }

    pub(crate) async fn assignment(
        &self,
        run: &Run,
        job: Uuid,
        state: &str,
        attempt: i32,
    ) -> Result<Uuid> {
        let id = Uuid::now_v7();
        let leased = state == "leased";
        let row = json!({ "id": id, "lane": "job", "kind": "job", "run_id": run.id, "job_id": job,
            "state": state, "attempt": attempt, "worker_id": leased.then_some(self.worker),
            "lease_until": leased.then(|| ago(-86_400)), "created_at": ago(run.created) });
        self.put("assignments", row).await?;
        Ok(id)
    }

    pub(crate) async fn attempt(
        &self,
        run: &Run,
        job: Uuid,
        assignment: Uuid,
        id: Uuid,
        number: i32,
        started: i64,
    ) -> Result<()> {
        let row = json!({ "id": id, "assignment_id": assignment, "run_id": run.id, "job_id": job,
                          "number": number, "worker_id": self.worker, "state": "running",
                          "started_at": ago(started) });
        self.put("attempts", row).await
    }

    async fn end(
        &self,
        assignment: Uuid,
        attempt: Uuid,
        state: &str,
        reason: Option<&str>,
        finished: Option<i64>,
    ) -> Result<()> {
        sqlx::query("UPDATE attempts SET state = $2, reason = $3, finished_at = $4 WHERE id = $1")
            .bind(attempt)
            .bind(state)
            .bind(reason)
            .bind(finished.map(ago))
            .execute(self.server.db.pool())
            .await?;
        sqlx::query("UPDATE assignments SET state = 'done', lease_until = NULL WHERE id = $1")
            .bind(assignment)
            .execute(self.server.db.pool())
            .await?;
        Ok(())
    }

    /// The steps and what they printed; answers the log's length.
    async fn log(&self, attempt: Uuid, started: i64, steps: &[Step]) -> Result<u64> {
        let (mut text, mut at) = (String::new(), started);
        for (step, number) in steps.iter().zip(1..) {
            let from = text.len();
            text.push_str(&step.text);
            let over = step.outcome.is_some();
            let row = json!({ "attempt_id": attempt, "number": number, "phase": step.phase,
                "title": step.title, "log_from": from, "log_to": over.then_some(text.len()),
                "outcome": step.outcome, "started_at": ago(at),
                "finished_at": over.then(|| ago(at - step.seconds)) });
            self.put("steps", row).await?;
            at -= step.seconds;
        }
        let length = logs::append(&self.server, AttemptId::from(attempt), 0, Bytes::from(text));
        length.await.context("the log is taken")
    }
}

fn plan(job: &Job) -> Value {
    let axes: Vec<Value> =
        job.axes.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
    let absent = json!({ "kind": "absent" });
    let mut phases = serde_json::Map::new();
    for phase in [
        "before_install",
        "install",
        "before_script",
        "after_success",
        "after_failure",
        "before_deploy",
        "after_deploy",
        "after_script",
    ] {
        phases.insert(phase.to_owned(), absent.clone());
    }
    phases.insert("script".to_owned(), json!({ "kind": "run", "commands": ["pytest -q"] }));
    json!({ "number": job.number, "name": job.name, "stage": job.stage.0, "axes": axes,
        "allow_failure": job.allow_failure, "language": "generic",
        "image": { "kind": "named", "reference": "python:3.12" }, "services": [], "env": [],
        "phases": phases, "images": [], "secrets": { "kind": "named", "names": [] },
        "deploys": [], "timeout": null })
}
