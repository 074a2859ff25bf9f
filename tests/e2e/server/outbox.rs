//! What the world is told: in order, until it has heard it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Result;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::Value;
use slipway_harness::worker::{job, plan};
use slipway_harness::{Scene, Worker, eventually};
use tokio::net::TcpListener;

use crate::push_main;

/// A receiver that is broken for its first calls.
#[derive(Clone, Default)]
struct Receiver {
    heard: Arc<Mutex<Vec<Value>>>,
    to_refuse: Arc<Mutex<u32>>,
}

async fn receive(State(receiver): State<Receiver>, Json(said): Json<Value>) -> StatusCode {
    let mut to_refuse = receiver.to_refuse.lock().expect("no panic while held");
    if *to_refuse > 0 {
        *to_refuse -= 1;
        return StatusCode::BAD_GATEWAY;
    }
    receiver.heard.lock().expect("no panic while held").push(said);
    StatusCode::NO_CONTENT
}

#[tokio::test]
async fn each_state_of_a_run_is_told_in_order_though_the_receiver_fails() -> Result<()> {
    let receiver = Receiver::default();
    *receiver.to_refuse.lock().expect("no panic while held") = 2;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}/hook", listener.local_addr()?);
    let app = Router::new().route("/hook", post(receive)).with_state(receiver.clone());
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });
    let told = |config: &mut slipway_server::Config| config.notify_url = address.parse().ok();

    let scene = Scene::with(told).await?;
    let key = scene.add_repo("acme/web", "git", "https://git.test/acme/web.git").await?;
    push_main(&scene, &key, "one").await?;
    let worker = Worker::register(&scene, "w1").await?;
    worker.plan(&plan(vec![job(1, 0)])).await?;
    worker.claim("job").await?.pass().await?;
    // The process ends in the middle; another one goes on.
    let scene = scene.restart(told).await?;
    let heard = eventually("all of it is heard", Duration::from_secs(90), || async {
        let heard = receiver.heard.lock().expect("no panic while held").clone();
        Ok((heard.len() >= 4).then_some(heard))
    })
    .await;
    let states: Vec<_> = heard.iter().filter_map(|said| said["state"].as_str()).collect();
    assert_eq!(states, ["planning", "queued", "running", "passed"]);
    assert_eq!(heard[3]["url"], "http://slipway.test/acme/web/runs/1");
    eventually("and remembered as heard", Duration::from_secs(10), || async {
        let open = scene.count("SELECT count(*) FROM outbox WHERE done_at IS NULL").await?;
        Ok((open == 0).then_some(()))
    })
    .await;
    serving.abort();
    scene.end().await
}
