//! What people type about runs, through the real binary against a whole installation.

use std::process::Output;
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;
use slipway_harness::{Installation, Repo, Repository, eventually};

const LONG: Duration = Duration::from_secs(60);

const PASSES: &str = "image: busybox:latest\nscript: echo done\n";
const FAILS: &str = "image: busybox:latest\nscript:\n  - echo first\n  - sh -c 'exit 3'\n";
/// Prints until somebody stops it.
const ENDLESS: &str = "image: busybox:latest\nscript: while true; do usleep 100000; done\n";
/// Long enough that a server can go and come back under it.
const SLOW: &str = r#"image: busybox:latest
script:
  - i=0; while [ $i -lt 80 ]; do i=$((i+1)); echo "line $i."; usleep 100000; done
  - sh -c 'exit 3'
"#;

struct Scene {
    installation: Installation,
    repository: Repository,
    repo: Repo,
}

impl Scene {
    /// An installation with `acme/web`, whose main branch has this file.
    async fn with(file: &str) -> Result<Self> {
        let installation = Installation::start().await?;
        let repository = installation.repository()?;
        repository.commit("main", &[(".ci.yml", file)])?;
        let repo = installation.add_repo("acme/web", &repository.path).await?;
        Ok(Self { installation, repository, repo })
    }

    async fn run(&self, arguments: &[&str]) -> Result<Output> {
        Ok(self.installation.command(arguments)?.output().await?)
    }

    async fn json(&self, arguments: &[&str]) -> Result<Value> {
        let said = self.installation.slipway(&[arguments, &["--json"]].concat()).await?;
        Ok(serde_json::from_str(&said)?)
    }

    /// The numbers of the runs that these arguments list.
    async fn listed(&self, filters: &[&str]) -> Result<Vec<i64>> {
        let runs = self.json(&[&["runs", "list", "acme/web"], filters].concat()).await?;
        let runs = runs.as_array().into_iter().flatten();
        Ok(runs.filter_map(|run| run["number"].as_i64()).collect())
    }
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_asked_for_followed_shown_and_run_again() -> Result<()> {
    let scene = Scene::with(PASSES).await?;
    scene.repository.commit("red", &[(".ci.yml", FAILS)])?;

    let asked = ["trigger", "acme/web", "--message", "Try it once more", "--follow"];
    let followed = scene.run(&asked).await?;
    let words = stdout(&followed);
    assert_eq!(followed.status.code(), Some(0), "{words}{}", stderr(&followed));
    assert!(words.contains("run 1 · Try it once more · main"), "{words}");
    assert!(words.contains("run 1 passed"), "{words}");

    let red = scene.run(&["trigger", "acme/web", "--branch", "red", "-f"]).await?;
    assert_eq!(red.status.code(), Some(1), "{}", stdout(&red));
    let log = scene.run(&["job", "logs", "acme/web", "2.1", "--follow"]).await?;
    assert_eq!(log.status.code(), Some(1), "its exit code is the job's");
    assert!(stdout(&log).contains("first\n"), "{}", stdout(&log));

    assert_eq!(scene.listed(&[]).await?, [2, 1]);
    assert_eq!(scene.listed(&["--branch", "red"]).await?, [2]);
    assert_eq!(scene.listed(&["--state", "passed"]).await?, [1]);
    assert_eq!(scene.listed(&["--event", "push"]).await?, [0_i64; 0]);
    let wrong = scene.run(&["runs", "list", "acme/web", "--state", "green"]).await?;
    assert!(stderr(&wrong).contains("possible values"), "{}", stderr(&wrong));

    let shown = scene.json(&["runs", "show", "acme/web", "2"]).await?;
    assert_eq!(shown["jobs"][0]["state"], "failed");
    assert_eq!((&shown["event"], &shown["actor"]), (&"api".into(), &"operator".into()));
    let again = scene.installation.slipway(&["runs", "restart", "acme/web", "2"]).await?;
    assert!(again.starts_with("run 3 repeats run 2: http"), "{again}");
    let watched = scene.run(&["runs", "watch", "acme/web", "3"]).await?;
    assert_eq!(watched.status.code(), Some(1));

    let nowhere = scene.run(&["trigger", "acme/web", "--branch", "nowhere"]).await?;
    let sentence = "slipway: the repository of acme/web has no branch \"nowhere\"\n";
    assert_eq!((nowhere.status.code(), stderr(&nowhere).as_str()), (Some(1), sentence));
    scene.installation.remove().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_is_followed_over_a_restart_of_the_server() -> Result<()> {
    let mut scene = Scene::with(SLOW).await?;
    scene.installation.slipway(&["trigger", "acme/web"]).await?;
    let caller = scene.installation.caller();
    caller.until_log_says(&scene.repo, 1, "line 3.").await?;
    let mut following = scene.installation.command(&["job", "logs", "acme/web", "1.1", "-f"])?;
    let following = following.spawn()?;

    caller.until_log_says(&scene.repo, 1, "line 8.").await?;
    scene.installation.server.kill()?;
    scene.installation.start_server()?;
    caller.until_healthy().await;

    let output = tokio::time::timeout(LONG, following.wait_with_output()).await??;
    let words = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{words}{}", stderr(&output));
    let lines: Vec<_> = words.lines().filter(|line| line.starts_with("line ")).collect();
    let all: Vec<_> = (1..=80).map(|number| format!("line {number}.")).collect();
    assert_eq!(lines, all, "each line once, in order");
    scene.installation.remove().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_runs_is_canceled_and_whoever_follows_hears_it() -> Result<()> {
    let scene = Scene::with(ENDLESS).await?;
    let running = async |run: i64| {
        eventually("the job runs", LONG, || async {
            let shown = scene.json(&["runs", "show", "acme/web", &run.to_string()]).await?;
            Ok((shown["jobs"][0]["state"] == "running").then_some(()))
        })
        .await;
    };
    scene.installation.slipway(&["trigger", "acme/web"]).await?;
    running(1).await;
    let watching = scene.installation.command(&["runs", "watch", "acme/web", "1"])?.spawn()?;
    let said = scene.installation.slipway(&["runs", "cancel", "acme/web"]).await?;
    assert_eq!(said, "run 1 of acme/web is being canceled\n");
    let watched = tokio::time::timeout(LONG, watching.wait_with_output()).await??;
    assert_eq!(watched.status.code(), Some(3), "{}", stdout(&watched));

    scene.installation.slipway(&["runs", "restart", "acme/web", "1"]).await?;
    running(2).await;
    let logs = scene.installation.command(&["job", "logs", "acme/web", "2.1", "-f"])?.spawn()?;
    let said = scene.installation.slipway(&["job", "cancel", "acme/web", "2.1"]).await?;
    assert_eq!(said, "job 2.1 is being canceled\n");
    let followed = tokio::time::timeout(LONG, logs.wait_with_output()).await??;
    assert_eq!(followed.status.code(), Some(3), "{}", stderr(&followed));
    assert_eq!(scene.listed(&["--state", "canceled"]).await?, [2, 1]);

    let over = scene.run(&["runs", "cancel", "acme/web", "2"]).await?;
    assert_eq!(over.status.code(), Some(1), "what is over can not be canceled");
    scene.installation.remove().await
}
