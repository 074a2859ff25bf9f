//! GitHub and the server, over a real Postgres: pushes and pull requests come from a GitHub that
//! keeps to GitHub's own description, and what became of them is told there.

mod adding;
mod converging;
mod deployments;
mod kept;
mod people;
mod telling;
mod triggers;
mod trust;

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use secrecy::SecretString;
use serde_json::{Value, json};
use slipway_harness::github::{APP_ID, ForgeRepo, GitHub};
use slipway_harness::worker::Attempt;
use slipway_harness::{Scene, Worker, eventually};
use slipway_pipelines::plan::Plan;
use slipway_server::{Config, GithubConfig, GithubCredential};

const SOON: Duration = Duration::from_secs(20);

/// A GitHub with the repository `acme/web`, and a server that is linked to it.
struct Stage {
    github: GitHub,
    repo: ForgeRepo,
    scene: Scene,
    worker: Worker,
}

/// As whom the server speaks to GitHub.
enum As {
    App,
    Person(String),
}

fn link(config: &mut Config, github: &GitHub, who: &As) {
    let credential = match who {
        As::App => GithubCredential::App { id: APP_ID, key: SecretString::from(github.app_key()) },
        As::Person(token) => GithubCredential::Token(SecretString::from(token.clone())),
    };
    let api_url = github.api_url();
    config.github = Some(GithubConfig { api_url, credential, statuses: false });
}

impl Stage {
    /// The app's own webhook is set once on GitHub; here the repository's stands for it.
    async fn of_app(private: bool) -> Result<Self> {
        let github = GitHub::start().await?;
        let repo = github.create("acme/web", private)?;
        let scene = Scene::reachable(|config| link(config, &github, &As::App)).await?;
        repo.hook(&format!("{}/webhooks/github", scene.base), slipway_harness::server::FORGE_KEY);
        Self::begin(github, repo, scene).await
    }

    async fn of_person(private: bool) -> Result<Self> {
        let github = GitHub::start().await?;
        let repo = github.create("acme/web", private)?;
        let token = github.token();
        let scene = Scene::reachable(|config| link(config, &github, &As::Person(token))).await?;
        Self::begin(github, repo, scene).await
    }

    async fn begin(github: GitHub, repo: ForgeRepo, scene: Scene) -> Result<Self> {
        add(&scene, "acme/web").await?;
        let worker = Worker::register(&scene, "w1").await?;
        Ok(Self { github, repo, scene, worker })
    }

    async fn end(self) -> Result<()> {
        self.scene.end().await?;
        self.github.finish()
    }

    /// Claims the planning that must be there and reports this plan, and the merge commit of a
    /// pull request.
    async fn plan(&self, plan: &Plan, merge: Option<&str>) -> Result<Attempt> {
        let attempt = self.worker.claim("plan").await?;
        let report = json!({
            "message": "Mend it", "author": "Ada", "merge_commit": merge, "diagnostics": [],
            "result": { "result": "planned", "plan": plan },
        });
        let status = attempt.call("plan", &report).await?.status();
        ensure!(status.is_success(), "the plan was answered {status}");
        Ok(attempt)
    }

    /// What became of each delivery, the oldest first: its event, and its reason or state.
    async fn deliveries(&self) -> Result<Vec<(String, String)>> {
        let told = self.scene.get("/acme/web/deliveries").await?;
        let mut told: Vec<_> = told.as_array().context("a list")?.clone();
        told.reverse();
        let text = |one: &Value, name: &str| one[name].as_str().unwrap_or_default().to_owned();
        let row = |one: &Value| {
            let reason = text(one, "reason");
            (text(one, "event"), if reason.is_empty() { text(one, "state") } else { reason })
        };
        Ok(told.iter().map(row).collect())
    }

    /// Waits until the last delivery has come to this, reason or state.
    async fn until_delivery_is(&self, event: &str, word: &str) {
        eventually(&format!("{event} is decided as {word}"), SOON, || async {
            let last = self.deliveries().await?.pop();
            Ok((last == Some((event.to_owned(), word.to_owned()))).then_some(()))
        })
        .await;
    }

    /// Waits until the only check of a commit is as this wants it; answers it.
    async fn until_check(&self, commit: &str, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        eventually(&format!("the check is {what}"), SOON, || async {
            let checks = self.repo.checks(commit);
            ensure!(checks.len() < 2, "one run has one check: {checks:?}");
            Ok(checks.into_iter().next().filter(|check| is(check)))
        })
        .await
    }
}

/// Adds a repository of GitHub's; answers what the server said.
async fn add(scene: &Scene, name: &str) -> Result<Value> {
    let (status, answer) = try_to_add(scene, name).await?;
    ensure!(status < 300, "adding {name}: {status} {answer}");
    Ok(answer)
}

async fn try_to_add(scene: &Scene, name: &str) -> Result<(u16, Value)> {
    let asked = json!({ "name": name, "kind": "github" });
    let answer = scene.api(reqwest::Method::POST, "/repos", Some(asked)).await?;
    Ok((answer.status().as_u16(), answer.json().await?))
}
