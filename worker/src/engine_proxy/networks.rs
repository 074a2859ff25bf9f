//! Networks of the job: bridges of its own, on which its container is too, as the machine was on
//! Travis.

use std::sync::Arc;

use hyper::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::http::{self, Body};
use super::query::Filters;
use super::refusal::Refusal;
use super::route::NetworkCall;
use super::serve::Asked;
use super::{JobEngine, USUAL_NETWORK, confine, containers};
use crate::guard::BRIDGE;
use crate::sandbox::{ATTEMPT_LABEL, BRIDGE_NAME};

/// An engine has addresses for about thirty networks, of all its jobs.
const MOST: usize = 8;
/// No name is longer.
const LONGEST_NAME: usize = 128;

/// The network that containers are on unless they say else.
pub(super) async fn make_usual(engine: &Arc<JobEngine>) -> Result<(), Refusal> {
    bridge(engine, USUAL_NETWORK, false, Value::Null).await.map(drop)
}

/// Makes a network of this name (as the job knows it); gives its id.
async fn bridge(
    engine: &Arc<JobEngine>,
    name: &str,
    internal: bool,
    labels: Value,
) -> Result<String, Refusal> {
    let scoped = engine.scoped(name);
    let body = json!({
        "Name": scoped,
        "Driver": "bridge",
        "CheckDuplicate": true,
        "Internal": internal,
        "Options": { BRIDGE_NAME: format!("{BRIDGE}{}", hex::encode(rand::random::<[u8; 5]>())) },
        "Labels": engine.labelled(&labels)?,
    });
    let making = Arc::clone(engine);
    engine
        .change(async move {
            let made = making.up.ask(Method::POST, "/networks/create", Some(&body)).await?;
            let id = made["Id"].as_str().unwrap_or_default().to_owned();
            making.owned().networks.insert(id.clone(), scoped);
            if making.job.get().is_some() {
                connect_job(&making, &id).await?;
            }
            Ok(id)
        })
        .await
}

/// Lets the job's container reach what is on a network.
pub(super) async fn connect_job(engine: &JobEngine, network: &str) -> Result<(), Refusal> {
    let body = json!({"Container": engine.job()?});
    let path = format!("/networks/{network}/connect");
    engine.up.ask(Method::POST, &path, Some(&body)).await.map(drop)
}

/// The id of a network by what the job calls it.
pub(super) fn called(engine: &JobEngine, name: &str) -> Result<String, Refusal> {
    let name = if name == "default" { USUAL_NETWORK } else { name };
    let owned = engine.owned();
    let id = owned.network(name, &engine.prefix).map(str::to_owned);
    id.ok_or_else(|| Refusal {
        status: StatusCode::NOT_FOUND,
        message: format!("network {name} not found"),
    })
}

/// The same by the engine's name of it, which containers show.
pub(super) fn by_name(engine: &JobEngine, name: &str) -> Result<String, Refusal> {
    let id = called(engine, name)?;
    Ok(engine.owned().networks.get(&id).cloned().unwrap_or(id))
}

/// `host-gateway` among extra hosts is the job's container: what listens there is what listened on
/// the machine, on Travis.
pub(super) async fn host_gateway(engine: &JobEngine, hosts: &mut Value) -> Result<(), Refusal> {
    let asks = |host: &Value| host.as_str().is_some_and(|host| host.ends_with(":host-gateway"));
    let Some(list) = hosts.as_array_mut().filter(|list| list.iter().any(asks)) else {
        return Ok(());
    };
    let path = format!("/containers/{}/json", engine.job()?);
    let seen = engine.up.ask(Method::GET, &path, None).await?;
    let usual = &seen["NetworkSettings"]["Networks"][engine.scoped(USUAL_NETWORK)]["IPAddress"];
    let address = usual.as_str().filter(|address| !address.is_empty());
    let none = || Refusal::failed("The job's container has no address on its network.");
    let address = address.ok_or_else(none)?;
    for host in list.iter_mut().filter(|host| asks(host)) {
        if let Some(text) = host.as_str() {
            *host = json!(text.replace(":host-gateway", &format!(":{address}")));
        }
    }
    Ok(())
}

/// The address that old scripts read: of the usual network, where an engine's own default has it.
pub(super) fn usual_address(container: &mut Value) {
    let Some(settings) = container.get_mut("NetworkSettings") else { return };
    let usual = settings["Networks"][USUAL_NETWORK].clone();
    let Some(map) = settings.as_object_mut().filter(|map| map.contains_key("IPAddress")) else {
        return;
    };
    for key in ["IPAddress", "Gateway", "IPPrefixLen", "MacAddress"] {
        if !usual[key].is_null() {
            map.insert(key.to_owned(), usual[key].clone());
        }
    }
}

pub(super) async fn list(engine: &Arc<JobEngine>, asked: Asked) -> Result<Response<Body>, Refusal> {
    let wanted = asked.query.filters()?;
    let list = own(engine).await?;
    let fits = |network: &Value| fits(network, &wanted);
    let shown = list.into_iter().filter(fits).collect();
    Ok(http::answer(StatusCode::OK, &Value::Array(shown)))
}

/// All of the job's, in its words.
async fn own(engine: &JobEngine) -> Result<Vec<Value>, Refusal> {
    let label = format!("{ATTEMPT_LABEL}={}", engine.owner.attempt);
    let mut query = super::query::Written::default();
    query.filters(&Filters::from([("label".to_owned(), vec![label])]));
    let list = engine.up.ask(Method::GET, &query.at("/networks"), None).await?;
    let words = engine.words();
    let mut own = Vec::new();
    for mut network in list.as_array().cloned().unwrap_or_default() {
        let id = network["Id"].as_str().unwrap_or_default().to_owned();
        if engine.owned().networks.contains_key(&id) {
            words.value(&mut network);
            own.push(network);
        }
    }
    Ok(own)
}

/// Filters of networks and volumes, on what is the job's.
pub(super) fn fits(thing: &Value, filters: &Filters) -> bool {
    filters.iter().all(|(name, values)| {
        let has = |key: &str, value: &String| {
            thing[key].as_str().is_some_and(|text| text.contains(value.trim_matches(['^', '$'])))
        };
        let labelled = |value: &String| {
            let (key, wanted) = match value.split_once('=') {
                Some((key, wanted)) => (key, Some(wanted)),
                None => (value.as_str(), None),
            };
            let label = thing["Labels"].get(key).and_then(Value::as_str);
            label.is_some_and(|label| wanted.is_none_or(|wanted| wanted == label))
        };
        match name.as_str() {
            "name" => values.iter().any(|value| has("Name", value)),
            "id" => values.iter().any(|value| has("Id", value)),
            "driver" => values.iter().any(|value| thing["Driver"] == **value),
            "label" => values.iter().all(labelled),
            "scope" => values.iter().any(|value| value == "local"),
            "type" => values.iter().any(|value| {
                (value == "custom") == (thing["Name"].as_str() != Some(USUAL_NETWORK))
            }),
            // What is dangling is known to the engine alone; nothing is too much here.
            _ => true,
        }
    })
}

pub(super) async fn inspect(
    engine: &Arc<JobEngine>,
    name: &str,
) -> Result<Response<Body>, Refusal> {
    if matches!(name, "host" | "none") {
        // Clients ask whether they are there.
        let network = json!({"Name": name, "Id": name, "Driver": if name == "none" { "null" } else { name },
            "Scope": "local", "Containers": {}, "Options": {}, "Labels": {}});
        return Ok(http::answer(StatusCode::OK, &network));
    }
    let id = called(engine, name)?;
    let mut network = engine.up.ask(Method::GET, &format!("/networks/{id}"), None).await?;
    let job = engine.job().unwrap_or_default().to_owned();
    if let Some(containers) = network["Containers"].as_object_mut() {
        containers.remove(&job);
    }
    engine.words().value(&mut network);
    Ok(http::answer(StatusCode::OK, &network))
}

pub(super) async fn create(
    engine: &Arc<JobEngine>,
    asked: Asked,
) -> Result<Response<Body>, Refusal> {
    let body = http::json(asked.request.into_body()).await?;
    let wrong = || Refusal::bad("A network is a map of its keys.");
    let mut internal = false;
    for (key, value) in body.as_object().ok_or_else(wrong)? {
        match key.as_str() {
            "Name" | "CheckDuplicate" | "Labels" | "Attachable" => {}
            "Driver" if matches!(value.as_str().unwrap_or_default(), "" | "default" | "bridge") => {
            }
            "Driver" => {
                return Err(Refusal::forbidden("A job's networks are of the driver `bridge`."));
            }
            "Internal" => internal = value == true,
            "IPAM" => addresses(value)?,
            "EnableIPv4" => {}
            "Scope" if value == "local" => {}
            _ if says_nothing(value) => {}
            _ => {
                return Err(Refusal::forbidden(format!(
                    "A job's networks have a name, labels and `internal`, and nothing else: leave \
                     {key} out."
                )));
            }
        }
    }
    let name = body["Name"].as_str().unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(plain) {
        return Err(Refusal::bad(format!("invalid network name: {name:?}")));
    }
    let taken = |message: String| Refusal::conflict(message);
    if matches!(name, "host" | "none" | "default") || called(engine, name).is_ok() {
        return Err(taken(format!("network with name {name} already exists")));
    }
    if engine.owned().networks.len() > MOST {
        return Err(taken(format!("A job has at most {MOST} networks: remove one.")));
    }
    let id = bridge(engine, name, internal, body["Labels"].clone()).await?;
    Ok(http::answer(StatusCode::CREATED, &json!({"Id": id, "Warning": ""})))
}

fn says_nothing(value: &Value) -> bool {
    value.is_null()
        || value == false
        || value == ""
        || value.as_object().is_some_and(serde_json::Map::is_empty)
        || value.as_array().is_some_and(Vec::is_empty)
}

fn addresses(ipam: &Value) -> Result<(), Refusal> {
    if !matches!(ipam["Driver"].as_str().unwrap_or_default(), "" | "default") {
        return Err(Refusal::forbidden("A job's networks get their addresses from the engine."));
    }
    if !says_nothing(&ipam["Options"]) {
        return Err(Refusal::forbidden("A job's networks have no options of addresses."));
    }
    for pool in ipam["Config"].as_array().into_iter().flatten() {
        confine::addresses(pool)?;
    }
    Ok(())
}

pub(super) async fn change(
    engine: &Arc<JobEngine>,
    name: &str,
    call: NetworkCall,
    asked: Asked,
) -> Result<Response<Body>, Refusal> {
    let id = called(engine, name)?;
    if call == NetworkCall::Remove {
        if name == USUAL_NETWORK || engine.owned().networks[&id] == engine.scoped(USUAL_NETWORK) {
            return Err(Refusal::forbidden(
                "bridge is a pre-defined network and cannot be removed",
            ));
        }
        remove(engine, &id).await?;
        return Ok(http::nothing(StatusCode::NO_CONTENT));
    }
    let body = http::json(asked.request.into_body()).await?;
    let container = engine.container(body["Container"].as_str().unwrap_or_default())?;
    let request = if call == NetworkCall::Connect {
        let mut settings = confine::endpoint(&body["EndpointConfig"])?;
        let bare = container.name.strip_prefix(&engine.prefix).map(str::to_owned);
        if let Some(settings) = settings.as_object_mut() {
            containers::linked(engine, settings, bare.as_deref())?;
        }
        json!({"Container": container.id, "EndpointConfig": settings})
    } else {
        json!({"Container": container.id, "Force": body["Force"] == true})
    };
    let action = if call == NetworkCall::Connect { "connect" } else { "disconnect" };
    engine.ask(Method::POST, format!("/networks/{id}/{action}"), Some(request)).await?;
    Ok(http::nothing(StatusCode::OK))
}

/// The job's own container does not keep a network.
async fn remove(engine: &Arc<JobEngine>, id: &str) -> Result<(), Refusal> {
    let removing = Arc::clone(engine);
    let id = id.to_owned();
    engine
        .change(async move {
            let up = &removing.up;
            let seen = up.ask(Method::GET, &format!("/networks/{id}"), None).await?;
            let job = removing.job()?.to_owned();
            let others = seen["Containers"].as_object().into_iter().flatten();
            let busy = others.filter(|(other, _)| **other != job).count();
            if busy > 0 {
                return Err(Refusal::forbidden(format!(
                    "error while removing network: network {} id {id} has active endpoints",
                    seen["Name"].as_str().unwrap_or_default()
                )));
            }
            let leave = json!({"Container": job, "Force": true});
            let left =
                up.ask(Method::POST, &format!("/networks/{id}/disconnect"), Some(&leave)).await;
            if let Err(refusal) = left {
                tracing::debug!(message = refusal.message, "the job was not on a network");
            }
            up.ask(Method::DELETE, &format!("/networks/{id}"), None).await?;
            removing.owned().networks.remove(&id);
            Ok(())
        })
        .await
}

pub(super) async fn prune(engine: &Arc<JobEngine>) -> Result<Response<Body>, Refusal> {
    let all: Vec<(String, String)> = {
        let owned = engine.owned();
        owned.networks.iter().map(|(id, name)| (id.clone(), name.clone())).collect()
    };
    let usual = engine.scoped(USUAL_NETWORK);
    let mut removed = Vec::new();
    for (id, name) in all {
        if name != usual && remove(engine, &id).await.is_ok() {
            removed.push(engine.words().text(&name));
        }
    }
    Ok(http::answer(StatusCode::OK, &json!({"NetworksDeleted": removed})))
}
