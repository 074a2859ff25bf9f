//! Which kinds the cluster has, and where their objects are.

use std::collections::BTreeMap;

use kube::core::GroupVersionKind;
use kube::discovery::ApiResource;
use serde_json::Value;
use tokio::sync::Mutex;

use super::ask::{Cluster, Refusal};

/// A kind as the cluster serves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) api: ApiResource,
    pub(super) namespaced: bool,
}

impl Kind {
    /// Where its objects are.
    pub(super) fn all(&self, namespace: Option<&str>) -> String {
        let place = match namespace {
            Some(namespace) => format!("/namespaces/{namespace}"),
            None => String::new(),
        };
        format!("{}{place}/{}", root(&self.api.api_version), self.api.plural)
    }

    /// Where one of them is.
    pub(super) fn one(&self, namespace: Option<&str>, name: &str) -> String {
        format!("{}/{name}", self.all(namespace))
    }
}

fn root(api_version: &str) -> String {
    let folder = if api_version.contains('/') { "apis" } else { "api" };
    format!("/{folder}/{api_version}")
}

/// The kinds that were looked up; each version of a group is asked for once.
#[derive(Default)]
pub(super) struct Kinds {
    by_version: Mutex<BTreeMap<String, Vec<Kind>>>,
}

impl Kinds {
    /// The kind; none where the cluster has none of that name.
    pub(super) async fn find(
        &self,
        cluster: &Cluster<'_>,
        api_version: &str,
        kind: &str,
    ) -> Result<Option<Kind>, Refusal> {
        let mut by_version = self.by_version.lock().await;
        if !by_version.contains_key(api_version) {
            let list = cluster.find(&root(api_version)).await?;
            // A group that is not there may come with this very deploy: it is not remembered.
            let Some(list) = list else { return Ok(None) };
            by_version.insert(api_version.to_owned(), kinds(api_version, &list));
        }
        let kinds = by_version.get(api_version);
        Ok(kinds.and_then(|kinds| kinds.iter().find(|one| one.api.kind == kind)).cloned())
    }

    /// The next look asks the cluster again.
    pub(super) async fn forget(&self, api_version: &str) {
        self.by_version.lock().await.remove(api_version);
    }
}

fn kinds(api_version: &str, list: &Value) -> Vec<Kind> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let resources = list.get("resources").and_then(Value::as_array);
    let kind = |resource: &Value| {
        let name = resource.get("name")?.as_str()?;
        let kind = GroupVersionKind::gvk(group, version, resource.get("kind")?.as_str()?);
        // `deployments/scale` is no kind of its own.
        (!name.contains('/')).then(|| Kind {
            api: ApiResource::from_gvk_with_plural(&kind, name),
            namespaced: resource.get("namespaced").and_then(Value::as_bool).unwrap_or_default(),
        })
    };
    resources.into_iter().flatten().filter_map(kind).collect()
}
