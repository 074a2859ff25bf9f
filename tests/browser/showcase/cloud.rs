//! `acme/cloud`: a private repo of GitHub, with pull requests, requests of every kind, and
//! deployments to Elastic Beanstalk.

use anyhow::Result;
use serde_json::{Value, json};
use uuid::Uuid;

use super::runs::job;
use super::seed::{Run, Seed, ago, commit, done, step};

const HOUR: i64 = 3600;
const MINUTE: i64 = 60;

fn run(
    repo: Uuid,
    number: i32,
    branch: &str,
    state: &'static str,
    subject: &str,
    created: i64,
) -> Run {
    let over = !matches!(state, "planning" | "queued" | "running");
    Run {
        id: Uuid::now_v7(),
        repo,
        number,
        branch: branch.to_owned(),
        subject: subject.to_owned(),
        actor: "grace",
        state,
        reason: None,
        created,
        started: Some(created - 3),
        finished: over.then_some(created - 65),
        diagnostics: json!([]),
    }
}

fn pull(number: i32, title: &str, branch: &str, fork: bool, head: i32) -> Value {
    let from = if fork { "stranger/cloud" } else { "acme/cloud" };
    json!({ "kind": "pull_request", "number": number, "title": title, "base": "main",
        "head_branch": branch, "head_repo": from, "head": commit(head), "fork": fork,
        "draft": number == 7 })
}

/// What the explainer sees in an environment whose instances turned red.
fn found() -> Value {
    json!([
        { "code": "command-failed", "subject": "instance i-0a1b2c", "verdict": "fatal", "count": 2,
          "sentence": "the command of the new version ended with 1 on 2 of 2 instances",
          "since": ago(3 * HOUR),
          "evidence": [{ "source": "event", "text": "ERROR [Instance: i-0a1b2c] Command failed on instance. Return code: 1" }],
          "log_tail": "[ERROR] container_command 01_migrate: relation \"orders\" does not exist\n",
          "next": "Read the engine's log; correct `container_commands`, then deploy again." },
        { "code": "unhealthy-instances", "subject": "environment cloud-prod", "verdict": "transient",
          "sentence": "ELB health is failing on 2 of 2 instances", "count": 1, "evidence": [],
          "next": "It goes when the version before is back." } ])
}

impl Seed {
    pub(crate) async fn cloud(&mut self) -> Result<()> {
        let repo = self.repo("acme/cloud", 12, true).await?;
        self.say(
            "UPDATE repos SET kind = 'github', private = true, forge_id = 7101,
             clone_url = 'https://github.com/acme/cloud.git' WHERE id = $1",
            repo,
            json!(null),
        )
        .await?;
        self.branches_of(repo).await?;
        self.pulls(repo).await?;
        self.asked(repo).await?;
        self.beanstalk(repo).await?;
        self.requests(repo).await
    }

    /// An UPDATE of the row `id`; `$2` is the value.
    async fn say(&self, statement: &'static str, id: Uuid, value: Value) -> Result<()> {
        let pool = self.server.db.pool();
        let mut query = sqlx::query(statement).bind(id);
        if !value.is_null() {
            query = query.bind(value);
        }
        query.execute(pool).await?;
        Ok(())
    }

    async fn branches_of(&mut self, repo: Uuid) -> Result<()> {
        let long = format!("feature/{}", "a-name-without-an-end-".repeat(9));
        for (number, branch, state) in
            [(1, "main", "passed"), (2, "topic/gone", "failed"), (3, long.as_str(), "passed")]
        {
            let mut red = run(repo, number, branch, state, "Speak to the cloud", 30 * HOUR);
            red.created -= i64::from(number) * HOUR;
            (red.started, red.finished) = (Some(red.created - 5), Some(red.created - 50));
            self.run(&red).await?;
        }
        let dropped = run(repo, 4, "main", "passed", "Lint on Tuesdays only", 20 * HOUR);
        self.run(&dropped).await?;
        let mut test = job(1, "python 3.12");
        (test.started, test.finished) = (Some(20 * HOUR - 6), Some(20 * HOUR - 60));
        test.steps = vec![step("script", "pytest -q", "48 passed in 3.62s\n", 0, 40)];
        self.job(&dropped, &test).await?;
        let plan = json!({ "file": ".travis.yml", "stages": [{ "name": "test" }], "jobs": [],
            "dropped": [
                { "name": "stage deploy", "reason": "its condition `tag IS present` does not hold: the trigger has no tag" },
                { "name": "job lint <b>", "reason": "its condition `type = cron` does not hold: the type is push" } ] });
        self.say("UPDATE runs SET plan = $2 WHERE id = $1", dropped.id, plan).await?;
        self.say(
            "INSERT INTO github_reports (run_id, wanted, told, tries, last_error, available_at)
             VALUES ($1, 3, 1, 4, '401, the token is refused', now() + interval '4 minutes')",
            dropped.id,
            json!(null),
        )
        .await
    }

    async fn pulls(&mut self, repo: Uuid) -> Result<()> {
        let subject = "Merge 0123 into 4567";
        for (number, state, pull) in [
            (5, "passed", pull(6, "Round to half even", "rounding", false, 205)),
            (6, "failed", pull(7, "<script>alert(1)</script> & more", "patch-1", true, 206)),
            (7, "passed", pull(4, "Old and closed", "old", false, 7)),
        ] {
            let created = 10 * HOUR - i64::from(number) * 30 * MINUTE;
            let mut run = run(repo, number, "main", state, subject, created);
            run.actor = if number == 6 { "stranger" } else { "ada" };
            self.run(&run).await?;
            let event = "UPDATE runs SET event = 'pull_request',
                 pull_request = ($2 ->> 'number')::bigint,
                 trigger = jsonb_set(trigger, '{event}', $2) WHERE id = $1";
            self.say(event, run.id, pull).await?;
            let of_it = "UPDATE deliveries SET event = 'pull_request', source = 'github',
                         guid = id::text WHERE run_id = $1";
            self.say(of_it, run.id, json!(null)).await?;
            let mut test = job(1, "test");
            (test.started, test.finished) = (Some(created - 5), Some(created - 60));
            let code = i32::from(state == "failed");
            if code == 1 {
                (test.state, test.reason) = ("failed", Some("`make test` exited with 1"));
            }
            test.steps = vec![
                done("Fetch the merge of the pull request", "HEAD is now at the merge\n", 1),
                done("Fetch the submodule lib/sums", "lib/sums is at 9b1d0c1\n", 1),
                done("Install libpq-dev by apt", "libpq-dev is already there\n", 2),
                step("script", "make test", "testing\n", code, 9),
            ];
            let (_, attempt) = self.job(&run, &test).await?;
            let died = "postgres:16 ended with 1 after 2 s\nFATAL: could not map anonymous shared memory\nHINT: <this> is what it said last";
            let service = json!({ "attempt_id": attempt, "name": "postgres",
                "status": if code == 1 { "died" } else { "ready" },
                "detail": if code == 1 { died } else { "postgres:16 took a connection after 1.2 s" } });
            self.put("services", service).await?;
        }
        Ok(())
    }

    async fn asked(&mut self, repo: Uuid) -> Result<()> {
        let mut asked = run(repo, 8, "main", "passed", "Build it again", 5 * HOUR);
        asked.actor = "operator";
        self.run(&asked).await?;
        self.say("UPDATE deliveries SET run_id = NULL, state = 'received', decided_at = NULL WHERE run_id = $1", asked.id, json!(null)).await?;
        self.say("UPDATE runs SET event = 'api', delivery_id = NULL, trigger = jsonb_set(trigger, '{event}', $2) WHERE id = $1",
            asked.id, json!({ "kind": "api", "branch": "main" })).await?;
        let pool = self.server.db.pool();
        sqlx::query("DELETE FROM deliveries WHERE repo_id = $1 AND state = 'received'")
            .bind(repo)
            .execute(pool)
            .await?;
        Ok(())
    }

    async fn beanstalk(&mut self, repo: Uuid) -> Result<()> {
        let environment = Uuid::now_v7();
        let url = "http://cloud-prod.eu-central-1.elasticbeanstalk.com";
        let row = json!({ "id": environment, "repo_id": repo, "name": "cloud-prod", "url": url });
        self.put("environments", row).await?;
        for (name, number, state, reason) in [
            ("beanstalk_live", 9, "live", None),
            (
                "beanstalk_failed",
                10,
                "rolled_back",
                Some("the environment turned Red: `ELB health is failing on 2 of 2 instances`"),
            ),
        ] {
            let created = 4 * HOUR - i64::from(number) * 10 * MINUTE;
            let color = if state == "live" { "passed" } else { "failed" };
            let run = run(repo, number, "main", color, "Ask the load balancer", created);
            self.run(&run).await?;
            let mut ship = job(1, "deploy");
            (ship.state, ship.reason) = (color, reason);
            (ship.started, ship.finished) = (Some(created - 5), Some(created - 64));
            ship.steps = vec![
                step("script", "make test", "testing\n", 0, 9),
                done("Deploy to Elastic Beanstalk", "cloud-prod is being updated\n", 40),
            ];
            let (job, _) = self.job(&run, &ship).await?;
            let id = self.to_beanstalk(environment, &run, job, (state, reason), url).await?;
            self.named_deployments.insert(name, id);
            if state == "live" {
                let live =
                    "UPDATE environments SET live_deployment = ($2 #>> '{}')::uuid WHERE id = $1";
                self.say(live, environment, json!(id)).await?;
            }
        }
        Ok(())
    }

    async fn to_beanstalk(
        &self,
        environment: Uuid,
        run: &Run,
        job: Uuid,
        (state, reason): (&str, Option<&str>),
        url: &str,
    ) -> Result<Uuid> {
        let label = |number: i32| format!("slipway-{}-{number}", &commit(number)[..7]);
        let version = |number: i32| json!({ "commit": commit(number), "digest": null, "image": null, "label": label(number) });
        let begun = run.created - 20;
        let hop = |name: &str, detail: String, at: i64| json!({ "name": name, "detail": detail, "at": ago(begun - at) });
        let mut hops = vec![
            hop("packed", "1204 KiB, sha256 9b1d0c17a3…".to_owned(), 1),
            hop("uploaded", format!("s3://acme-bundles/cloud/{}.zip", label(run.number)), 4),
            hop("version created", label(run.number), 6),
            hop("updating", format!("cloud-prod to {}", label(run.number)), 7),
        ];
        let (mut evidence, mut previous) = (json!([]), Value::Null);
        if state == "live" {
            hops.push(hop("healthy", "Ready, Green, Ok: 2 of 2 instances".to_owned(), 31));
            hops.push(hop("soaked", "Ok for 10 seconds".to_owned(), 41));
        } else {
            hops.push(hop("going back", format!("cloud-prod to {}", label(9)), 33));
            previous = version(9);
            let engine = (0..600).map(|line| format!("Nov 24 12:0{}:00 ip-10-0-1-{line} eb-engine[{line}]: [ERROR] <health> & more of the same\n", line % 10));
            evidence = json!([
                { "source": "causes of the health", "text": "Red: ELB health is failing or not available for all instances.\n100.0 % of the requests are failing with HTTP 5xx." },
                { "source": "events of the environment", "text": "12:01:04 ERROR Failed to deploy application.\n12:01:02 ERROR [Instance: i-0a1b2c] Command failed on instance. Return code: 1 Output: Engine execution has encountered an error.\n12:00:58 INFO Deploying new version to instance(s)." },
                { "source": "eb-engine.log of i-0a1b2c", "text": engine.collect::<String>() } ]);
        }
        let findings = if state == "live" { json!([]) } else { found() };
        let id = Uuid::now_v7();
        let target = json!({ "provider": "elasticbeanstalk", "app": "cloud", "env": "cloud-prod",
                             "region": "eu-central-1", "bucket": "acme-bundles" });
        let row = json!({ "id": id, "environment_id": environment, "run_id": run.id, "job_id": job,
            "attempt_id": Uuid::now_v7(), "deploy_index": 0, "plan": { "provider": target },
            "version": version(run.number), "previous": previous, "actor": run.actor,
            "state": state, "reason": reason, "url": url, "hops": hops, "evidence": evidence,
            "findings": findings, "created_at": ago(begun), "started_at": ago(begun - 1), "finished_at": ago(begun - 44) });
        self.put("deployments", row).await?;
        Ok(id)
    }

    async fn requests(&mut self, repo: Uuid) -> Result<()> {
        let gone = "0".repeat(40);
        let ignored = [
            (
                "push",
                json!({ "ref": "refs/heads/topic/gone", "after": gone, "deleted": true }),
                "the branch or tag was deleted",
            ),
            ("push", json!({ "ref": "refs/heads/main" }), "the commit message says [skip ci]"),
            (
                "pull_request",
                json!({ "action": "closed", "number": 4 }),
                "the pull request was closed",
            ),
            (
                "pull_request",
                json!({ "action": "labeled", "number": 6 }),
                "the action `labeled` of a pull request starts nothing",
            ),
            ("issues", json!({ "action": "opened" }), "the event issues starts nothing"),
            (
                "push",
                json!("<script>"),
                "its payload can not be read: expected value at line 1 column 1",
            ),
        ];
        for ((event, payload, reason), at) in ignored.into_iter().zip(1..) {
            let payload = format!("\\x{}", hex::encode(payload.to_string()));
            let row = json!({ "id": Uuid::now_v7(), "source": "github",
                "guid": Uuid::now_v7().to_string(), "repo_id": repo, "event": event,
                "payload": payload, "state": "ignored", "reason": reason,
                "received_at": ago(at * 100), "decided_at": ago(at * 100 - 1) });
            self.put("deliveries", row).await?;
        }
        let mut open = run(repo, 11, "main", "queued", "Wait for it", 40);
        open.started = None;
        self.run(&open).await?;
        let mut only = job(1, "test");
        only.state = "queued";
        self.job(&open, &only).await.map(drop)
    }
}
