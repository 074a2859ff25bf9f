//! The objects of a deploy: whole, each once, in the order in which they depend on each other.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::ask::{Cluster, Refusal};
use super::kinds::{Kind, Kinds};
use super::read::Document;

/// What others need comes first. Kinds that are not named come last but for what sends traffic.
const ORDER: [&str; 29] = [
    "Namespace",
    "CustomResourceDefinition",
    "PriorityClass",
    "StorageClass",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "ServiceAccount",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "NetworkPolicy",
    "Secret",
    "ConfigMap",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Service",
    "PodDisruptionBudget",
    "DaemonSet",
    "Pod",
    "ReplicaSet",
    "Deployment",
    "StatefulSet",
    "HorizontalPodAutoscaler",
    "Job",
    "CronJob",
    "APIService",
    "IngressClass",
];

/// One object and where the cluster has it.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) document: Document,
    /// None: its definition comes with this deploy.
    pub(super) kind: Option<Kind>,
}

/// What tells one object from another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) group: String,
    pub(super) kind: String,
    pub(super) namespace: Option<String>,
    pub(super) name: String,
}

impl Key {
    pub(super) fn of(document: &Document) -> Self {
        let version = document.text("/apiVersion").unwrap_or_default();
        Self {
            group: version.split_once('/').map_or("", |(group, _)| group).to_owned(),
            kind: document.kind().to_owned(),
            namespace: document.text("/metadata/namespace").map(str::to_owned),
            name: document.name().to_owned(),
        }
    }
}

impl Object {
    pub(super) fn namespace(&self) -> Option<&str> {
        self.document.text("/metadata/namespace")
    }

    /// `Deployment web in shop`.
    pub(super) fn subject(&self) -> String {
        let place = self.namespace().map(|name| format!(" in {name}")).unwrap_or_default();
        format!("{}{place}", self.document.subject())
    }

    fn rank(&self) -> usize {
        let kind = self.document.kind();
        let traffic = usize::from(kind == "Ingress" || kind.ends_with("WebhookConfiguration"));
        ORDER.iter().position(|one| *one == kind).unwrap_or(ORDER.len() + traffic)
    }
}

/// Who lacks a kind.
pub(super) struct Unknown {
    pub(super) subject: String,
    pub(super) api_version: String,
}

/// What can be wrong with a set.
pub(super) enum Unfit {
    Sentence(String),
    Kinds(Vec<Unknown>),
    Refused(String, Refusal),
}

impl From<String> for Unfit {
    fn from(sentence: String) -> Self {
        Self::Sentence(sentence)
    }
}

/// Gives each document its kind and its namespace, and puts them into order.
pub(super) async fn settle(
    cluster: &Cluster<'_>,
    kinds: &Kinds,
    documents: Vec<Document>,
) -> Result<Vec<Object>, Unfit> {
    let coming: Vec<_> = documents.iter().filter_map(defines).collect();
    let mut objects = Vec::new();
    let mut unknown = Vec::new();
    for mut document in documents {
        well_formed(&document)?;
        let version = document.text("/apiVersion").unwrap_or_default().to_owned();
        let found = kinds.find(cluster, &version, document.kind()).await;
        let kind = found.map_err(|refusal| Unfit::Refused(document.subject(), refusal))?;
        let group = version.split_once('/').map_or("", |(group, _)| group);
        if kind.is_none() && !coming.contains(&(group.to_owned(), document.kind().to_owned())) {
            unknown.push(Unknown { subject: document.subject(), api_version: version });
            continue;
        }
        if let Some(kind) = &kind {
            locate(&mut document, kind, &cluster.connection.namespace);
        }
        objects.push(Object { document, kind });
    }
    if !unknown.is_empty() {
        return Err(Unfit::Kinds(unknown));
    }
    refuse_twins(&objects)?;
    objects.sort_by_key(Object::rank);
    Ok(objects)
}

/// Namespaced objects have a namespace, the cluster's own have none.
pub(super) fn locate(document: &mut Document, kind: &Kind, namespace: &str) {
    let named = document.text("/metadata/namespace").is_some();
    let Some(Value::Object(metadata)) = document.value.get_mut("metadata") else { return };
    if !kind.namespaced {
        metadata.remove("namespace");
    } else if !named {
        metadata.insert("namespace".to_owned(), json!(namespace));
    }
}

/// The group and kind that a CustomResourceDefinition brings.
fn defines(document: &Document) -> Option<(String, String)> {
    let text = |pointer: &str| document.text(pointer).map(str::to_owned);
    let is_one = document.kind() == "CustomResourceDefinition";
    is_one.then(|| Some((text("/spec/group")?, text("/spec/names/kind")?))).flatten()
}

/// Its names become parts of addresses.
fn well_formed(document: &Document) -> Result<(), String> {
    let place = &document.place;
    if document.name().is_empty() {
        let generated = document.text("/metadata/generateName").is_some();
        let why = if generated { "generateName would make a new object each time" } else { "" };
        return Err(format!("{place}, {} has no metadata.name {why}", document.kind())
            .trim_end()
            .to_owned());
    }
    let part = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
    let version = document.text("/apiVersion").unwrap_or_default();
    let namespace = document.text("/metadata/namespace").unwrap_or_default();
    let fine = document.name().chars().all(part)
        && !document.name().starts_with('.')
        && namespace.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && version.chars().all(|c| c.is_ascii_alphanumeric() || "-./".contains(c))
        && !version.contains("..")
        && version.matches('/').count() < 2;
    if fine {
        return Ok(());
    }
    Err(format!(
        "{place}: {} has a name, a namespace or an apiVersion with characters that none can have",
        document.subject()
    ))
}

fn refuse_twins(objects: &[Object]) -> Result<(), String> {
    let mut seen = BTreeMap::new();
    for object in objects {
        let place = &object.document.place;
        if let Some(first) = seen.insert(Key::of(&object.document), place) {
            let subject = object.subject();
            return Err(format!("{subject} is there twice: in {first}, and in {place}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(kind: &str, name: &str) -> Object {
        let value = json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}});
        let document = Document { place: format!("{name}.yaml, document 1"), value };
        Object { document, kind: None }
    }

    #[test]
    fn what_others_need_comes_first() {
        let names = ["Ingress", "Widget", "Deployment", "Service", "ConfigMap", "Namespace"];
        let mut objects: Vec<_> = names.iter().map(|kind| object(kind, "a")).collect();
        objects.sort_by_key(Object::rank);
        let kinds: Vec<_> = objects.iter().map(|one| one.document.kind()).collect();
        let expected = ["Namespace", "ConfigMap", "Service", "Deployment", "Widget", "Ingress"];
        assert_eq!(kinds, expected);
    }

    #[test]
    fn two_of_one_name_and_names_that_lead_elsewhere_are_refused() {
        let sentence = refuse_twins(&[object("A", "x"), object("A", "x")]).expect_err("twins");
        assert_eq!(
            sentence,
            "A x is there twice: in x.yaml, document 1, and in x.yaml, document 1"
        );
        for name in ["../x", "a/b", "a?b", "a%2Fb", "", ".."] {
            assert!(well_formed(&object("A", name).document).is_err(), "{name:?}");
        }
        assert!(well_formed(&object("ClusterRole", "system:a.b-c").document).is_ok());
    }
}
