//! Making a container: what was confined, with names, images, mounts and networks of the job.

use std::collections::BTreeMap;
use std::sync::Arc;

use hyper::{Method, Response, StatusCode};
use serde_json::{Map, Value, json};

use crate::engine_proxy::confine::{self, MountWish, NetworkWish, Source, Wish};
use crate::engine_proxy::http::{self, Body};
use crate::engine_proxy::owned::OwnContainer;
use crate::engine_proxy::query::Written;
use crate::engine_proxy::refusal::Refusal;
use crate::engine_proxy::serve::Asked;
use crate::engine_proxy::words::LABELS;
use crate::engine_proxy::{JobEngine, SOCKET, USUAL_NETWORK, images, networks, volumes};

/// Containers of one job at a time, whether they run or not.
const MOST: usize = 200;
/// A name longer than this is no host name either.
const LONGEST_NAME: usize = 128;

pub(in crate::engine_proxy) async fn create(
    engine: &Arc<JobEngine>,
    asked: Asked,
) -> Result<Response<Body>, Refusal> {
    let name = asked.query.one("name")?.filter(|name| !name.is_empty()).map(str::to_owned);
    if let Some(name) = &name {
        named(name)?;
    }
    if asked.query.one("platform")?.is_some_and(|platform| !platform.is_empty()) {
        // The image was chosen when it was pulled.
        tracing::debug!("a platform of a container has no effect");
    }
    let body = http::json(asked.request.into_body()).await?;
    let mut wish = confine::confine(&body, &engine.bounds)?;
    if engine.owned().containers().len() >= MOST {
        return Err(Refusal::conflict(format!(
            "A job has at most {MOST} containers: remove those that have ended."
        )));
    }
    let image = images::usable(engine, &wish.image).await?;
    let beside = placed(engine, &mut wish, name.as_deref())?;
    let mounts = mounted(engine, &wish).await?;
    let warnings = std::mem::take(&mut wish.warnings);
    let networks = std::mem::take(&mut wish.endpoints);
    let own = OwnContainer {
        id: String::new(),
        name: String::new(),
        image: wish.image.clone(),
        wishes: std::mem::take(&mut wish.ports),
        publish_all: wish.publish_all,
        on_job: beside,
        published: Vec::new(),
    };
    let body = written(engine, wish, image, mounts, networks).await?;
    let mut query = Written::default();
    if let Some(name) = &name {
        query.add("name", engine.scoped(name));
    }
    let made = made(engine, asked.minor, query.at("/containers/create"), body, own).await?;
    let warnings: Vec<Value> = made["Warnings"]
        .as_array()
        .into_iter()
        .flatten()
        .cloned()
        .chain(warnings.into_iter().map(Value::String))
        .collect();
    let answer = json!({"Id": made["Id"], "Warnings": warnings});
    Ok(http::answer(StatusCode::CREATED, &answer))
}

/// A name as engines allow it.
pub(super) fn named(name: &str) -> Result<(), Refusal> {
    let bare = name.strip_prefix('/').unwrap_or(name);
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let good = bare.len() > 1
        && bare.len() <= LONGEST_NAME
        && bare.starts_with(|c: char| c.is_ascii_alphanumeric())
        && bare.chars().all(plain)
        && bare == name;
    if good {
        return Ok(());
    }
    let shown: String = name.chars().take(LONGEST_NAME).collect();
    Err(Refusal::bad(format!(
        "Invalid container name ({shown}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
    )))
}

/// Puts it on its networks; true: on the job's own.
fn placed(engine: &JobEngine, wish: &mut Wish, name: Option<&str>) -> Result<bool, Refusal> {
    for (key, container) in std::mem::take(&mut wish.beside) {
        let id = engine.container(&container)?.id;
        wish.host.insert(key.to_owned(), json!(format!("container:{id}")));
    }
    let mut sources = Vec::new();
    for text in std::mem::take(&mut wish.volumes_from) {
        let (name, mode) = text.split_once(':').unwrap_or((&text, ""));
        let id = engine.container(name)?.id;
        match mode {
            "" | "rw" => sources.push(id),
            "ro" => sources.push(format!("{id}:ro")),
            _ => return Err(Refusal::bad(format!("invalid mode for volumes-from: {mode}"))),
        }
    }
    wish.host.insert("VolumesFrom".to_owned(), json!(sources));
    let links = std::mem::take(&mut wish.links);
    let (mode, on_bridges) = match &wish.network {
        NetworkWish::Usual => (networks::by_name(engine, USUAL_NETWORK)?, true),
        NetworkWish::Named(name) => (networks::by_name(engine, name)?, true),
        NetworkWish::None => ("none".to_owned(), false),
        NetworkWish::Beside(name) => (format!("container:{}", engine.container(name)?.id), false),
        NetworkWish::Job => (format!("container:{}", engine.job()?), false),
    };
    let endpoints = std::mem::take(&mut wish.endpoints);
    let mut settings: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    if on_bridges {
        settings.insert(mode.clone(), Map::new());
        for (name, value) in endpoints {
            // By any of its names it is one network.
            let id = networks::by_name(engine, &name)?;
            let entry = settings.entry(id).or_default();
            entry.extend(value.as_object().cloned().unwrap_or_default());
        }
        for (id, settings) in &mut settings {
            let links = if *id == mode { links.as_slice() } else { &[] };
            linked(engine, settings, name, links)?;
        }
    } else {
        // It has no name and no door of its own there.
        for key in ["Hostname", "Domainname", "MacAddress", "ExposedPorts"] {
            wish.config.remove(key);
        }
        for key in ["ExtraHosts", "Dns", "DnsOptions", "DnsSearch", "Sysctls"] {
            wish.host.remove(key);
        }
        if !wish.ports.is_empty() && wish.network == NetworkWish::Job {
            wish.warnings
                .push("Published ports are discarded when using host network mode".to_owned());
        }
        wish.ports.clear();
        wish.publish_all = false;
    }
    wish.host.insert("NetworkMode".to_owned(), json!(mode));
    wish.endpoints = settings.into_iter().map(|(id, map)| (id, Value::Object(map))).collect();
    Ok(wish.network == NetworkWish::Job)
}

/// What it is called on a network, and what it calls others there.
pub(super) fn linked(
    engine: &JobEngine,
    settings: &mut Map<String, Value>,
    name: Option<&str>,
    links: &[String],
) -> Result<(), Refusal> {
    if let Some(name) = name {
        let aliases = settings.entry("Aliases").or_insert_with(|| json!([]));
        if let Some(aliases) = aliases.as_array_mut() {
            aliases.push(json!(name));
        }
    }
    let mut all = Vec::new();
    let given = settings.remove("Links");
    let given = given.as_ref().and_then(Value::as_array).into_iter().flatten();
    for link in given.filter_map(Value::as_str).chain(links.iter().map(String::as_str)) {
        let (container, alias) = link.split_once(':').unwrap_or((link, link));
        let target = engine.container(container)?;
        let alias = alias.rsplit('/').next().unwrap_or(alias);
        let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        if alias.is_empty() || !alias.chars().all(plain) {
            return Err(Refusal::bad(format!("{link:?} is no link: write NAME:ALIAS")));
        }
        all.push(format!("{}:{alias}", target.name));
    }
    if !all.is_empty() {
        settings.insert("Links".to_owned(), json!(all));
    }
    Ok(())
}

/// Its mounts, as the engine is told.
async fn mounted(engine: &Arc<JobEngine>, wish: &Wish) -> Result<Vec<Value>, Refusal> {
    let mut mounts = Vec::new();
    for wanted in &wish.mounts {
        mounts.push(mount(engine, wanted).await?);
    }
    Ok(mounts)
}

async fn mount(engine: &Arc<JobEngine>, wanted: &MountWish) -> Result<Value, Refusal> {
    let mut mount = match &wanted.source {
        Source::Path(path) if path == SOCKET || path == "/run/docker.sock" => {
            json!({"Type": "bind", "Source": engine.socket()})
        }
        Source::Path(path) => {
            let (looking, path, make) = (Arc::clone(engine), path.clone(), wanted.make);
            let pinned = tokio::task::spawn_blocking(move || looking.tree.pin(&path, make));
            let pinned = pinned.await.map_err(|_| Refusal::failed("The worker broke down."))??;
            json!({"Type": "bind", "Source": pinned})
        }
        Source::Volume(None) => json!({"Type": "volume"}),
        Source::Volume(Some(name)) => {
            let name = volumes::there(engine, name).await?;
            let options = json!({"NoCopy": wanted.no_copy});
            json!({"Type": "volume", "Source": name, "VolumeOptions": options})
        }
        Source::Memory(options) => json!({"Type": "tmpfs", "TmpfsOptions": options}),
    };
    mount["Target"] = json!(wanted.target);
    mount["ReadOnly"] = json!(wanted.read_only);
    Ok(mount)
}

/// The request as the engine gets it.
async fn written(
    engine: &JobEngine,
    wish: Wish,
    image: String,
    mounts: Vec<Value>,
    networks: Vec<(String, Value)>,
) -> Result<Value, Refusal> {
    let (mut config, mut host) = (wish.config, wish.host);
    if let Some(hosts) = host.get_mut("ExtraHosts") {
        networks::host_gateway(engine, hosts).await?;
    }
    let mut labels = confine::labels_of(config.get("Labels").unwrap_or(&Value::Null))?;
    // An image may bring labels along by which somebody else's containers are found.
    let seen = engine.up.ask(Method::GET, &format!("/images/{image}/json"), None).await?;
    let brought = seen["Config"]["Labels"].as_object().into_iter().flatten();
    let ours = brought.filter(|(name, _)| name.starts_with(LABELS));
    labels.extend(ours.map(|(name, _)| (name.clone(), json!(""))));
    labels.extend(engine.labels().map(|(name, value)| (name, json!(value))));
    config.insert("Labels".to_owned(), Value::Object(labels));
    config.insert("Image".to_owned(), json!(image));
    host.insert("Mounts".to_owned(), json!(mounts));
    config.insert("HostConfig".to_owned(), Value::Object(host));
    // The engine takes one network when it makes a container: the others are joined afterwards.
    let endpoints: Map<String, Value> = networks.into_iter().collect();
    config.insert("NetworkingConfig".to_owned(), json!({"EndpointsConfig": endpoints}));
    Ok(Value::Object(config))
}

async fn made(
    engine: &Arc<JobEngine>,
    minor: u32,
    path: String,
    mut body: Value,
    mut own: OwnContainer,
) -> Result<Value, Refusal> {
    let making = Arc::clone(engine);
    engine
        .change(async move {
            let mode = body["HostConfig"]["NetworkMode"].clone();
            let endpoints = body["NetworkingConfig"]["EndpointsConfig"].take();
            let mut first = Map::new();
            let mut others = Vec::new();
            for (id, settings) in endpoints.as_object().into_iter().flatten() {
                if Some(id.as_str()) == mode.as_str() {
                    first.insert(id.clone(), settings.clone());
                } else {
                    others.push((id.clone(), settings.clone()));
                }
            }
            body["NetworkingConfig"] = json!({"EndpointsConfig": first});
            let up = &making.up;
            let made = up.ask_at(minor, Method::POST, &path, Some(&body)).await?;
            let id = made["Id"].as_str().unwrap_or_default().to_owned();
            let seen = up.ask(Method::GET, &format!("/containers/{id}/json"), None).await?;
            let name = seen["Name"].as_str().unwrap_or_default().trim_start_matches('/');
            (own.id, own.name) = (id.clone(), name.to_owned());
            making.owned().add(own);
            volumes::noted(&making, &seen);
            for (network, settings) in others {
                let request = json!({"Container": id, "EndpointConfig": settings});
                let path = format!("/networks/{network}/connect");
                up.ask(Method::POST, &path, Some(&request)).await?;
            }
            Ok(made)
        })
        .await
}
