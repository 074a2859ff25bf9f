//! What is asked besides the watches: logs, room, whether the API still answers, and the last look
//! before a verdict. Each question has an end.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{ListParams, LogParams};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::super::explain::LogKey;
use super::{Applied, watch};

/// No question waits longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Lines and bytes of a log that belong to a finding.
const LINES: i64 = 40;
const BYTES: i64 = 16 * 1024;

/// Pods of the cluster that are counted for the nodes' room.
const PODS: u32 = 5000;

/// The end of a log; an empty text where the cluster has none.
pub(super) async fn log(client: kube::Client, key: &LogKey) -> String {
    let pods: Api<Pod> = Api::namespaced(client, &key.namespace);
    let params = LogParams {
        container: Some(key.container.clone()),
        previous: key.previous,
        tail_lines: Some(LINES),
        limit_bytes: Some(BYTES),
        ..LogParams::default()
    };
    match timeout(PATIENCE, pods.logs(&key.pod, &params)).await {
        Ok(Ok(text)) => text,
        Ok(Err(_)) | Err(_) => String::new(),
    }
}

/// The pods of all namespaces that take room on nodes; none where they may not be read.
pub(super) async fn everywhere(client: kube::Client) -> Option<Vec<Value>> {
    let api = watch::api(&client, None, &watch::resource("Pod", ("", "v1", "pods")));
    let params = ListParams::default()
        .fields("status.phase!=Succeeded,status.phase!=Failed,spec.nodeName!=")
        .limit(PODS);
    let pods = timeout(PATIENCE, api.list(&params)).await.ok()?.ok()?;
    let room = |pod: kube::core::DynamicObject| {
        let asks = |pointer: &str| {
            let all = pod.data.pointer(pointer).and_then(Value::as_array);
            let asks = |one: &Value| json!({ "resources": one.get("resources") });
            all.map(|all| all.iter().map(asks).collect::<Vec<_>>()).unwrap_or_default()
        };
        json!({
            "spec": {
                "nodeName": pod.data.pointer("/spec/nodeName"),
                "containers": asks("/spec/containers"),
                "initContainers": asks("/spec/initContainers"),
            },
            "status": { "phase": pod.data.pointer("/status/phase") },
        })
    };
    Some(pods.items.into_iter().map(room).collect())
}

/// Whether the API answers.
pub(super) async fn answers(client: kube::Client) -> Result<(), String> {
    match timeout(PATIENCE, client.apiserver_version()).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(said(&error)),
        Err(_) => Err(format!("the API did not answer within {} s", PATIENCE.as_secs())),
    }
}

/// The object as it is now; none where it is not there.
pub(super) async fn object(
    client: &kube::Client,
    applied: &Applied,
) -> Result<Option<Value>, String> {
    let api = watch::api(client, applied.namespace.as_deref(), &applied.api);
    match timeout(PATIENCE, api.get_opt(&applied.name)).await {
        Ok(Ok(object)) => Ok(object.and_then(watch::value)),
        Ok(Err(error)) => Err(said(&error)),
        Err(_) => Err(format!("the API did not answer within {} s", PATIENCE.as_secs())),
    }
}

/// An error of the client as one line, with its causes.
pub(super) fn said(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        return status.message.clone();
    }
    let mut said = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let inner_said = inner.to_string();
        if !said.contains(&inner_said) {
            said = format!("{said}: {inner_said}");
        }
        cause = inner.source();
    }
    said
}
