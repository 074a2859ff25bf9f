//! Changing containers.

use std::sync::Arc;

use hyper::header::HeaderMap;
use hyper::{Method, Response, StatusCode};
use serde_json::{Map, Value, json};

use super::create::named;
use super::look::known;
use super::publish;
use crate::engine_proxy::JobEngine;
use crate::engine_proxy::http::{self, Body};
use crate::engine_proxy::owned::OwnContainer;
use crate::engine_proxy::query::Written;
use crate::engine_proxy::refusal::Refusal;
use crate::engine_proxy::route::ContainerCall;
use crate::engine_proxy::serve::{Asked, content};

fn at(container: &OwnContainer, action: &str) -> String {
    format!("/containers/{}/{action}", container.id)
}

/// Started, with its ports published.
pub(super) async fn start(
    engine: &Arc<JobEngine>,
    container: &OwnContainer,
    asked: Asked,
) -> Result<Response<Body>, Refusal> {
    engine.going().await;
    let seen = engine.up.ask(Method::GET, &at(container, "json"), None).await;
    let seen = known(engine, container, seen)?;
    if seen["State"]["Running"] == true {
        return Ok(http::nothing(StatusCode::NOT_MODIFIED));
    }
    publish::publish(engine, container, &seen).await?;
    // Whatever is in the body is from before the oldest API that is spoken here.
    let path = asked.query.keep(&["detachKeys"])?.at(&at(container, "start"));
    let started = asked.pass(engine, &path, http::empty(), HeaderMap::new()).await;
    if started.is_err() {
        publish::withdraw(engine, &container.id).await;
    }
    started
}

/// Stopped, killed, or stopped and started again.
pub(super) async fn stop(
    engine: &Arc<JobEngine>,
    container: &OwnContainer,
    call: ContainerCall,
    asked: Asked,
) -> Result<Response<Body>, Refusal> {
    engine.going().await;
    let (action, query) = match call {
        ContainerCall::Kill => ("kill", asked.query.keep(&["signal"])?),
        ContainerCall::Restart => ("restart", asked.query.keep(&["t", "signal"])?),
        _ => ("stop", asked.query.keep(&["t", "signal"])?),
    };
    let path = query.at(&at(container, action));
    let done = asked.pass(engine, &path, http::empty(), HeaderMap::new()).await;
    let done = known(engine, container, done)?;
    let seen = engine.up.ask(Method::GET, &at(container, "json"), None).await;
    match seen {
        // A signal is not always the end.
        Ok(seen) if seen["State"]["Running"] == true => {
            if call == ContainerCall::Restart && container.published.is_empty() {
                publish::publish(engine, container, &seen).await?;
            }
        }
        _ => publish::withdraw(engine, &container.id).await,
    }
    Ok(done)
}

pub(super) async fn simple(
    engine: &Arc<JobEngine>,
    container: &OwnContainer,
    call: ContainerCall,
    asked: Asked,
) -> Result<Response<Body>, Refusal> {
    let (action, query) = match call {
        ContainerCall::Pause => ("pause", Written::default()),
        ContainerCall::Unpause => ("unpause", Written::default()),
        ContainerCall::Resize => ("resize", asked.query.keep(&["h", "w"])?),
        _ => ("wait", asked.query.keep(&["condition"])?),
    };
    if call != ContainerCall::Wait {
        engine.going().await;
    }
    let path = query.at(&at(container, action));
    let answer = asked.pass(engine, &path, http::empty(), HeaderMap::new()).await;
    known(engine, container, answer)
}

pub(super) async fn rename(
    engine: &Arc<JobEngine>,
    container: &OwnContainer,
    asked: Asked,
) -> Result<Response<Body>, Refusal> {
    let name = asked.query.one("name")?.unwrap_or_default();
    let name = name.strip_prefix('/').unwrap_or(name).to_owned();
    named(&name)?;
    let scoped = engine.scoped(&name);
    let mut query = Written::default();
    query.add("name", scoped.clone());
    engine.ask(Method::POST, query.at(&at(container, "rename")), None).await?;
    if let Some(own) = engine.owned().by_id(&container.id) {
        own.name = scoped;
    }
    Ok(http::nothing(StatusCode::NO_CONTENT))
}

pub(super) async fn remove(
    engine: &Arc<JobEngine>,
    container: &OwnContainer,
    asked: Asked,
) -> Result<Response<Body>, Refusal> {
    if asked.query.flag("link")? {
        return Err(Refusal::bad("Links of a job's containers are names on their network."));
    }
    let query = asked.query.keep(&["v", "force"])?;
    let path = query.at(&format!("/containers/{}", container.id));
    let removed = engine.ask(Method::DELETE, path, None).await;
    known(engine, container, removed)?;
    publish::withdraw(engine, &container.id).await;
    engine.owned().forget(&container.id);
    Ok(http::nothing(StatusCode::NO_CONTENT))
}

/// Less is fine, more is not.
pub(super) async fn update(
    engine: &Arc<JobEngine>,
    container: &OwnContainer,
    asked: Asked,
) -> Result<Response<Body>, Refusal> {
    let body = http::json(asked.request.into_body()).await?;
    let most = i64::try_from(engine.bounds.memory).unwrap_or(i64::MAX);
    let cpus = i64::from(engine.bounds.cpu_millis) * 1_000_000;
    let mut kept = Map::new();
    for (key, value) in body.as_object().into_iter().flatten() {
        let limit = match key.as_str() {
            "Memory" => most,
            "NanoCpus" => cpus,
            "PidsLimit" => i64::from(engine.bounds.pids),
            "MemorySwap" | "RestartPolicy" => continue,
            _ if value.is_null() || value == 0 || value == "" || value == false => continue,
            _ if value.as_array().is_some_and(Vec::is_empty) => continue,
            _ => {
                return Err(Refusal::forbidden(format!(
                    "A job's containers can be given less memory, processors and processes, and \
                     nothing else: leave {key} out."
                )));
            }
        };
        if let Some(asked) = value.as_i64().filter(|asked| *asked > 0) {
            kept.insert(key.clone(), json!(asked.min(limit)));
            if key == "Memory" {
                kept.insert("MemorySwap".to_owned(), json!(asked.min(limit)));
            }
        }
    }
    let answer =
        engine.ask(Method::POST, at(container, "update"), Some(Value::Object(kept))).await?;
    Ok(http::answer(StatusCode::OK, &answer))
}

/// `docker cp` into it. The engine unpacks it in the container's own files.
pub(super) async fn files_in(
    engine: &Arc<JobEngine>,
    container: &OwnContainer,
    asked: Asked,
) -> Result<Response<Body>, Refusal> {
    engine.going().await;
    let query = asked.query.keep(&["path", "noOverwriteDirNonDir", "copyUIDGID"])?;
    let path = query.at(&at(container, "archive"));
    let Asked { minor, method, request, .. } = asked;
    let mut upload = engine.up.request(method, minor, &path, http::through(request.into_body()))?;
    upload.headers_mut().extend(content("application/x-tar"));
    let sent = engine.up.send(upload).await?;
    let sent = crate::engine_proxy::upstream::good(sent).await;
    Ok(crate::engine_proxy::serve::kept(known(engine, container, sent)?))
}

/// Removes the job's containers that have ended.
pub(in crate::engine_proxy) async fn prune(
    engine: &Arc<JobEngine>,
) -> Result<Response<Body>, Refusal> {
    let all: Vec<OwnContainer> = engine.owned().containers().to_vec();
    let mut removed = Vec::new();
    for container in all {
        let seen = engine.up.ask(Method::GET, &at(&container, "json"), None).await;
        let Ok(seen) = known(engine, &container, seen) else { continue };
        if seen["State"]["Running"] == true || seen["State"]["Paused"] == true {
            continue;
        }
        let path = format!("/containers/{}", container.id);
        if engine.ask(Method::DELETE, path, None).await.is_ok() {
            publish::withdraw(engine, &container.id).await;
            engine.owned().forget(&container.id);
            removed.push(container.id);
        }
    }
    let answer = json!({"ContainersDeleted": removed, "SpaceReclaimed": 0});
    Ok(http::answer(StatusCode::OK, &answer))
}
