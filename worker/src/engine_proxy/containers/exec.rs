//! Commands in containers, and streams to them.

use std::sync::Arc;

use hyper::header::HeaderMap;
use hyper::{Method, Response, StatusCode};
use serde_json::json;

use super::look::known;
use crate::engine_proxy::http::{self, Body};
use crate::engine_proxy::owned::OwnContainer;
use crate::engine_proxy::refusal::Refusal;
use crate::engine_proxy::serve::Asked;
use crate::engine_proxy::{JobEngine, confine, hijack};

/// Commands that a job has run; each is an entry here.
const MOST: usize = 20_000;

pub(super) async fn attach(
    engine: &Arc<JobEngine>,
    container: &OwnContainer,
    asked: Asked,
) -> Result<Response<Body>, Refusal> {
    let names = ["stream", "stdin", "stdout", "stderr", "logs", "detachKeys"];
    let path = asked.query.keep(&names)?.at(&format!("/containers/{}/attach", container.id));
    let attached = hijack::attach(engine, asked, &path, http::empty()).await;
    known(engine, container, attached)
}

pub(super) async fn create(
    engine: &Arc<JobEngine>,
    container: &OwnContainer,
    asked: Asked,
) -> Result<Response<Body>, Refusal> {
    if engine.owned().execs.len() >= MOST {
        return Err(Refusal::conflict(format!("A job runs at most {MOST} commands by exec.")));
    }
    let body = confine::exec(&http::json(asked.request.into_body()).await?)?;
    let path = format!("/containers/{}/exec", container.id);
    let made = known(engine, container, engine.ask(Method::POST, path, Some(body)).await)?;
    let id = made["Id"].as_str().unwrap_or_default().to_owned();
    engine.owned().execs.insert(id);
    Ok(http::answer(StatusCode::CREATED, &made))
}

fn own(engine: &JobEngine, id: &str) -> Result<(), Refusal> {
    let known = engine.owned().execs.contains(id);
    if known { Ok(()) } else { Err(Refusal::missing("exec instance", id)) }
}

pub(in crate::engine_proxy) async fn start(
    engine: &Arc<JobEngine>,
    id: &str,
    mut asked: Asked,
) -> Result<Response<Body>, Refusal> {
    own(engine, id)?;
    engine.going().await;
    let body = http::json(asked.request.body_mut()).await?;
    let body = json!({"Detach": body["Detach"] == true, "Tty": body["Tty"] == true});
    let path = format!("/exec/{id}/start");
    if body["Detach"] == true {
        let headers = crate::engine_proxy::serve::content("application/json");
        return asked.pass(engine, &path, http::full(body.to_string()), headers).await;
    }
    hijack::attach(engine, asked, &path, http::full(body.to_string())).await
}

pub(in crate::engine_proxy) async fn resize(
    engine: &Arc<JobEngine>,
    id: &str,
    asked: Asked,
) -> Result<Response<Body>, Refusal> {
    own(engine, id)?;
    let path = asked.query.keep(&["h", "w"])?.at(&format!("/exec/{id}/resize"));
    asked.pass(engine, &path, http::empty(), HeaderMap::new()).await
}

pub(in crate::engine_proxy) async fn inspect(
    engine: &Arc<JobEngine>,
    id: &str,
    asked: Asked,
) -> Result<Response<Body>, Refusal> {
    own(engine, id)?;
    let path = format!("/exec/{id}/json");
    let mut seen = engine.up.ask_at(asked.minor, Method::GET, &path, None).await?;
    engine.words().value(&mut seen);
    Ok(http::answer(StatusCode::OK, &seen))
}
