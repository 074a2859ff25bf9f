//! The ports of a container on the job's localhost.

use hyper::Method;
use serde_json::Value;

use crate::engine_proxy::JobEngine;
use crate::engine_proxy::confine::PortWish;
use crate::engine_proxy::owned::{OwnContainer, Published};
use crate::engine_proxy::ports::Gate;
use crate::engine_proxy::refusal::Refusal;

/// Publishes what it wants; `seen` is what the engine says of it.
pub(super) async fn publish(
    engine: &JobEngine,
    container: &OwnContainer,
    seen: &Value,
) -> Result<(), Refusal> {
    let mut wishes = container.wishes.clone();
    if container.publish_all {
        let exposed = seen["Config"]["ExposedPorts"].as_object();
        for port in exposed.into_iter().flat_map(serde_json::Map::keys) {
            let port = if port.contains('/') { port.clone() } else { format!("{port}/tcp") };
            if !wishes.iter().any(|wish| wish.container == port) {
                wishes.push(PortWish { container: port, ip: "0.0.0.0".to_owned(), port: None });
            }
        }
    }
    // What it had published before it ended.
    withdraw(engine, &container.id).await;
    for wish in &wishes {
        if let Err(refusal) = one(engine, container, wish).await {
            withdraw(engine, &container.id).await;
            return Err(refusal);
        }
    }
    Ok(())
}

async fn one(engine: &JobEngine, container: &OwnContainer, wish: &PortWish) -> Result<(), Refusal> {
    if let Some(port) = wish.port {
        ended(engine, &wish.container, port).await;
    }
    let mut gate = engine.gate.lock().await;
    if gate.is_none() {
        *gate = Some(Gate::start(engine).await?);
    }
    let Some(open) = gate.as_mut() else { return Ok(()) };
    let port = wish.port.unwrap_or(0);
    let opened = open.open(&wish.ip, port, &container.name, &wish.container).await;
    drop(gate);
    let port = opened.map_err(|error| {
        let shown = wish.port.map_or_else(|| "any".to_owned(), |port| port.to_string());
        let why = if error.contains("in use") { "port is already allocated" } else { &error };
        Refusal::failed(format!(
            "driver failed programming external connectivity on endpoint {}: Bind for {}:{shown} \
             failed: {why}",
            container.name, wish.ip
        ))
    })?;
    if let Some(own) = engine.owned().by_id(&container.id) {
        own.published.push(Published {
            container: wish.container.clone(),
            ip: wish.ip.clone(),
            port,
        });
    }
    Ok(())
}

/// Withdraws what a container that has ended still holds at this port.
async fn ended(engine: &JobEngine, container: &str, port: u16) {
    let protocol = container.split_once('/').map(|(_, protocol)| protocol.to_owned());
    let holders: Vec<String> = {
        let owned = engine.owned();
        let holds = |one: &&OwnContainer| {
            one.published.iter().any(|published| {
                let same = published.container.split_once('/').map(|(_, protocol)| protocol)
                    == protocol.as_deref();
                published.port == port && same
            })
        };
        owned.containers().iter().filter(holds).map(|one| one.id.clone()).collect()
    };
    for id in holders {
        let seen = engine.up.ask(Method::GET, &format!("/containers/{id}/json"), None).await;
        if !seen.is_ok_and(|seen| seen["State"]["Running"] == true) {
            withdraw(engine, &id).await;
        }
    }
}

/// Takes a container's ports from the job's localhost.
pub(super) async fn withdraw(engine: &JobEngine, id: &str) {
    let published = match engine.owned().by_id(id) {
        Some(own) => std::mem::take(&mut own.published),
        None => Vec::new(),
    };
    if published.is_empty() {
        return;
    }
    let mut gate = engine.gate.lock().await;
    let Some(gate) = gate.as_mut() else { return };
    for one in published {
        let protocol = one.container.split_once('/').map_or("tcp", |(_, protocol)| protocol);
        gate.close(protocol, &one.ip, one.port).await;
    }
}
