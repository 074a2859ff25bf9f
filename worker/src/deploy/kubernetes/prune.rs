//! What an earlier deployment applied and the manifests do not have any more.

use std::collections::BTreeSet;

use hyper::Method;
use serde_json::{Value, json};
use slipway_pipelines::wire::Finding;

use super::ask::Cluster;
use super::kinds::{Kind, Kinds};
use super::objects::Key;
use super::read::Document;
use super::stamp::SCOPE;

/// With these goes what can not be made again.
const KEPT: [&str; 4] =
    ["Namespace", "PersistentVolumeClaim", "PersistentVolume", "CustomResourceDefinition"];

/// What is to be swept.
pub(super) struct Sweep<'a> {
    /// The label of the repo's environment.
    pub(super) scope: &'a str,
    /// What is there to stay.
    pub(super) keep: &'a [&'a Document],
    /// What an earlier deployment applied: its kinds and namespaces are looked at, too.
    pub(super) earlier: &'a [Document],
}

impl Cluster<'_> {
    /// Deletes what has the label and is not to stay; says each. The number of what was deleted.
    pub(super) async fn prune(&self, kinds: &Kinds, sweep: &Sweep<'_>) -> Result<usize, Finding> {
        let keys: BTreeSet<Key> = sweep.keep.iter().map(|one| Key::of(one)).collect();
        let mut deleted = 0;
        for (kind, namespace) in self.places(kinds, sweep).await? {
            let all = kind.all(namespace.as_deref());
            let path = format!("{all}?labelSelector={}%3D{}", escaped(SCOPE), sweep.scope);
            let what = format!("all {}", kind.api.plural);
            let list = self.get(&path).await;
            let list = list.map_err(|refusal| self.explained("list", what, &refusal))?;
            for item in list.get("items").and_then(Value::as_array).into_iter().flatten() {
                let (Some(found), false) = (key(&kind, item), owned(item)) else { continue };
                if keys.contains(&found) {
                    continue;
                }
                deleted += usize::from(self.delete(&kind, &found, item).await?);
            }
        }
        Ok(deleted)
    }

    /// The kinds and namespaces of both sets.
    async fn places(
        &self,
        kinds: &Kinds,
        sweep: &Sweep<'_>,
    ) -> Result<Vec<(Kind, Option<String>)>, Finding> {
        let mut places = Vec::new();
        for document in sweep.keep.iter().copied().chain(sweep.earlier) {
            let version = document.text("/apiVersion").unwrap_or_default();
            let found = kinds.find(self, version, document.kind()).await;
            let subject = document.subject();
            let found = found.map_err(|refusal| self.explained("list", subject, &refusal))?;
            let Some(kind) = found else { continue };
            let namespace = document.text("/metadata/namespace").map(str::to_owned);
            let place = (kind, namespace);
            if !places.contains(&place) {
                places.push(place);
            }
        }
        Ok(places)
    }

    async fn delete(&self, kind: &Kind, key: &Key, item: &Value) -> Result<bool, Finding> {
        let place = key.namespace.as_ref().map(|name| format!(" in {name}")).unwrap_or_default();
        let subject = format!("{} {}{place}", key.kind, key.name);
        if KEPT.contains(&key.kind.as_str()) {
            self.ctx.say(&format!("{subject}: not in the manifests any more; delete it by hand"));
            return Ok(false);
        }
        let uid = item.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default();
        let body = json!({"apiVersion": "v1", "kind": "DeleteOptions",
            "propagationPolicy": "Background", "preconditions": {"uid": uid}});
        let path = kind.one(key.namespace.as_deref(), &key.name);
        match self.ask(Method::DELETE, &path, "application/json", Some(&body)).await {
            Ok(_) => {
                self.ctx.say(&format!("{subject}: deleted, the manifests do not have it any more"));
                Ok(true)
            }
            Err(refusal) if refusal.is_not_found() => Ok(false),
            Err(refusal) => Err(self.explained("delete", subject, &refusal)),
        }
    }
}

fn key(kind: &Kind, item: &Value) -> Option<Key> {
    let text = |pointer: &str| item.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    Some(Key {
        group: kind.api.group.clone(),
        kind: kind.api.kind.clone(),
        namespace: text("/metadata/namespace"),
        name: text("/metadata/name")?,
    })
}

/// What a controller made copies labels, and goes with what it belongs to.
fn owned(item: &Value) -> bool {
    let owners = item.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    owners.is_some_and(|owners| !owners.is_empty())
}

fn escaped(label: &str) -> String {
    label.replace('/', "%2F")
}
