//! What a container wants of networks: on one of the job's, or on the job's own.

use serde_json::{Map, Value, json};

use super::{nothing, texts};
use crate::engine_proxy::refusal::Refusal;

/// Most ports of one container.
const MOST_PORTS: usize = 200;

/// `--network`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine_proxy) enum NetworkWish {
    /// The job's usual one.
    Usual,
    /// `host`: what the machine was on Travis is the job's container here.
    Job,
    /// `none`
    None,
    /// `container:NAME`
    Beside(String),
    /// By its name or id.
    Named(String),
}

/// `-p`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine_proxy) struct PortWish {
    /// `80/tcp`
    pub(in crate::engine_proxy) container: String,
    /// Of the job, to listen on.
    pub(in crate::engine_proxy) ip: String,
    /// None: any that is free.
    pub(in crate::engine_proxy) port: Option<u16>,
}

pub(super) fn mode(value: &Value) -> Result<NetworkWish, Refusal> {
    Ok(match value.as_str().unwrap_or_default() {
        "" | "default" | "bridge" => NetworkWish::Usual,
        "host" => NetworkWish::Job,
        "none" => NetworkWish::None,
        mode => match mode.split_once(':') {
            Some(("container", name)) => NetworkWish::Beside(name.to_owned()),
            Some(_) => return Err(Refusal::bad(format!("invalid network mode: {mode:?}"))),
            None => NetworkWish::Named(mode.to_owned()),
        },
    })
}

pub(super) fn ports(value: &Value) -> Result<Vec<PortWish>, Refusal> {
    let wrong = |text: &str| Refusal::bad(format!("invalid port specification: {text:?}"));
    let mut wishes = Vec::new();
    for (port, bindings) in value.as_object().into_iter().flatten() {
        let container = port_name(port).ok_or_else(|| wrong(port))?;
        for binding in bindings.as_array().into_iter().flatten() {
            let ip = binding["HostIp"].as_str().filter(|ip| !ip.is_empty()).unwrap_or("0.0.0.0");
            let ip: std::net::IpAddr = ip.parse().map_err(|_| wrong(ip))?;
            let text = binding["HostPort"].as_str().unwrap_or_default();
            // Of a range any will do: its first is what most people mean.
            let first = text.split('-').next().unwrap_or_default();
            let port = match first {
                "" | "0" => None,
                first => Some(first.parse().map_err(|_| wrong(text))?),
            };
            wishes.push(PortWish { container: container.clone(), ip: ip.to_string(), port });
        }
    }
    if wishes.len() > MOST_PORTS {
        return Err(Refusal::bad(format!("A container publishes at most {MOST_PORTS} ports.")));
    }
    Ok(wishes)
}

/// `80`, `80/udp` as `80/tcp`, `80/udp`.
fn port_name(text: &str) -> Option<String> {
    let (port, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let port: u16 = port.parse().ok().filter(|port| *port > 0)?;
    matches!(protocol, "tcp" | "udp").then(|| format!("{port}/{protocol}"))
}

/// `NetworkingConfig`: by the job's name of each network.
pub(super) fn endpoints(value: &Value) -> Result<Vec<(String, Value)>, Refusal> {
    let mut all = Vec::new();
    for (key, value) in value.as_object().into_iter().flatten() {
        if key != "EndpointsConfig" {
            super::unknown(key, value)?;
            continue;
        }
        for (name, settings) in value.as_object().into_iter().flatten() {
            all.push((name.clone(), endpoint(settings)?));
        }
    }
    Ok(all)
}

/// What a container is on one network: other names, and names for others.
pub(in crate::engine_proxy) fn endpoint(settings: &Value) -> Result<Value, Refusal> {
    let mut kept = Map::new();
    for (key, value) in settings.as_object().into_iter().flatten() {
        match key.as_str() {
            "Aliases" | "Links" => {
                kept.insert(key.clone(), json!(texts(key, value)?));
            }
            "IPAMConfig" => addresses(value)?,
            "DriverOpts" => nothing(value, "A job's networks have no driver options.")?,
            // What an inspection showed, and a client sends back.
            "NetworkID"
            | "EndpointID"
            | "Gateway"
            | "IPAddress"
            | "IPPrefixLen"
            | "IPv6Gateway"
            | "GlobalIPv6Address"
            | "GlobalIPv6PrefixLen"
            | "MacAddress"
            | "DNSNames"
            | "GwPriority" => {}
            _ => super::unknown(key, value)?,
        }
    }
    Ok(Value::Object(kept))
}

/// Addresses are the engine's to give: a job that chose its own could take another's.
pub(in crate::engine_proxy) fn addresses(value: &Value) -> Result<(), Refusal> {
    let chosen = value.as_object().is_some_and(|map| !map.values().all(super::is_nothing));
    if chosen {
        return Err(Refusal::forbidden(
            "The addresses of a job's networks are given by the worker: leave subnets and fixed \
             addresses out, and use the containers' names.",
        ));
    }
    Ok(())
}
