//! The server by itself, over a real Postgres: workers and senders are the story's own words.

mod asked;
mod cancel;
mod claims;
mod deploys;
mod logs;
mod lost;
mod manage;
mod outage;
mod outbox;
mod reconcile;
mod replicas;
mod runs;
mod secrets;
mod stopping;
mod webhooks;

use anyhow::{Context as _, Result};
use slipway_harness::Scene;
use slipway_harness::server::push;

/// A scene with the repo `acme/web`, and its key.
async fn scene_with_repo() -> Result<(Scene, String)> {
    let scene = Scene::start().await?;
    let key = scene.add_repo("acme/web", "git", "https://git.test/acme/web.git").await?;
    Ok((scene, key))
}

/// Pushes to main; answers the number of the run that this started.
async fn push_main(scene: &Scene, key: &str, guid: &str) -> Result<i64> {
    let payload = push("refs/heads/main", '0', 'a');
    let (_, answer) = scene.post_hook("acme/web", key, guid, &payload).await?;
    answer["run"].as_i64().with_context(|| format!("a run, not {answer}"))
}

/// State and reason of a run of `acme/web`.
async fn run_state(scene: &Scene, run: i64) -> Result<(String, String)> {
    let run = scene.get(&format!("/acme/web/runs/{run}")).await?;
    let text = |name: &str| run[name].as_str().unwrap_or_default().to_owned();
    Ok((text("state"), text("reason")))
}
