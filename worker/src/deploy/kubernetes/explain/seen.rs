//! What was seen in the cluster.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::read::{event_times, is_true, name, namespace, owner, text, uid};

/// An object that must become healthy.
#[derive(Clone, Debug)]
pub(in super::super) struct Wanted {
    /// Its kind.
    pub kind: String,
    /// Its namespace; none for what belongs to the cluster.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// Tells it from another of the same name.
    pub uid: String,
    /// The generation that was applied.
    pub generation: Option<i64>,
    /// Containers and the references they must run.
    pub images: Vec<(String, String)>,
}

impl Wanted {
    /// `Deployment web`.
    pub(in super::super) fn subject(&self) -> String {
        format!("{} {}", self.kind, self.name)
    }
}

/// A log that belongs to a cause.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) struct LogKey {
    /// The pod's namespace.
    pub namespace: String,
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
    /// The log of the run before this one.
    pub previous: bool,
    /// How often it was started again: a log is read once for each run.
    pub restarts: i64,
}

/// The state of the cluster as far as it was seen, and what is remembered of what passed.
#[derive(Debug, Default)]
pub(in super::super) struct Seen {
    objects: BTreeMap<(String, String), Value>,
    templates: BTreeMap<String, Value>,
    lost_ready: BTreeMap<String, u32>,
    /// When the following began; older events speak of another rollout.
    pub(super) began: Option<DateTime<Utc>>,
    /// The logs that were asked for.
    pub logs: BTreeMap<LogKey, String>,
    /// The pods of all namespaces, where they may be read: what takes the nodes' room.
    pub everywhere: Option<Vec<Value>>,
}

impl Seen {
    /// Nothing is seen yet, and what was before this moment belongs to another rollout.
    pub(in super::super) fn since(began: DateTime<Utc>) -> Self {
        Self { began: Some(began), ..Self::default() }
    }

    /// An object is there, or is another now.
    pub(in super::super) fn put(&mut self, kind: &str, object: Value) {
        let id = uid(&object).to_owned();
        if let Some(template) = object.pointer("/spec/template") {
            self.templates.entry(id.clone()).or_insert_with(|| template.clone());
        }
        let key = (kind.to_owned(), id);
        if kind == "Pod"
            && let Some(before) = self.objects.get(&key)
            && is_true(before, "Ready")
            && !is_true(&object, "Ready")
            && object.pointer("/metadata/deletionTimestamp").is_none()
        {
            *self.lost_ready.entry(key.1.clone()).or_default() += 1;
        }
        self.objects.insert(key, object);
    }

    /// An object is gone. Events stay: they expire, what they told does not.
    pub(in super::super) fn remove(&mut self, kind: &str, id: &str) {
        if kind != "Event" {
            self.objects.remove(&(kind.to_owned(), id.to_owned()));
        }
    }

    /// These are all objects of the kind in the namespace; none: in the cluster.
    pub(in super::super) fn replace(
        &mut self,
        kind: &str,
        place: Option<&str>,
        objects: Vec<Value>,
    ) {
        let here = |object: &Value| place.is_none_or(|place| namespace(object) == place);
        let gone: Vec<String> = self
            .of(kind)
            .filter(|object| here(object))
            .map(|object| uid(object).to_owned())
            .filter(|id| !objects.iter().any(|object| uid(object) == id))
            .collect();
        for id in gone {
            self.remove(kind, &id);
        }
        for object in objects {
            self.put(kind, object);
        }
    }

    pub(super) fn of<'a>(&'a self, kind: &str) -> impl Iterator<Item = &'a Value> {
        let from = (kind.to_owned(), String::new());
        let kind = kind.to_owned();
        self.objects.range(from..).take_while(move |((k, _), _)| *k == kind).map(|(_, v)| v)
    }

    pub(super) fn get(&self, kind: &str, id: &str) -> Option<&Value> {
        self.objects.get(&(kind.to_owned(), id.to_owned()))
    }

    pub(super) fn named(&self, kind: &str, place: &str, wanted: &str) -> Option<&Value> {
        self.of(kind).find(|one| name(one) == wanted && namespace(one) == place)
    }

    pub(super) fn owned<'a>(&'a self, kind: &str, id: &'a str) -> impl Iterator<Item = &'a Value> {
        self.of(kind).filter(move |one| owner(one) == Some(id))
    }

    /// The pod template as it was when the object was first seen.
    pub(super) fn first_template(&self, id: &str) -> Option<&Value> {
        self.templates.get(id)
    }

    /// How often this pod was ready and then was not.
    pub(super) fn lost_ready(&self, id: &str) -> u32 {
        self.lost_ready.get(id).copied().unwrap_or_default()
    }

    /// The events about this object since the following began, newest first.
    pub(super) fn events(&self, id: &str) -> Vec<&Value> {
        let fresh = |event: &&Value| match (self.began, event_times(event).0) {
            (Some(began), Some(last)) => last + chrono::Duration::seconds(SLACK) >= began,
            _ => true,
        };
        let mut events: Vec<&Value> =
            self.of("Event").filter(|one| text(one, "/involvedObject/uid") == id).collect();
        // What is told of a pod is about that pod only; a controller lives through many rollouts.
        if events.first().is_some_and(|one| text(one, "/involvedObject/kind") != "Pod") {
            events.retain(fresh);
        }
        events.sort_by_key(|event| std::cmp::Reverse(event_times(event).0));
        events
    }
}

/// The cluster's clock and this machine's may differ by as much, in seconds.
const SLACK: i64 = 5;
