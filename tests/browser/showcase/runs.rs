//! `acme/shop`: a run in every state, and what people meet in logs.

use anyhow::Result;
use serde_json::{Value, json};
use slipway_pipelines::plan::check;
use uuid::Uuid;

use super::seed::{Job, Run, Seed, Step, ago, done, step};

const HOUR: i64 = 3600;

/// A job of the test stage that passed.
pub(crate) fn job(number: i32, name: &str) -> Job {
    Job {
        number,
        name: name.to_owned(),
        stage: (0, "test"),
        axes: Vec::new(),
        allow_failure: false,
        state: "passed",
        reason: None,
        started: None,
        finished: None,
        steps: Vec::new(),
    }
}

fn run(repo: Uuid, number: i32, state: &'static str, subject: &str, created: i64) -> Run {
    Run {
        id: Uuid::now_v7(),
        repo,
        number,
        branch: "main".to_owned(),
        subject: subject.to_owned(),
        actor: if number % 3 == 0 { "grace" } else { "ada" },
        state,
        reason: None,
        created,
        started: Some(created - 4),
        finished: None,
        diagnostics: json!([]),
    }
}

fn prepared() -> Vec<Step> {
    vec![
        done(
            "Fetch the commit",
            "Fetching from /srv/git/acme/shop.git\nHEAD is now at the commit\n",
            1,
        ),
        done("Prepare the image python:3.12", "python:3.12 is on this engine\n", 1),
        done("Start service redis:7", "redis is ready after 0.4 s\n", 1),
        step("install", "pip install -r requirements.txt", install(), 0, 9),
    ]
}

fn install() -> String {
    let mut text = String::from("Collecting flask==3.0.3\n");
    for name in ["werkzeug", "jinja2", "itsdangerous", "click", "blinker", "redis", "pytest"] {
        text.push_str(&format!("\u{1b}[2K  Downloading {name}  10%\r  Downloading {name} 100%\n"));
    }
    text.push_str("\u{1b}[33mWARNING: Running pip as the 'root' user\u{1b}[0m\n\u{1b}[32mSuccessfully installed 8 packages\u{1b}[0m\n");
    text
}

fn red_tests() -> String {
    "============================= test session starts ==============================\n\
     platform linux -- Python 3.12.3, pytest-8.2.2, pluggy-1.5.0\n\
     collected 48 items\n\n\
     tests/test_cart.py \u{1b}[32m..................\u{1b}[0m                                    [ 37%]\n\
     tests/test_checkout.py \u{1b}[32m.......\u{1b}[31mF\u{1b}[32m......\u{1b}[0m                                [ 66%]\n\
     tests/test_search.py \u{1b}[32m................\u{1b}[0m                                    [100%]\n\n\
     =================================== FAILURES ===================================\n\
     \u{1b}[31m\u{1b}[1m____________________ test_total_rounds_half_to_even ____________________\u{1b}[0m\n\n\
     \u{1b}[90m    def\u{1b}[0m test_total_rounds_half_to_even():\n\
     \u{1b}[31m>       assert total([Decimal('0.125')] * 2) == Decimal('0.25')\u{1b}[0m\n\
     \u{1b}[31mE       AssertionError: assert Decimal('0.26') == Decimal('0.25')\u{1b}[0m\n\n\
     \u{1b}[1m\u{1b}[31mtests/test_checkout.py\u{1b}[0m:41: AssertionError\n\
     =========================== short test summary info ============================\n\
     \u{1b}[31mFAILED\u{1b}[0m tests/test_checkout.py::\u{1b}[1mtest_total_rounds_half_to_even\u{1b}[0m\n\
     \u{1b}[31m========================= \u{1b}[1m1 failed\u{1b}[0m\u{1b}[31m, 47 passed in 3.81s =========================\u{1b}[0m\n"
        .to_owned()
}

fn all_kinds_of_text() -> String {
    let mut text = String::from(
        "\u{1b}[1mbold\u{1b}[0m \u{1b}[2mdim\u{1b}[0m \u{1b}[3mitalic\u{1b}[0m \u{1b}[4munderlined\u{1b}[0m\n",
    );
    for colour in 0..8 {
        text.push_str(&format!("\u{1b}[3{colour}mcolour {colour}\u{1b}[0m \u{1b}[9{colour}mbright\u{1b}[0m \u{1b}[4{colour}mbackground\u{1b}[0m\n"));
    }
    text.push_str("<script>alert('not run')</script> & <b>not bold</b>\n");
    text.push_str("日本語 · العربية · עברית · e\u{301} · 👩‍👩‍👧‍👦 · ﷽\n");
    text.push_str(&"one very long line without a break ".repeat(60));
    text.push_str("\n\ttabs\tand\ttabs\n");
    text
}

impl Seed {
    /// The busy repo.
    pub(crate) async fn shop(&mut self) -> Result<()> {
        let repo = self.repo("acme/shop", 46, true).await?;
        for name in ["REGISTRY_PASSWORD", "REGISTRY_USER", "SENTRY_DSN"] {
            let row = json!({ "id": Uuid::now_v7(), "repo_id": repo, "name": name, "key_id": "k",
                              "sealed": "\\x00", "updated_at": ago(40 * HOUR) });
            self.put("secrets", row).await?;
        }
        self.caches(repo).await?;
        self.history(repo).await?;
        self.red(repo).await?;
        self.without_jobs(repo).await?;
        self.texts(repo).await?;
        self.endless(repo).await?;
        self.lost(repo).await?;
        self.deployed(repo).await?;
        self.open(repo).await?;
        self.ignored(repo).await
    }

    async fn history(&mut self, repo: Uuid) -> Result<()> {
        let subjects = [
            "Sort the search results by relevance",
            "Bump flask to 3.0.3",
            "Keep the cart over a login",
            "Round totals half to even",
            "Show the delivery time",
        ];
        for number in 1..=30_i32 {
            let state = match number % 9 {
                4 => "failed",
                8 => "errored",
                _ => "passed",
            };
            let created = i64::from(40 - number) * 5 * HOUR;
            let subject = subjects[usize::try_from(number).unwrap_or(0) % subjects.len()];
            let mut run = run(repo, number, state, subject, created);
            run.finished = Some(created - 40 - i64::from(number * 37 % 50));
            run.reason = (state == "errored").then_some("the image could not be had");
            self.run(&run).await?;
        }
        Ok(())
    }

    async fn red(&mut self, repo: Uuid) -> Result<()> {
        let mut red = run(repo, 31, "failed", "Round totals half to even", 2 * HOUR);
        red.finished = Some(2 * HOUR - 58);
        self.run(&red).await?;
        for (number, python, database) in [
            (1, "3.11", "redis"),
            (2, "3.12", "redis"),
            (3, "3.11", "postgres"),
            (4, "3.12", "postgres"),
        ] {
            let mut job = job(number, &format!("python {python}, DB={database}"));
            job.axes = vec![
                ("python", python),
                ("env", if database == "redis" { "DB=redis" } else { "DB=postgres" }),
            ];
            job.started = Some(2 * HOUR - 6 - i64::from(number));
            job.finished = Some(2 * HOUR - 22 - i64::from(number * 5));
            job.steps = prepared();
            if number == 2 {
                (job.state, job.reason) = ("failed", Some("`pytest -q` exited with 1"));
                job.steps.push(step("script", "pytest -q", red_tests(), 1, 5));
                job.steps.push(step(
                    "after_failure",
                    "tail -n 3 shop.log",
                    "cart ready\ncheckout ready\nlistening on :8000\n",
                    0,
                    1,
                ));
            } else {
                job.steps.push(step("script", "pytest -q", "48 passed in 3.62s\n", 0, 5));
            }
            let (id, attempt) = self.job(&red, &job).await?;
            let failed = [
                (
                    "tests.test_checkout",
                    "test_total_rounds_half_to_even",
                    "failed",
                    "    def test_total_rounds_half_to_even():\n>       assert total([Decimal('0.125')] * 2) == Decimal('0.25')\n\u{1b}[31mE       AssertionError: assert Decimal('0.26') == Decimal('0.25')\u{1b}[0m\n\ntests/test_checkout.py:41: AssertionError",
                ),
                (
                    "tests.test_search",
                    "test_<b>html</b>[a-parameter-without-a-blank-that-goes-on-and-on-and-on-and-on-and-on-and-on]",
                    "errored",
                    "",
                ),
            ];
            let red_here = if number == 2 { &failed[..] } else { &[] };
            self.tests(&red, (id, attempt), 47, red_here).await?;
            if number < 3 {
                let files = ["shop.log".to_owned(), "coverage/<i>index</i>.html".to_owned()];
                self.artifact(&red, (id, attempt), "logs & coverage", &files, 48_213).await?;
            }
            let service = json!({ "attempt_id": attempt, "name": "redis", "status": "ready",
                                  "detail": "redis:7 answered PING after 0.4 s" });
            self.put("services", service).await?;
            let grant = json!({ "attempt_id": attempt, "secret_id": id, "name": "SENTRY_DSN" });
            self.put("secret_grants", grant).await?;
        }
        let mut nightly = job(5, "python nightly");
        nightly.allow_failure = true;
        (nightly.state, nightly.reason) = ("failed", Some("`pytest -q` exited with 2"));
        (nightly.started, nightly.finished) = (Some(2 * HOUR - 8), Some(2 * HOUR - 19));
        nightly.steps =
            vec![step("script", "pytest -q", "ImportError: no module named tomllib2\n", 2, 4)];
        self.job(&red, &nightly).await?;
        let mut ship = job(6, "image and deploy");
        ship.stage = (1, "deploy");
        (ship.state, ship.reason) = ("skipped", Some("stage \"test\" failed"));
        ship.finished = Some(2 * HOUR - 58);
        self.job(&red, &ship).await?;
        Ok(())
    }

    async fn without_jobs(&mut self, repo: Uuid) -> Result<()> {
        let file = "language: python\nservices:\n  - redis\nscrpt: pytest -q\njobs:\n  include:\n    - stage: deploy\n      script: 7: 8\n";
        let diagnostics: Value = serde_json::to_value(check(".ci.yml", file.as_bytes()))?;
        let cases = [
            (
                32,
                "errored",
                Some(".ci.yml has errors: nothing was run"),
                "Move the file to jobs.include",
            ),
            (33, "canceled", Some("canceled by ada"), "Try another cache key"),
            (
                34,
                "skipped",
                Some("the commit message says [skip ci]"),
                "Fix a typo in the README [skip ci]",
            ),
            (
                35,
                "errored",
                Some("the image python:3.99 could not be had: manifest unknown"),
                "Try Python 3.99",
            ),
        ];
        for (number, state, reason, subject) in cases {
            let created = HOUR + i64::from(40 - number) * 60;
            let mut run = run(repo, number, state, subject, created);
            (run.reason, run.finished) = (reason, Some(created - 9));
            if number == 32 {
                run.diagnostics = diagnostics.clone();
            }
            self.run(&run).await?;
            if number == 35 {
                let mut job = job(1, "python 3.99");
                (job.state, job.reason) = ("errored", reason);
                (job.started, job.finished) = (Some(created - 5), Some(created - 9));
                let failed = json!({ "outcome": "failed", "reason": "manifest unknown" });
                job.steps = vec![Step { phase: "prepare", title: "Prepare the image python:3.99",
                    text: "Pulling python:3.99\nmanifest for python:3.99 not found: manifest unknown\n".to_owned(),
                    outcome: Some(failed), seconds: 3 }];
                self.job(&run, &job).await?;
            }
        }
        Ok(())
    }

    async fn texts(&mut self, repo: Uuid) -> Result<()> {
        let subject = "<script>alert(1)</script> <b>bold</b> &amp; \"quotes\" <img src=x onerror=alert(2)> of a subject that goes on and on until it needs a second line";
        let mut run = run(repo, 36, "passed", subject, HOUR);
        run.branch =
            format!("feature/{}", "a-branch-name-without-end-".repeat(8))[..200].to_owned();
        run.finished = Some(HOUR - 31);
        self.run(&run).await?;
        let mut job = job(1, "<i>all</i> kinds of text");
        (job.started, job.finished) = (Some(HOUR - 5), Some(HOUR - 31));
        job.steps = prepared();
        job.steps.push(step("script", "printf '<b>%s</b>' \"$A_VERY_LONG_VARIABLE_NAME\" | tee /tmp/a/long/path/that/does/not/fit/on/a/phone/at/all.txt", all_kinds_of_text(), 0, 2));
        let made = self.job(&run, &job).await?;
        self.tests(&run, made, 12_345, &[]).await?;
        let files: Vec<String> =
            (1..=10_000).map(|number| format!("site/pages/{number}/index.html")).collect();
        self.artifact(&run, made, &"a-site-of-many-pages-".repeat(9), &files, 1_204_330_112)
            .await?;
        Ok(())
    }

    async fn endless(&mut self, repo: Uuid) -> Result<()> {
        let mut run = run(repo, 37, "failed", "Print everything", HOUR / 2);
        run.finished = Some(HOUR / 2 - 300);
        self.run(&run).await?;
        let mut text = String::new();
        for line in 1..=100_000 {
            text.push_str(&format!(
                "case {line:>6} \u{1b}[32mok\u{1b}[0m in {} ms\n",
                line * 7 % 90
            ));
        }
        text.push_str("Segmentation fault (core dumped)\n");
        let mut job = job(1, "fuzz");
        (job.state, job.reason) = ("failed", Some("`./fuzz --seconds 290` exited with 139"));
        (job.started, job.finished) = (Some(HOUR / 2 - 5), Some(HOUR / 2 - 300));
        job.steps = prepared();
        job.steps.push(step("script", "./fuzz --seconds 290", text, 139, 280));
        self.job(&run, &job).await?;
        Ok(())
    }

    async fn lost(&mut self, repo: Uuid) -> Result<()> {
        let reason = "the job was lost 3 times; the last time worker attic fell silent";
        let mut run = run(repo, 38, "errored", "Use less memory", HOUR / 3);
        (run.reason, run.finished) = (Some(reason), Some(HOUR / 3 - 200));
        self.run(&run).await?;
        let mut job = job(1, "memory");
        (job.state, job.reason) = ("errored", Some(reason));
        let (id, _) = self.job(&run, &job_over(job)).await?;
        let assignment = self.assignment(&run, id, "done", 3).await?;
        for number in 1..=3 {
            let attempt = Uuid::now_v7();
            let begun = HOUR / 3 - i64::from(number) * 50;
            let row = json!({ "id": attempt, "assignment_id": assignment, "run_id": run.id,
                "job_id": id, "number": number, "worker_id": self.lost_worker, "state": "lost",
                "reason": "worker attic fell silent", "started_at": ago(begun),
                "finished_at": ago(begun - 45) });
            self.put("attempts", row).await?;
        }
        Ok(())
    }

    /// Runs that go on.
    async fn open(&mut self, repo: Uuid) -> Result<()> {
        let running = run(repo, 43, "running", "Charge in the buyer's currency", 95);
        self.run(&running).await?;
        let states = [("lint", "passed"), ("python 3.11", "running"), ("python 3.12", "queued")];
        for ((name, state), number) in states.into_iter().zip(1..) {
            let mut job = job(number, name);
            job.state = state;
            job.started = (state != "queued").then_some(88);
            job.finished = (state == "passed").then_some(61);
            job.steps = prepared();
            if state == "running" {
                let text = red_tests().lines().take(6).map(|line| format!("{line}\n")).collect();
                job.steps.push(Step {
                    phase: "script",
                    title: "pytest -q",
                    text,
                    outcome: None,
                    seconds: 0,
                });
            }
            self.job(&running, &job).await?;
        }
        let mut ship = job(4, "image and deploy");
        (ship.stage, ship.state) = ((1, "deploy"), "waiting");
        self.job(&running, &ship).await?;
        let mut queued = run(repo, 44, "queued", "Try the new basket", 70);
        (queued.branch, queued.started) = ("basket".to_owned(), None);
        self.run(&queued).await?;
        let mut only = job(1, "test");
        only.state = "queued";
        self.job(&queued, &only).await?;
        let mut planning = run(repo, 45, "planning", "", 3);
        planning.started = None;
        self.run(&planning).await
    }

    async fn ignored(&mut self, repo: Uuid) -> Result<()> {
        for (event, reason) in
            [("push", "the branch was deleted"), ("issues", "the event issues starts nothing")]
        {
            let row = json!({ "id": Uuid::now_v7(), "source": "git", "guid": Uuid::now_v7().to_string(),
                "repo_id": repo, "event": event, "payload": "\\x7b7d", "state": "ignored",
                "reason": reason, "received_at": ago(600), "decided_at": ago(599) });
            self.put("deliveries", row).await?;
        }
        let row = json!({ "id": Uuid::now_v7(), "source": "git", "guid": "just-now", "repo_id": repo,
                          "event": "push", "payload": "\\x7b7d", "received_at": ago(0) });
        self.put("deliveries", row).await
    }
}

/// A job that never finished a try has no log to seed.
fn job_over(mut job: Job) -> Job {
    job.finished = Some(HOUR / 3 - 200);
    job
}
