//! Postgres goes away and comes back: nothing false is said, nothing is lost, nobody helps.

use std::time::Duration;

use anyhow::Result;
use reqwest::{Method, StatusCode};
use secrecy::ExposeSecret as _;
use serde_json::json;
use slipway_harness::proxy::Proxy;
use slipway_harness::server::push;
use slipway_harness::worker::{job, plan};
use slipway_harness::{Scene, Worker, eventually};

use crate::{push_main, run_state};

const LEASE: Duration = Duration::from_secs(3);
const LIMIT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn an_outage_longer_than_a_lease_loses_neither_deliveries_nor_attempts() -> Result<()> {
    let mut proxy = Proxy::new().await?;
    let scene = Scene::with(|config| {
        let way = proxy.lead_to(config.database_url.expose_secret());
        config.database_url = way.into();
        config.lease = LEASE;
    })
    .await?;
    let key = scene.add_repo("acme/web", "git", "https://git.test/acme/web.git").await?;
    push_main(&scene, &key, "one").await?;
    let worker = Worker::register(&scene, "w1").await?;
    worker.plan(&plan(vec![job(1, 0)])).await?;
    let attempt = worker.claim("job").await?;
    attempt.append(0, b"before\n").await?;
    let healthy = async || -> Result<StatusCode> {
        Ok(scene.request(Method::GET, "/healthz").send().await?.status())
    };
    assert_eq!(healthy().await?, StatusCode::OK);

    proxy.set_open(false);
    let away = std::time::Instant::now();
    assert_eq!(healthy().await?, StatusCode::SERVICE_UNAVAILABLE);
    let alive = scene.request(Method::GET, "/livez").send().await?;
    assert_eq!(alive.status(), StatusCode::OK, "a restart would not help");
    let payload = push("refs/heads/main", 'a', 'b');
    let (status, answer) = scene.post_hook("acme/web", &key, "two", &payload).await?;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer}");
    assert_eq!(answer["detail"], "The database is away; try again after a moment.");
    let refused = attempt.call("heartbeat", &json!({})).await?;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE, "not fenced off");
    assert!(refused.headers().contains_key("retry-after"));
    while away.elapsed() < LEASE * 2 {
        assert_ne!(attempt.append(7, b"during\n").await?.0, StatusCode::OK);
    }

    proxy.set_open(true);
    eventually("the server is well again", LIMIT, || async {
        Ok((healthy().await? == StatusCode::OK).then_some(()))
    })
    .await;
    // The lease ended long ago, but the server does not speak for its own outage.
    attempt.heartbeat().await?;
    attempt.append(7, b"after\n").await?;
    let log = b"before\nafter\n";
    attempt.finish(&json!({ "outcome": "passed" }), log).await?.error_for_status()?;
    assert_eq!(run_state(&scene, 1).await?.0, "passed");
    let (status, answer) = scene.post_hook("acme/web", &key, "two", &payload).await?;
    assert_eq!((status, &answer["run"]), (StatusCode::ACCEPTED, &json!(2)), "{answer}");
    // And notifications are heard again, or at least work is found by looking.
    assert_eq!(worker.claim("plan").await?.assignment.run_number.0, 2);
    scene.end().await
}
