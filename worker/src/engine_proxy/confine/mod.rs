//! What a container that a job makes may be: no more than the job itself. The engine's request is
//! written anew from the keys that are known here; what is not known is refused, and what would
//! reach out of the job is refused with what to do instead.

mod host;
mod mounts;
mod network;

use serde_json::{Map, Value, json};

use super::refusal::Refusal;
pub(super) use mounts::{MountWish, Source, driver};
pub(super) use network::{NetworkWish, PortWish, addresses, endpoint};

/// Keys of a container that say nothing about the machine.
const PLAIN: [&str; 23] = [
    "Hostname",
    "Domainname",
    "User",
    "AttachStdin",
    "AttachStdout",
    "AttachStderr",
    "ExposedPorts",
    "Tty",
    "OpenStdin",
    "StdinOnce",
    "Env",
    "Cmd",
    "Healthcheck",
    "ArgsEscaped",
    "Volumes",
    "WorkingDir",
    "Entrypoint",
    "NetworkDisabled",
    "MacAddress",
    "StopSignal",
    "StopTimeout",
    "Shell",
    "Labels",
];

/// What bounds a container, whatever it asks.
#[derive(Clone, Debug)]
pub(super) struct Bounds {
    pub(super) memory: u64,
    pub(super) pids: u32,
    pub(super) cpu_millis: u32,
    /// The group in which all of the job's containers are bounded together.
    pub(super) cgroup: Option<String>,
}

/// A container as the job wants it, after what it may not have.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    /// Without `HostConfig` and `NetworkingConfig`.
    pub(super) config: Map<String, Value>,
    pub(super) host: Map<String, Value>,
    pub(super) image: String,
    pub(super) mounts: Vec<MountWish>,
    /// Containers whose volumes it wants, each with `ro`, `rw` or nothing behind a colon.
    pub(super) volumes_from: Vec<String>,
    pub(super) network: NetworkWish,
    /// Further networks, or the one, with what it wants there.
    pub(super) endpoints: Vec<(String, Value)>,
    pub(super) links: Vec<String>,
    pub(super) ports: Vec<PortWish>,
    pub(super) publish_all: bool,
    /// The containers whose processes and memory it shares: (`PidMode`, container).
    pub(super) beside: Vec<(&'static str, String)>,
    pub(super) warnings: Vec<String>,
}

/// Reads a request to create a container.
pub(super) fn confine(body: &Value, bounds: &Bounds) -> Result<Wish, Refusal> {
    let body = body.as_object().ok_or_else(|| Refusal::bad("A container is a map of its keys."))?;
    let mut config = Map::new();
    let mut image = None;
    let mut host = &Value::Null;
    let mut networking = &Value::Null;
    for (key, value) in body {
        match key.as_str() {
            "Image" => image = value.as_str(),
            "HostConfig" => host = value,
            "NetworkingConfig" => networking = value,
            // Of the image's build; nothing of it is for a container.
            "OnBuild" => {}
            plain if PLAIN.contains(&plain) => {
                config.insert(key.clone(), value.clone());
            }
            _ => unknown(key, value)?,
        }
    }
    let image = image.filter(|image| !image.is_empty());
    let image = image.ok_or_else(|| Refusal::bad("no image specified"))?.to_owned();
    own_labels(&config)?;
    let mut wish = Wish {
        config,
        host: Map::new(),
        image,
        mounts: Vec::new(),
        volumes_from: Vec::new(),
        network: NetworkWish::Usual,
        endpoints: Vec::new(),
        links: Vec::new(),
        ports: Vec::new(),
        publish_all: false,
        beside: Vec::new(),
        warnings: Vec::new(),
    };
    let none = Map::new();
    let host = match host {
        Value::Null => &none,
        host => host.as_object().ok_or_else(|| Refusal::bad("HostConfig is a map of its keys."))?,
    };
    for (key, value) in host {
        host::take(&mut wish, key, value, bounds)?;
    }
    host::bound(&mut wish, bounds);
    wish.endpoints = network::endpoints(networking)?;
    Ok(wish)
}

/// A key that is not known here may be there if it says nothing.
fn unknown(key: &str, value: &Value) -> Result<(), Refusal> {
    if is_nothing(value) {
        return Ok(());
    }
    Err(Refusal::forbidden(format!(
        "A job's container can not be given {key:?}: it is not one of the keys that a job's engine \
         knows. Leave it out."
    )))
}

/// Refuses a value that says something.
fn nothing(value: &Value, sentence: &str) -> Result<(), Refusal> {
    if is_nothing(value) { Ok(()) } else { Err(Refusal::forbidden(sentence)) }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

/// By labels of ours the worker finds what it has to remove: a job writes none.
fn own_labels(config: &Map<String, Value>) -> Result<(), Refusal> {
    match config.get("Labels") {
        None | Some(Value::Null) => Ok(()),
        Some(labels) => labels_of(labels).map(drop),
    }
}

/// The labels of a request, none of ours among them.
pub(super) fn labels_of(labels: &Value) -> Result<Map<String, Value>, Refusal> {
    let map = match labels {
        Value::Null => return Ok(Map::new()),
        labels => labels.as_object().ok_or_else(|| Refusal::bad("Labels are a map of texts."))?,
    };
    if let Some(key) = map.keys().find(|key| key.starts_with(super::words::LABELS)) {
        return Err(Refusal::forbidden(format!(
            "The label {key:?} is Slipway's own: give yours another name."
        )));
    }
    Ok(map.clone())
}

/// A list of texts; null is none.
fn texts(key: &str, value: &Value) -> Result<Vec<String>, Refusal> {
    let wrong = || Refusal::bad(format!("{key} is a list of texts."));
    match value {
        Value::Null => Ok(Vec::new()),
        Value::String(text) => Ok(vec![text.clone()]),
        Value::Array(list) => {
            list.iter().map(|one| one.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
        }
        _ => Err(wrong()),
    }
}

/// A request to run a command in a container.
pub(super) fn exec(body: &Value) -> Result<Value, Refusal> {
    const KEYS: [&str; 10] = [
        "AttachStdin",
        "AttachStdout",
        "AttachStderr",
        "DetachKeys",
        "Tty",
        "Env",
        "Cmd",
        "WorkingDir",
        "User",
        "ConsoleSize",
    ];
    let body = body.as_object().ok_or_else(|| Refusal::bad("A command is a map of its keys."))?;
    let mut kept = Map::new();
    for (key, value) in body {
        match key.as_str() {
            "Privileged" => nothing(
                value,
                "A job's commands are never privileged: run `docker exec` without --privileged.",
            )?,
            // The client says how it will start it; starting says it again.
            "Detach" | "ExecIDs" => {}
            plain if KEYS.contains(&plain) => {
                kept.insert(key.clone(), value.clone());
            }
            _ => unknown(key, value)?,
        }
    }
    kept.insert("Privileged".to_owned(), json!(false));
    Ok(Value::Object(kept))
}

#[cfg(test)]
mod tests;
