//! What the engine is, as the job may know it, and what happens to the job's own.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::header::HeaderMap;
use hyper::{Method, Response, StatusCode};
use serde_json::{Map, Value, json};

use super::http::{self, Body};
use super::query::Filters;
use super::refusal::Refusal;
use super::route::{Call, OLDEST};
use super::serve::{Asked, content, kept};
use super::{JobEngine, containers, images};

/// What of the engine's self-description says nothing about the machine.
const ABOUT: [&str; 22] = [
    "Driver",
    "MemoryLimit",
    "SwapLimit",
    "CpuCfsPeriod",
    "CpuCfsQuota",
    "CPUShares",
    "CPUSet",
    "PidsLimit",
    "IPv4Forwarding",
    "BridgeNfIptables",
    "BridgeNfIp6tables",
    "OomKillDisable",
    "LoggingDriver",
    "CgroupDriver",
    "CgroupVersion",
    "KernelVersion",
    "OSType",
    "Architecture",
    "ServerVersion",
    "ExperimentalBuild",
    "DefaultRuntime",
    "SystemTime",
];
/// No line of events is longer.
const LONGEST_LINE: usize = 1 << 20;

pub(super) async fn answer(
    engine: &Arc<JobEngine>,
    call: Call,
    asked: Asked,
) -> Result<Response<Body>, Refusal> {
    match call {
        Call::Version => version(engine).await,
        Call::Info => info(engine).await,
        Call::Login => login(engine, asked).await,
        Call::Events => events(engine, asked).await,
        Call::DiskUse => disk_use(engine, asked).await,
        _ => ping(engine, asked).await,
    }
}

/// What a client learns first: the API, and which builder is the engine's own.
async fn ping(engine: &JobEngine, asked: Asked) -> Result<Response<Body>, Refusal> {
    let mut response = asked.pass(engine, "/_ping", http::empty(), HeaderMap::new()).await?;
    let newest = format!("1.{}", engine.up.minor);
    if let Ok(version) = newest.parse() {
        response.headers_mut().insert("api-version", version);
    }
    Ok(response)
}

async fn version(engine: &JobEngine) -> Result<Response<Body>, Refusal> {
    let engine_says = engine.up.ask(Method::GET, "/version", None).await?;
    let mut shown = json!({
        "ApiVersion": format!("1.{}", engine.up.minor),
        "MinAPIVersion": format!("1.{OLDEST}"),
        "Platform": {"Name": "Slipway: the engine of one job"},
    });
    for key in ["Version", "Os", "Arch", "KernelVersion", "GoVersion", "GitCommit", "BuildTime"] {
        shown[key] = engine_says[key].clone();
    }
    let details = json!({
        "ApiVersion": shown["ApiVersion"],
        "MinAPIVersion": shown["MinAPIVersion"],
        "Os": shown["Os"],
        "Arch": shown["Arch"],
        "GoVersion": shown["GoVersion"],
        "GitCommit": shown["GitCommit"],
        "BuildTime": shown["BuildTime"],
        "KernelVersion": shown["KernelVersion"],
        "Experimental": "false",
    });
    shown["Components"] =
        json!([{"Name": "Engine", "Version": shown["Version"], "Details": details}]);
    Ok(http::answer(StatusCode::OK, &shown))
}

async fn info(engine: &JobEngine) -> Result<Response<Body>, Refusal> {
    let about = engine.up.ask(Method::GET, "/info", None).await?;
    let mut shown = Map::new();
    for key in ABOUT {
        shown.insert(key.to_owned(), about[key].clone());
    }
    let (containers, images) = {
        let owned = engine.owned();
        (owned.containers().len(), owned.images.len())
    };
    let more = json!({
        "ID": engine.owner.attempt.to_string(),
        "Name": "slipway",
        "OperatingSystem": "Slipway: the engine of one job",
        "Containers": containers,
        "ContainersRunning": containers,
        "ContainersPaused": 0,
        "ContainersStopped": 0,
        "Images": images,
        "NCPU": engine.bounds.cpu_millis.div_ceil(1000),
        "MemTotal": engine.bounds.memory,
        "SecurityOptions": ["name=seccomp,profile=default", "name=no-new-privileges"],
        "Plugins": {"Volume": ["local"], "Network": ["bridge", "host", "null"], "Log": ["json-file"]},
        "Swarm": {"LocalNodeState": "inactive", "ControlAvailable": false},
        "Runtimes": {"runc": {"path": "runc"}},
        "RegistryConfig": {"IndexConfigs": {}, "InsecureRegistryCIDRs": [], "Mirrors": []},
        "IndexServerAddress": "https://index.docker.io/v1/",
        "Labels": [],
        "Warnings": null,
    });
    shown.extend(more.as_object().cloned().unwrap_or_default());
    Ok(http::answer(StatusCode::OK, &Value::Object(shown)))
}

/// Asks a registry whether it knows these words. They are the job's, and are kept by its client.
async fn login(engine: &JobEngine, mut asked: Asked) -> Result<Response<Body>, Refusal> {
    let body = http::json(asked.request.body_mut()).await?;
    let mut words = Map::new();
    for key in ["username", "password", "email", "serveraddress", "identitytoken", "auth"] {
        if let Some(value) = body.get(key) {
            words.insert(key.to_owned(), value.clone());
        }
    }
    let body = http::full(Value::Object(words).to_string());
    asked.pass(engine, "/auth", body, content("application/json")).await
}

/// Of the job's own things only.
async fn events(engine: &Arc<JobEngine>, asked: Asked) -> Result<Response<Body>, Refusal> {
    let mut query = asked.query.keep(&["since", "until"])?;
    let mut filters = Filters::new();
    for (name, values) in asked.query.filters()? {
        match name.as_str() {
            "event" | "type" | "label" | "scope" => {
                filters.insert(name, values);
            }
            "container" => {
                let ids = values.iter().map(|value| engine.container(value).map(|one| one.id));
                filters.insert(name, ids.collect::<Result<_, _>>()?);
            }
            other => return Err(Refusal::bad(format!("invalid filter '{other}'"))),
        }
    }
    query.filters(&filters);
    let response =
        asked.send(engine, &query.at("/events"), http::empty(), HeaderMap::new()).await?;
    let (sender, body) = http::channel();
    let mut answer = kept(response);
    let mut source = std::mem::replace(answer.body_mut(), body);
    let (looking, stop) = (Arc::clone(engine), engine.stop.clone());
    engine.serving.spawn(async move {
        let reading = async {
            let mut line = Vec::new();
            while let Some(Ok(frame)) = source.frame().await {
                let Ok(data) = frame.into_data() else { continue };
                for byte in data {
                    line.push(byte);
                    if byte != b'\n' && line.len() < LONGEST_LINE {
                        continue;
                    }
                    let shown = event(&looking, &line);
                    line.clear();
                    if let Some(shown) = shown
                        && sender.send(Ok(shown)).await.is_err()
                    {
                        return;
                    }
                }
            }
        };
        tokio::select! {
            () = reading => {}
            () = stop.cancelled() => {}
            () = sender.closed() => {}
        }
    });
    Ok(answer)
}

/// One event in the job's words, if it is about what is the job's.
fn event(engine: &JobEngine, line: &[u8]) -> Option<Bytes> {
    let mut event: Value = serde_json::from_slice(line).ok()?;
    let id = event["Actor"]["ID"].as_str()?.to_owned();
    let own = {
        let mut owned = engine.owned();
        match event["Type"].as_str()? {
            // An event may be sooner than the answer that tells us the id.
            "container" => {
                let attempt = engine.owner.attempt.to_string();
                let label = &event["Actor"]["Attributes"][crate::sandbox::ATTEMPT_LABEL];
                let other = engine.job.get().is_some_and(|job| *job == id);
                owned.by_id(&id).is_some() || (label == &json!(attempt) && !other)
            }
            "network" => owned.networks.contains_key(&id),
            "volume" => owned.volumes.contains(&id),
            "image" => owned.images.contains_key(&id),
            _ => false,
        }
    };
    if !own {
        return None;
    }
    if let Some(container) = engine.owned().by_id(&id).cloned() {
        event["from"] = json!(container.image);
        event["Actor"]["Attributes"]["image"] = json!(container.image);
    }
    engine.words().value(&mut event);
    let mut text = event.to_string();
    text.push('\n');
    Some(text.into())
}

/// What the job's own take.
async fn disk_use(engine: &Arc<JobEngine>, asked: Asked) -> Result<Response<Body>, Refusal> {
    let images = images::all(engine, asked.minor).await?;
    let containers = containers::all(engine, asked.minor).await?;
    let answer = json!({
        "LayersSize": 0,
        "Images": images,
        "Containers": containers,
        "Volumes": [],
        "BuildCache": [],
        "BuilderSize": 0,
    });
    Ok(http::answer(StatusCode::OK, &answer))
}
