//! The same files by a server and a worker, and by `slipway run`: the same jobs, states, steps and
//! lines of logs come of them, but for what is made by chance.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use slipway_harness::{Caller, Delivery, Installation, Repo, Settings};

use crate::folder::{Folder, Said};

/// Cells of a matrix: variables, a script that fails, what is left out, phases after it.
const MATRIX: &str = r#"image: busybox:latest
secrets: []
env:
  global: [SHARED=all]
  jobs:
    - DB=pg NAME="$SHARED of $DB"
    - DB=lite NAME=second
jobs:
  exclude: [{env: NONE=1}]
  include:
    - {name: extra, env: DB=none, install: skip, script: ["echo one", "false", "echo three"]}
install: [echo "install for $DB", "cd /tmp && export MOVED=yes"]
script:
  - echo "$MOVED in $(pwd) with $NAME"
  - "[ $DB = pg ] || (echo wrong >&2; exit 7)"
after_success: echo good
after_failure: echo "result $TRAVIS_TEST_RESULT"
after_script: ["echo last", "false"]
"#;

/// Stages: a job that may fail, one that ends a stage, and one that never starts.
const STAGES: &str = r#"image: busybox:latest
secrets: []
stages: [test, more, never]
jobs:
  include:
    - {stage: test, name: good, script: cat greeting.txt}
    - {stage: test, name: flaky, script: "false"}
    - {stage: more, name: errored, before_install: "sh -c 'exit 4'", script: echo not reached}
    - {stage: more, name: ends, script: ["exit 1", echo not reached]}
    - {stage: never, name: never, script: echo not reached}
  allow_failures: [{name: flaky}]
"#;

/// Services, helpers, and the work tree.
const HELPERS: &str = r#"image: busybox:latest
secrets: []
git: {depth: 1}
services:
  - name: web
    image: busybox:latest
    command: [sh, -c, "mkdir /www; echo served > /www/index.html; httpd -f -p 8123 -h /www"]
    ports: [8123]
script:
  - wget -q -O - http://web:8123/index.html; wget -q -O - http://localhost:8123/
  - travis_retry sh -c 'test -f /tried || { touch /tried; exit 5; }'
  - travis_fold start it; echo folded; travis_fold end it
  - echo "$TRAVIS_BRANCH $TRAVIS_EVENT_TYPE $TRAVIS_JOB_NUMBER $TRAVIS_COMMIT $CI_COMMIT_MESSAGE"
  - echo "$TRAVIS_REPO_SLUG $TRAVIS_BUILD_DIR $TRAVIS_SECURE_ENV_VARS [$TRAVIS_TAG]"
  - cat .git/HEAD; ls -a; printf 'no end'
  - set -e; false; echo not reached
"#;

/// A job that takes too long, one without a work tree, and a script that is not needed.
const ODD: &str = r#"secrets: []
jobs:
  include:
    - {name: too long, image: "busybox:latest", timeout: 15s, script: echo begun; sleep 60}
    - {name: no clone, image: "busybox:latest", git: {clone: false}, script: ls -a}
    - {name: skipped, image: "busybox:latest", script: skip}
"#;

/// What a run came to, by either way.
#[derive(Debug, PartialEq)]
struct Came {
    state: Value,
    jobs: Vec<Value>,
    logs: Vec<Vec<String>>,
}

/// Without what is made by chance: the folder of a job's program, and addresses.
fn lines<'a>(log: impl IntoIterator<Item = &'a str>) -> Result<Vec<String>> {
    let chance = regex::Regex::new(r"/\.slipway-[0-9a-f]{12}")?;
    let seconds = regex::Regex::new(r"\b[0-9]+(\.[0-9]+)? s\b")?;
    let plain = |line: &str| {
        let line = chance.replace_all(line.trim_end_matches('\r'), "/.slipway-X");
        seconds.replace_all(&line, "N s").into_owned()
    };
    Ok(log.into_iter().map(plain).collect())
}

/// By a server and its worker.
async fn remote(caller: &Caller, repo: &Repo, run: usize) -> Result<Came> {
    let whole = caller.until_final(repo, run).await?;
    let mut came = Came { state: whole["state"].clone(), jobs: Vec::new(), logs: Vec::new() };
    for job in whole["jobs"].as_array().context("a run has jobs")? {
        let number = job["number"].as_i64().context("a job has a number")?;
        let job = caller.job(repo, run, number).await?;
        let attempt = job["attempts"].as_array().and_then(|attempts| attempts.last());
        let steps = attempt.and_then(|attempt| attempt["steps"].as_array()).into_iter().flatten();
        let steps: Vec<Value> = steps
            .map(|step| {
                let exit = match step["outcome"]["outcome"].as_str() {
                    Some("exited") => step["outcome"]["code"].clone(),
                    Some("done") => json!(0),
                    _ => Value::Null,
                };
                json!({ "phase": step["phase"], "command": step["title"], "exit": exit })
            })
            .collect();
        came.jobs.push(json!({
            "name": job["name"], "number": number, "state": job["state"],
            "reason": job["reason"], "steps": steps,
        }));
        let log = match attempt {
            Some(_) => caller.log(repo, run, number).await?,
            None => String::new(),
        };
        came.logs.push(lines(log.lines())?);
    }
    Ok(came)
}

/// By `slipway run`.
fn local(said: &Said) -> Result<Came> {
    let end = said.end()?;
    let mut came = Came { state: end["state"].clone(), jobs: Vec::new(), logs: Vec::new() };
    for job in end["jobs"].as_array().context("a run has jobs")? {
        let steps = job["steps"].as_array().into_iter().flatten();
        let steps: Vec<Value> = steps
            .map(|step| {
                json!({
                    "phase": step["phase"], "command": step["command"], "exit": step["exit"],
                })
            })
            .collect();
        came.jobs.push(json!({
            "name": job["name"], "number": job["number"], "state": job["state"],
            "reason": job["reason"], "steps": steps,
        }));
        let number = job["number"].as_i64().context("a job has a number")?;
        came.logs.push(lines(said.log(number))?);
    }
    Ok(came)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_and_a_laptop_come_to_the_same() -> Result<()> {
    let files = [("matrix", MATRIX), ("stages", STAGES), ("helpers", HELPERS), ("odd", ODD)];
    let states = ["failed", "errored", "failed", "errored"];
    // A container that waited is another step; a laptop keeps none waiting.
    let worker = vec![("SLIPWAY_WARM", "0".to_owned())];
    let installation = Installation::with(Settings { worker, ..Settings::default() }).await?;
    let repository = installation.repository()?;
    let repo = installation.add_repo("acme/web", &repository.path).await?;
    let caller = installation.caller();
    for (branch, file) in files {
        let greeting = ("greeting.txt", "good morning\n");
        let commit = repository.commit(branch, &[(".ci.yml", file), greeting])?;
        caller.deliver_until_accepted(&repo, &Delivery::push(branch, &commit)).await;
    }
    for ((run, (branch, _)), state) in (1..).zip(files).zip(states) {
        let remote = remote(&caller, &repo, run).await?;
        let folder = Folder::cloned(&repository.path, branch)?;
        // A number of a run is a server's: here each is the first.
        let said = folder.run(&["--repo", "acme/web", "--default-branch", "main"]).await?;
        let mut local = local(&said)?;
        for line in local.logs.iter_mut().flatten() {
            *line = line.replace(" push 1.", &format!(" push {run}."));
        }
        ensure!(remote.state == state, "{branch} {remote:#?}");
        assert_eq!(local.jobs, remote.jobs, "{branch}");
        assert_eq!(local.logs, remote.logs, "{branch}");
        assert_eq!(local.state, remote.state, "{branch}");
        ensure!(folder.identities()?.is_empty(), "something is left of {branch}");
    }
    installation.remove().await
}
