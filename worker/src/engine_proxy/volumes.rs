//! Volumes of the job.

use std::sync::Arc;

use hyper::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::http::{self, Body};
use super::refusal::Refusal;
use super::serve::Asked;
use super::{JobEngine, confine, networks};

/// Volumes of one job.
const MOST: usize = 200;
/// No name is longer.
const LONGEST_NAME: usize = 128;

/// The engine's name of a volume, which is made if it is not there.
pub(super) async fn there(engine: &Arc<JobEngine>, name: &str) -> Result<String, Refusal> {
    let known = engine.owned().volume(name, &engine.prefix).map(str::to_owned);
    match known {
        Some(known) => Ok(known),
        None => {
            made(engine, name, &Value::Null).await?;
            Ok(engine.scoped(name))
        }
    }
}

async fn made(engine: &Arc<JobEngine>, name: &str, labels: &Value) -> Result<Value, Refusal> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let good = !name.is_empty()
        && name.len() <= LONGEST_NAME
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(plain);
    if !good {
        let shown: String = name.chars().take(LONGEST_NAME).collect();
        return Err(Refusal::bad(format!(
            "{shown:?} is no name of a volume: only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
        )));
    }
    if engine.owned().volumes.len() >= MOST {
        return Err(Refusal::conflict(format!("A job has at most {MOST} volumes: remove some.")));
    }
    let scoped = engine.scoped(name);
    let body = json!({"Name": scoped, "Driver": "local", "Labels": engine.labelled(labels)?});
    let making = Arc::clone(engine);
    engine
        .change(async move {
            let made = making.up.ask(Method::POST, "/volumes/create", Some(&body)).await?;
            making.owned().volumes.insert(scoped);
            Ok(made)
        })
        .await
}

/// Writes down the volumes without a name that a container came with.
pub(super) fn noted(engine: &JobEngine, container: &Value) {
    let mounts = container["Mounts"].as_array().into_iter().flatten();
    let volumes = mounts.filter(|mount| mount["Type"] == "volume");
    let names = volumes.filter_map(|mount| mount["Name"].as_str().map(str::to_owned));
    // Those of a name are the job's by now, and their containers' are too (`--volumes-from`).
    engine.owned().volumes.extend(names);
}

/// What is in them, in bytes.
pub(super) async fn written(engine: &JobEngine) -> u64 {
    let own = engine.owned().volumes.clone();
    if own.is_empty() {
        return 0;
    }
    // Engines of today measure only what they are asked for; older ones measure all.
    let Ok(use_) = engine.up.ask(Method::GET, "/system/df?type=volume", None).await else {
        return 0;
    };
    let all = use_["Volumes"].as_array().into_iter().flatten();
    let own = all.filter(|volume| volume["Name"].as_str().is_some_and(|name| own.contains(name)));
    own.filter_map(|volume| volume["UsageData"]["Size"].as_u64()).sum()
}

pub(super) async fn list(engine: &Arc<JobEngine>, asked: Asked) -> Result<Response<Body>, Refusal> {
    let filters = asked.query.filters()?;
    let list = engine.up.ask(Method::GET, "/volumes", None).await?;
    let (own, words) = (engine.owned().volumes.clone(), engine.words());
    let mut shown = Vec::new();
    for volume in list["Volumes"].as_array().into_iter().flatten() {
        if !volume["Name"].as_str().is_some_and(|name| own.contains(name)) {
            continue;
        }
        let volume = cleaned(volume.clone(), &words);
        if networks::fits(&volume, &filters) {
            shown.push(volume);
        }
    }
    Ok(http::answer(StatusCode::OK, &json!({"Volumes": shown, "Warnings": null})))
}

/// In the job's words, and without the path on this machine.
fn cleaned(mut volume: Value, words: &super::words::Words) -> Value {
    words.value(&mut volume);
    volume["Mountpoint"] = json!("");
    volume
}

pub(super) async fn create(
    engine: &Arc<JobEngine>,
    asked: Asked,
) -> Result<Response<Body>, Refusal> {
    let body = http::json(asked.request.into_body()).await?;
    for (key, value) in body.as_object().into_iter().flatten() {
        let known = matches!(key.as_str(), "Name" | "Driver" | "DriverOpts" | "Labels");
        if !known && !value.is_null() {
            return Err(Refusal::forbidden(format!(
                "A job's volumes have no {key}: leave it out."
            )));
        }
    }
    confine::driver(&body["Driver"], &body["DriverOpts"])?;
    let name = match body["Name"].as_str().filter(|name| !name.is_empty()) {
        Some(name) => name.to_owned(),
        None => uuid::Uuid::new_v4().simple().to_string(),
    };
    let known = engine.owned().volume(&name, &engine.prefix).map(str::to_owned);
    let made = match known {
        Some(known) => engine.up.ask(Method::GET, &format!("/volumes/{known}"), None).await?,
        None => made(engine, &name, &body["Labels"]).await?,
    };
    Ok(http::answer(StatusCode::CREATED, &cleaned(made, &engine.words())))
}

fn called(engine: &JobEngine, name: &str) -> Result<String, Refusal> {
    let owned = engine.owned();
    let found = owned.volume(name, &engine.prefix).map(str::to_owned);
    found.ok_or_else(|| Refusal {
        status: StatusCode::NOT_FOUND,
        message: format!("get {name}: no such volume"),
    })
}

pub(super) async fn inspect(
    engine: &Arc<JobEngine>,
    name: &str,
) -> Result<Response<Body>, Refusal> {
    let path = format!("/volumes/{}", called(engine, name)?);
    let volume = engine.up.ask(Method::GET, &path, None).await?;
    Ok(http::answer(StatusCode::OK, &cleaned(volume, &engine.words())))
}

pub(super) async fn remove(engine: &Arc<JobEngine>, name: &str) -> Result<Response<Body>, Refusal> {
    let volume = called(engine, name)?;
    engine.ask(Method::DELETE, format!("/volumes/{volume}"), None).await?;
    engine.owned().volumes.remove(&volume);
    Ok(http::nothing(StatusCode::NO_CONTENT))
}

pub(super) async fn prune(engine: &Arc<JobEngine>) -> Result<Response<Body>, Refusal> {
    let all: Vec<String> = engine.owned().volumes.iter().cloned().collect();
    let mut removed = Vec::new();
    for volume in all {
        // Refused while a container has it.
        if engine.ask(Method::DELETE, format!("/volumes/{volume}"), None).await.is_ok() {
            engine.owned().volumes.remove(&volume);
            removed.push(engine.words().text(&volume));
        }
    }
    let answer = json!({"VolumesDeleted": removed, "SpaceReclaimed": 0});
    Ok(http::answer(StatusCode::OK, &answer))
}
