//! What is other than at the last verified deployment.

use serde_json::Value;

use super::read::{list, text};
use super::seen::Wanted;

/// Differences that are told; more is no hint.
const SHOWN: usize = 6;

/// What changed in the pods' template since `previous`, a stream of manifests; none where nothing
/// did, or where the object is new. Values of variables are not told.
pub(super) fn of(previous: &str, wanted: &Wanted, object: &Value) -> Option<String> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(previous).ok()?;
    let before = documents.iter().find(|one| {
        text(one, "/kind") == wanted.kind
            && text(one, "/metadata/name") == wanted.name
            && wanted.namespace.as_deref().is_none_or(|place| {
                let was = text(one, "/metadata/namespace");
                was.is_empty() || was == place
            })
    })?;
    let mut told = Vec::new();
    let pod = |one: &Value| one.pointer("/spec/template/spec").cloned();
    if let (Some(was), Some(is)) = (pod(before), pod(object)) {
        for key in ["initContainers", "containers"] {
            containers(list(&was, &format!("/{key}")), list(&is, &format!("/{key}")), &mut told);
        }
        for key in ["nodeSelector", "tolerations", "affinity", "serviceAccountName"] {
            compare(key, was.get(key), is.get(key), &mut told);
        }
    }
    compare(
        "replicas",
        before.pointer("/spec/replicas"),
        object.pointer("/spec/replicas"),
        &mut told,
    );
    let more = told.len().saturating_sub(SHOWN);
    told.truncate(SHOWN);
    if more > 0 {
        told.push(format!("{more} more"));
    }
    (!told.is_empty()).then(|| told.join("; "))
}

fn containers(was: &[Value], is: &[Value], told: &mut Vec<String>) {
    for now in is {
        let name = text(now, "/name");
        let Some(before) = was.iter().find(|one| text(one, "/name") == name) else {
            told.push(format!("container {name} is new"));
            continue;
        };
        for key in ["image", "command", "args"] {
            compare(&format!("{name}: {key}"), before.get(key), now.get(key), told);
        }
        for part in ["requests", "limits"] {
            let pointer = format!("/resources/{part}");
            let label = format!("{name}: {part}");
            compare(&label, before.pointer(&pointer), now.pointer(&pointer), told);
        }
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
            let ask = |one: &Value| {
                let probe = one.get(probe)?;
                let kind = ["httpGet", "exec", "tcpSocket", "grpc"];
                let kind = kind.into_iter().find(|kind| probe.get(kind).is_some())?;
                let asks = probe.get(kind)?;
                Some(match asks.get("path").and_then(Value::as_str) {
                    Some(path) => Value::from(format!("{path} on {}", asks["port"])),
                    None => asks.clone(),
                })
            };
            compare(&format!("{name}: {probe}"), ask(before).as_ref(), ask(now).as_ref(), told);
        }
        variables(name, list(before, "/env"), list(now, "/env"), told);
    }
}

fn variables(container: &str, was: &[Value], is: &[Value], told: &mut Vec<String>) {
    let find = |all: &'_ [Value], name: &str| {
        all.iter().find(|one| text(one, "/name") == name).map(|one| {
            let source = one.pointer("/valueFrom").cloned();
            (text(one, "/value").to_owned(), source.map(|source| source.to_string()))
        })
    };
    for one in is {
        let name = text(one, "/name");
        match find(was, name) {
            None => told.push(format!("{container}: variable {name} is new")),
            Some((value, None)) if value != text(one, "/value") => {
                told.push(format!("{container}: variable {name} has another value"));
            }
            Some(_) => {}
        }
    }
    for one in was.iter().filter(|one| find(is, text(one, "/name")).is_none()) {
        told.push(format!("{container}: variable {} is gone", text(one, "/name")));
    }
}

fn compare(what: &str, was: Option<&Value>, is: Option<&Value>, told: &mut Vec<String>) {
    let empty = |value: &&Value| {
        !value.is_null()
            && value.as_object().is_none_or(|all| !all.is_empty())
            && value.as_array().is_none_or(|all| !all.is_empty())
    };
    let (was, is) = (was.filter(empty), is.filter(empty));
    if was != is {
        told.push(format!("{what}: {} -> {}", shown(was), shown(is)));
    }
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None => "none".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string().replace('"', ""),
    }
}
