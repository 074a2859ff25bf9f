//! Two servers over one database: any request may reach either of them.

use std::time::{Duration, Instant};

use anyhow::Result;
use futures::future::{join_all, try_join};
use serde_json::json;
use slipway_harness::Worker;
use slipway_harness::server::push;
use slipway_harness::worker::{job, plan};

use crate::{push_main, run_state, scene_with_repo, unsee_workers, until_seen};

#[tokio::test]
async fn it_makes_no_difference_which_server_is_asked() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    let other = scene.another().await?;
    let payload = push("refs/heads/main", '0', 'a');
    let guids: Vec<String> = (0..10).map(|number| format!("push {number}")).collect();
    let posts = guids.iter().flat_map(|guid| {
        [&scene, &other].map(|server| server.post_hook("acme/web", &key, guid, &payload))
    });
    let mut runs = Vec::new();
    for answer in join_all(posts).await {
        runs.push(answer?.1["run"].as_i64());
    }
    runs.sort_unstable();
    let twice: Vec<_> = (1..=10).flat_map(|run| [Some(run), Some(run)]).collect();
    assert_eq!(runs, twice, "one run for each delivery, whoever was told of it");

    // What one is told wakes who waits at the other.
    let worker = Worker::register(&other, "w1").await?;
    for _ in 0..10 {
        let planning = worker.claim("plan").await?;
        let nothing = json!({ "result": "nothing", "reason": "no job" });
        planning.report_plan(&nothing).await?.error_for_status()?;
    }
    unsee_workers(&scene).await?;
    let waiting = async {
        let claimed = worker.claim("plan").await?;
        Ok((claimed, Instant::now()))
    };
    let pushing = async {
        until_seen(&scene).await;
        push_main(&scene, &key, "the eleventh").await.map(|_| Instant::now())
    };
    let ((planning, claimed), pushed) = try_join(waiting, pushing).await?;
    let took = claimed.saturating_duration_since(pushed);
    // Looking again without being told takes two seconds.
    assert!(took < Duration::from_millis(1500), "it took {took:?}");

    // An attempt that began at one goes on at the other when the first is gone.
    let result = json!({ "result": "planned", "plan": plan(vec![job(1, 0)]) });
    planning.report_plan(&result).await?.error_for_status()?;
    let mut attempt = worker.claim("job").await?;
    attempt.append(0, b"there\n").await?;
    other.leave().await?;
    attempt.go_on_at(&scene);
    attempt.append(6, b"here\n").await?;
    let passed = json!({ "outcome": "passed" });
    attempt.finish(&passed, b"there\nhere\n").await?.error_for_status()?;
    assert_eq!(run_state(&scene, 11).await?.0, "passed");
    scene.end().await
}
