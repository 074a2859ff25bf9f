//! The server by itself, over a real Postgres: workers and senders are the story's own words.

mod asked;
mod cancel;
mod claims;
mod deploys;
mod deploys_asked;
mod deploys_back;
mod imports;
mod kept;
mod logs;
mod lost;
mod machines;
mod manage;
mod order;
mod outage;
mod outbox;
mod reconcile;
mod replicas;
mod runs;
mod secrets;
mod stopping;
mod webhooks;

use std::time::Duration;

use anyhow::{Context as _, Result};
use slipway_harness::server::push;
use slipway_harness::{Scene, eventually};

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

/// Forgets that workers were just seen: that is noted every five seconds only.
async fn unsee_workers(scene: &Scene) -> Result<()> {
    let unsee = "UPDATE workers SET last_seen_at = now() - interval '10 seconds'";
    sqlx::query(unsee).execute(&scene.database.pool).await?;
    Ok(())
}

/// Waits until a worker asks for work, after [`unsee_workers`].
async fn until_seen(scene: &Scene) {
    let seen = "SELECT count(*) FROM workers WHERE last_seen_at > now() - interval '9 seconds'";
    eventually("a worker asks for work", Duration::from_secs(9), || async {
        Ok((scene.count(seen).await? > 0).then_some(()))
    })
    .await;
}

/// State and reason of a run of `acme/web`.
async fn run_state(scene: &Scene, run: i64) -> Result<(String, String)> {
    let run = scene.get(&format!("/acme/web/runs/{run}")).await?;
    let text = |name: &str| run[name].as_str().unwrap_or_default().to_owned();
    Ok((text("state"), text("reason")))
}
