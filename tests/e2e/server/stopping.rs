//! A server that is asked to stop does so soon, whatever waits.

use std::time::Duration;

use anyhow::Result;
use slipway_harness::{Scene, eventually};

/// More than any machine decides between two looks at the word to stop.
const BACKLOG: i64 = 20_000;
const LIMIT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_backlog_of_deliveries_is_left_to_the_next_server() -> Result<()> {
    let scene = Scene::start().await?;
    sqlx::query(
        "INSERT INTO deliveries (id, source, guid, event, payload)
         SELECT gen_random_uuid(), 'github', n::text, 'ping', '{}' FROM generate_series(1, $1) n",
    )
    .bind(BACKLOG)
    .execute(&scene.database.pool)
    .await?;
    eventually("the first is decided", LIMIT, || async {
        let decided = "SELECT count(*) FROM deliveries WHERE state = 'ignored'";
        Ok((scene.count(decided).await? > 0).then_some(()))
    })
    .await;
    let database = scene.database.clone();
    scene.leave().await?;
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM deliveries WHERE state = 'received'")
        .fetch_one(&database.pool)
        .await?;
    assert!(left > 0, "it stopped only after everything was decided");
    database.remove().await
}
