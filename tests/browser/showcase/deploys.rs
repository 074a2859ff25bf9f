//! Deployments in every state.

use anyhow::Result;
use serde_json::{Value, json};
use slipway_pipelines::plan::{
    Command, DeployOn, DeployPlan, Provider, RollbackPolicy, SecretScope,
};
use uuid::Uuid;

use super::runs::job;
use super::seed::{Run, Seed, ago, commit, done, step};

const HOUR: i64 = 3600;

fn version(number: i32) -> Value {
    let digest = format!("sha256:{}", commit(number).repeat(2));
    json!({ "commit": commit(number), "digest": &digest[..71],
            "image": format!("registry.example/shop@{}", &digest[..71]) })
}

fn hops(names: &[(&str, &str)], begun: i64) -> Value {
    let hop = |((name, detail), at): (&(&str, &str), i64)| json!({ "name": name, "detail": detail, "at": ago(begun - at * 4) });
    names.iter().zip(1_i64..).map(hop).collect()
}

const GOOD: &[(&str, &str)] = &[
    ("built", "sha256:9b1d0c, 41 MB, 6 layers"),
    ("pushed", "registry.example/shop@sha256:9b1d0c17"),
    ("started", "container slipway-shop-42 on forge-1"),
    ("healthy", "GET /health answered 200 in 12 ms"),
    ("switched", "127.0.0.1:18080 now goes to slipway-shop-42"),
    ("soaked", "healthy for 30 s, 15 of 15 checks"),
];

struct Story {
    name: &'static str,
    state: &'static str,
    reason: Option<&'static str>,
    hops: usize,
    evidence: Value,
    findings: Value,
    asked: bool,
    over: bool,
}

fn story(
    name: &'static str,
    state: &'static str,
    reason: Option<&'static str>,
    hops: usize,
) -> Story {
    let over = matches!(state, "live" | "failed" | "rolled_back" | "superseded");
    Story {
        name,
        state,
        reason,
        hops,
        evidence: json!([]),
        findings: json!([]),
        asked: false,
        over,
    }
}

/// A plan that the server can read, for what is decided in the browser.
fn by_script() -> DeployPlan {
    DeployPlan {
        provider: Provider::Script { command: Command("./ship".to_owned()), verify: None },
        on: DeployOn::default(),
        environment: None,
        secrets: SecretScope::All,
        soak: None,
        timeout: None,
        rollback: RollbackPolicy::Auto,
        allow_failure: false,
        migrate: None,
        promote: None,
    }
}

/// A rollout on a cluster that has no room for all of it.
fn stuck() -> Story {
    let event = "0/2 nodes are available: 1 Insufficient memory, 1 Too many pods. preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.";
    let pods = "web-6d5f8c9b7-2x4kq Pending\nweb-6d5f8c9b7-4m9zt Pending\nweb-6d5f8c9b7-7c2wd Pending <and 11 more>\n";
    let reason = Some("14/30 pods of Deployment web can not be placed");
    let mut stuck = story("kubernetes_stuck", "failed", reason, 2);
    stuck.findings = json!([
        { "code": "insufficient-memory", "subject": "14/30 pods of Deployment web", "verdict": "fatal",
          "sentence": "each pod asks for `256Mi`; node1 has 100Mi of 4096Mi left, node2 has 0Mi of 4096Mi left",
          "since": ago(240), "count": 14,
          "evidence": [ { "source": "event FailedScheduling of pod web-6d5f8c9b7-2x4kq", "text": event },
                        { "source": "pods that wait", "text": pods } ],
          "difference": "replicas were 16 and are 30",
          "next": "Ask for less memory in `resources.requests`, run fewer pods, or add a node." },
        { "code": "image-pull-slow", "subject": "2/30 pods of Deployment web", "verdict": "transient",
          "sentence": "the image is being pulled for 95 s", "count": 1, "evidence": [],
          "next": "Wait, or use a smaller image." },
        { "code": "pods-terminating", "subject": "1 pod of the version before", "verdict": "waiting",
          "sentence": "it has 30 s to end", "count": 1, "evidence": [],
          "log_tail": "SIGTERM, finishing 3 requests\n", "next": "Nothing: it ends by itself." } ]);
    stuck
}

impl Seed {
    pub(crate) async fn deployed(&mut self, repo: Uuid) -> Result<()> {
        let mut environments = Vec::new();
        for (name, url) in
            [("production", Some("http://127.0.0.1:18080")), ("staging", None), ("preview", None)]
        {
            let id = Uuid::now_v7();
            let row = json!({ "id": id, "repo_id": repo, "name": name, "url": url,
                              "created_at": ago(90 * HOUR) });
            self.put("environments", row).await?;
            environments.push(id);
        }
        self.produced(repo, environments[0]).await?;
        let (run, job) = self.shipping(repo, 42, "passed", 300, None).await?;
        let mut asked = story("asked", "waiting", None, 0);
        asked.asked = true;
        for story in
            [story("verifying", "verifying", None, 5), story("waiting", "waiting", None, 0), asked]
        {
            self.deployment(environments[1], &run, job, &story, None).await?;
        }
        let failed = Some("the container ended with 1 before it was healthy");
        let others = [
            story("failed", "failed", failed, 3),
            story("superseded", "superseded", Some("run 42 took its place before it started"), 0),
            story(
                "unknown",
                "unknown",
                Some("worker attic fell silent in the middle: its target is being looked at"),
                4,
            ),
        ];
        for story in others {
            self.deployment(environments[2], &run, job, &story, None).await?;
        }
        self.deployment(environments[2], &run, job, &stuck(), Some(41)).await?;
        sqlx::query("UPDATE environments SET approval = true, branches = '{main}' WHERE id = $1")
            .bind(environments[1])
            .execute(self.server.db.pool())
            .await?;
        Ok(())
    }

    /// What was brought to production: live, taken back, live.
    async fn produced(&mut self, repo: Uuid, environment: Uuid) -> Result<()> {
        let mut rolled_back = story(
            "rolled_back",
            "rolled_back",
            Some("GET /health answered 500 three times; the version before it still serves"),
            3,
        );
        rolled_back.evidence = json!([
            { "source": "GET http://127.0.0.1:49153/health", "text": "HTTP/1.1 500 Internal Server Error\ncontent-type: text/plain\n\nDATABASE_URL is not set" },
            { "source": "last log lines of slipway-shop-41", "text": "listening on :8000\nGET /health 500\nRuntimeError: <no database> & no fallback\nGET /health 500\nGET /health 500" },
        ]);
        rolled_back.findings = json!([{
            "code": "container-unhealthy", "subject": "service shop", "verdict": "fatal", "count": 1,
            "sentence": "/health answered 500 three times", "evidence": rolled_back.evidence,
            "log_tail": "listening on :8000\nRuntimeError: <no database> & no fallback\n",
            "difference": "`3f2a1c0` was live; this is `9b1d0c1`: git log 3f2a1c0..9b1d0c1",
            "next": "Read the answers and the log: the program runs and says by itself that it is not well." }]);
        let production = [
            (39, story("first", "live", None, 6), 30 * HOUR, "passed"),
            (40, rolled_back, 3 * HOUR, "failed"),
            (41, story("live", "live", None, 6), 400, "passed"),
        ];
        let (mut live, mut before) = (None, None);
        for (number, story, created, state) in production {
            let (run, job) = self.shipping(repo, number, state, created, story.reason).await?;
            let id = self.deployment(environment, &run, job, &story, before).await?;
            if story.state == "live" {
                (live, before) = (Some(id), Some(number));
            }
        }
        sqlx::query("UPDATE environments SET live_deployment = $2 WHERE id = $1")
            .bind(environment)
            .bind(live)
            .execute(self.server.db.pool())
            .await?;
        Ok(())
    }

    async fn shipping(
        &mut self,
        repo: Uuid,
        number: i32,
        state: &'static str,
        created: i64,
        reason: Option<&'static str>,
    ) -> Result<(Run, Uuid)> {
        let subject = if state == "failed" {
            "Ask the database for its health"
        } else {
            "Show the delivery time at checkout"
        };
        let run = Run {
            id: Uuid::now_v7(),
            repo,
            number,
            branch: "main".to_owned(),
            subject: subject.to_owned(),
            actor: "ada",
            state,
            reason: None,
            created,
            started: Some(created - 4),
            finished: Some(created - 64),
            diagnostics: json!([{
                "severity": "warning", "code": "unknown-key", "path": "notifications", "span": {"start": 40, "end": 53, "line": 4, "column": 1},
                "message": "Slipway keeps `notifications` but does nothing with it yet",
                "help": "leave it; nothing else changes", "excerpt": " --> .ci.yml:4:1\n  |\n4 | notifications: {email: false}\n  | ^^^^^^^^^^^^^\n  |" }]),
        };
        self.run(&run).await?;
        let mut test = job(1, "test");
        (test.started, test.finished) = (Some(created - 6), Some(created - 20));
        test.steps = vec![
            done("Fetch the commit", "HEAD is now at the commit\n", 1),
            step("script", "pytest -q", "48 passed in 3.62s\n", 0, 9),
        ];
        self.job(&run, &test).await?;
        let mut ship = job(2, "image and deploy");
        (ship.stage, ship.state, ship.reason) = ((1, "deploy"), state, reason);
        (ship.started, ship.finished) = (Some(created - 23), Some(created - 64));
        ship.steps = vec![
            done(
                "Build image shop",
                "#1 FROM python:3.12-slim\n#2 COPY . /app\n#3 exporting\n",
                11,
            ),
            step(
                "deploy",
                "deploy to production",
                if state == "failed" {
                    "GET /health: 500\nGET /health: 500\nGET /health: 500\nrolled back: the version before it still serves\n"
                } else {
                    "healthy\n"
                },
                i32::from(state == "failed"),
                20,
            ),
        ];
        let (job, attempt) = self.job(&run, &ship).await?;
        let built =
            json!({ "attempt_id": attempt, "name": "shop", "digest": &version(number)["digest"] });
        self.put("built_images", built).await?;
        Ok((run, job))
    }

    async fn deployment(
        &mut self,
        environment: Uuid,
        run: &Run,
        job: Uuid,
        story: &Story,
        before: Option<i32>,
    ) -> Result<Uuid> {
        let id = Uuid::now_v7();
        let begun = run.created - 26;
        let row = json!({ "id": id, "environment_id": environment, "run_id": run.id, "job_id": job,
            "attempt_id": Uuid::now_v7(), "deploy_index": 0, "plan": if story.asked { serde_json::to_value(by_script())? } else { json!({}) },
            "version": version(run.number),
            "previous": before.map(version), "actor": run.actor, "state": story.state,
            "reason": story.reason, "hops": hops(&GOOD[..story.hops], begun),
            "evidence": story.evidence, "findings": story.findings,
            "needs_approval": story.asked, "created_at": ago(begun), "started_at": ago(begun - 1),
            "url": if story.hops > 4 { Some("http://127.0.0.1:18080") } else { None },
            "finished_at": if story.over { Some(ago(begun - 38)) } else { None } });
        self.put("deployments", row).await?;
        self.named_deployments.insert(story.name, id);
        Ok(id)
    }
}
