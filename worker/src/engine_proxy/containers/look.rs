//! Looking at containers: nothing changes.

use std::sync::Arc;

use hyper::header::HeaderMap;
use hyper::{Method, Response, StatusCode};
use regex::Regex;
use serde_json::{Value, json};

use crate::engine_proxy::http::{self, Body};
use crate::engine_proxy::owned::OwnContainer;
use crate::engine_proxy::query::{Filters, Written};
use crate::engine_proxy::refusal::Refusal;
use crate::engine_proxy::route::ContainerCall;
use crate::engine_proxy::serve::Asked;
use crate::engine_proxy::{JobEngine, images, networks};
use crate::sandbox::ATTEMPT_LABEL;

/// Filters that mean the same to the engine as to the job.
const SAME: [&str; 8] =
    ["label", "status", "exited", "health", "id", "is-task", "publish", "expose"];

pub(in crate::engine_proxy) async fn list(
    engine: &Arc<JobEngine>,
    asked: Asked,
) -> Result<Response<Body>, Refusal> {
    let mut query = asked.query.keep(&["all", "size"])?;
    let limit: Option<usize> = asked.query.one("limit")?.and_then(|limit| limit.parse().ok());
    let (names, filters) = filters(engine, asked.query.filters()?)?;
    query.filters(&filters);
    if limit.is_some_and(|limit| limit > 0) {
        query.add("all", "1");
    }
    let mut own = own(engine, asked.minor, &query).await?;
    let fits = |name: &str| {
        let bare = name.trim_start_matches('/');
        names.iter().any(|wanted| wanted.is_match(name) || wanted.is_match(bare))
    };
    own.retain(|container| {
        let mut called =
            container["Names"].as_array().into_iter().flatten().filter_map(Value::as_str);
        names.is_empty() || called.any(fits)
    });
    if let Some(limit) = limit.filter(|limit| *limit > 0) {
        own.truncate(limit);
    }
    Ok(http::answer(StatusCode::OK, &Value::Array(own)))
}

/// All of the job's.
pub(in crate::engine_proxy) async fn all(
    engine: &JobEngine,
    minor: u32,
) -> Result<Vec<Value>, Refusal> {
    let mut query = Written::default();
    query.add("all", "1");
    query.add("size", "1");
    own(engine, minor, &query).await
}

/// Those of the engine's list that are the job's, in its words.
async fn own(engine: &JobEngine, minor: u32, query: &Written) -> Result<Vec<Value>, Refusal> {
    let list = engine.up.ask_at(minor, Method::GET, &query.at("/containers/json"), None).await?;
    let words = engine.words();
    let mut own = Vec::new();
    for mut container in list.as_array().cloned().unwrap_or_default() {
        let id = container["Id"].as_str().unwrap_or_default().to_owned();
        let Some(known) = engine.owned().by_id(&id).cloned() else { continue };
        container["Image"] = json!(known.image);
        ports_of_list(&mut container, &known);
        words.value(&mut container);
        networks::usual_address(&mut container);
        own.push(container);
    }
    Ok(own)
}

/// What the engine is asked, and what we look at ourselves: names, which it has otherwise.
fn filters(engine: &JobEngine, asked: Filters) -> Result<(Vec<Regex>, Filters), Refusal> {
    let mut names = Vec::new();
    let mut filters = Filters::new();
    for (name, values) in asked {
        match name.as_str() {
            "name" => {
                for value in values {
                    let pattern = regex::RegexBuilder::new(&value).size_limit(1 << 20).build();
                    let wrong = |_| Refusal::bad(format!("The name {value:?} is no pattern."));
                    names.push(pattern.map_err(wrong)?);
                }
            }
            "network" => {
                let ids = values.iter().map(|value| networks::called(engine, value));
                filters.insert(name, ids.collect::<Result<_, _>>()?);
            }
            "ancestor" => {
                let ids = values.iter().filter_map(|value| images::own(engine, value));
                let ids: Vec<String> = ids.collect();
                // None of the job's: then nothing is made of it, or it is a name of the engine's.
                filters.insert(name, if ids.is_empty() { values } else { ids });
            }
            "volume" => {
                let owned = engine.owned();
                let scoped = values
                    .iter()
                    .map(|value| owned.volume(value, &engine.prefix).unwrap_or(value).to_owned());
                filters.insert(name, scoped.collect());
            }
            "before" | "since" => {
                let ids = values.iter().map(|value| engine.container(value).map(|one| one.id));
                filters.insert(name, ids.collect::<Result<_, _>>()?);
            }
            same if SAME.contains(&same) => {
                filters.insert(name, values);
            }
            other => return Err(Refusal::bad(format!("invalid filter '{other}'"))),
        }
    }
    let label = format!("{ATTEMPT_LABEL}={}", engine.owner.attempt);
    filters.entry("label".to_owned()).or_default().push(label);
    Ok((names, filters))
}

fn ports_of_list(container: &mut Value, known: &OwnContainer) {
    let ports = container["Ports"].as_array().cloned().unwrap_or_default();
    let mut shown: Vec<Value> = ports
        .into_iter()
        .filter(|port| {
            let name =
                format!("{}/{}", port["PrivatePort"], port["Type"].as_str().unwrap_or_default());
            !known.published.iter().any(|published| published.container == name)
        })
        .collect();
    for published in &known.published {
        let (port, kind) = published.container.split_once('/').unwrap_or(("0", "tcp"));
        shown.push(json!({
            "IP": published.ip,
            "PrivatePort": port.parse::<u16>().unwrap_or_default(),
            "PublicPort": published.port,
            "Type": kind,
        }));
    }
    container["Ports"] = Value::Array(shown);
}

pub(super) async fn inspect(
    engine: &Arc<JobEngine>,
    container: &OwnContainer,
    asked: Asked,
) -> Result<Response<Body>, Refusal> {
    let path = asked.query.keep(&["size"])?.at(&format!("/containers/{}/json", container.id));
    let seen = engine.up.ask_at(asked.minor, Method::GET, &path, None).await;
    let mut seen = known(engine, container, seen)?;
    seen["Config"]["Image"] = json!(container.image);
    let bindings = bindings(container);
    seen["HostConfig"]["PortBindings"] = bindings.0;
    seen["HostConfig"]["PublishAllPorts"] = json!(container.publish_all);
    if let Some(ports) = seen["NetworkSettings"]["Ports"].as_object_mut() {
        for (port, published) in bindings.1 {
            ports.insert(port, published);
        }
    }
    seen["HostConfig"]["CgroupParent"] = json!("");
    if container.on_job {
        seen["HostConfig"]["NetworkMode"] = json!("host");
    }
    engine.words().value(&mut seen);
    networks::usual_address(&mut seen);
    Ok(http::answer(StatusCode::OK, &seen))
}

/// A container that the engine does not have any more is not the job's any more.
pub(super) fn known<T>(
    engine: &JobEngine,
    container: &OwnContainer,
    answer: Result<T, Refusal>,
) -> Result<T, Refusal> {
    if answer.as_ref().is_err_and(|refusal| refusal.status == StatusCode::NOT_FOUND) {
        let gone = format!("No such container: {}", container.id);
        if answer.as_ref().is_err_and(|refusal| refusal.message == gone) {
            engine.owned().forget(&container.id);
        }
    }
    answer
}

/// What it wanted published, and what is.
fn bindings(container: &OwnContainer) -> (Value, Vec<(String, Value)>) {
    let mut wanted = serde_json::Map::new();
    for wish in &container.wishes {
        let port = wish.port.map(|port| port.to_string()).unwrap_or_default();
        let ip = if wish.ip == "0.0.0.0" { "" } else { &wish.ip };
        let entry = wanted.entry(wish.container.clone()).or_insert_with(|| json!([]));
        if let Some(list) = entry.as_array_mut() {
            list.push(json!({"HostIp": ip, "HostPort": port}));
        }
    }
    let mut published: Vec<(String, Value)> = Vec::new();
    for one in &container.published {
        let binding = json!({"HostIp": one.ip, "HostPort": one.port.to_string()});
        match published.iter_mut().find(|(port, _)| *port == one.container) {
            Some((_, list)) => {
                if let Some(list) = list.as_array_mut() {
                    list.push(binding);
                }
            }
            None => published.push((one.container.clone(), json!([binding]))),
        }
    }
    (Value::Object(wanted), published)
}

/// What is handed back as it comes.
pub(super) async fn read(
    engine: &Arc<JobEngine>,
    container: &OwnContainer,
    call: ContainerCall,
    asked: Asked,
) -> Result<Response<Body>, Refusal> {
    let query = &asked.query;
    let logs = ["stdout", "stderr", "follow", "since", "until", "timestamps", "tail"];
    let (action, query) = match call {
        ContainerCall::Top => ("top", query.keep(&["ps_args"])?),
        ContainerCall::Logs => ("logs", query.keep(&logs)?),
        ContainerCall::Changes => ("changes", Written::default()),
        ContainerCall::Export => ("export", Written::default()),
        ContainerCall::Stats => ("stats", query.keep(&["stream", "one-shot"])?),
        _ => ("archive", query.keep(&["path"])?),
    };
    let path = query.at(&format!("/containers/{}/{action}", container.id));
    if call == ContainerCall::Stats {
        // Its name is in each line.
        let answer = asked.send(engine, &path, http::empty(), HeaderMap::new()).await;
        let answer = known(engine, container, answer)?;
        return Ok(images::relay(engine, answer, images::Kind::Lines, engine.words(), async {}));
    }
    let answer = asked.pass(engine, &path, http::empty(), HeaderMap::new()).await;
    known(engine, container, answer)
}
