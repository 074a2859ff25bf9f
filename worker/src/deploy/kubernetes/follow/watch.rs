//! One watch for each kind and namespace. A watch that breaks is begun again, and says so.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt;
use kube::Api;
use kube::core::{DynamicObject, GroupVersionKind};
use kube::discovery::ApiResource;
use kube::runtime::watcher::{self, Config, Event};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::super::explain::text;
use super::Applied;

/// What a watch is on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Watched {
    /// The kind, as the explainer knows it.
    pub(super) kind: String,
    /// The namespace; none: the cluster.
    pub(super) namespace: Option<String>,
    /// Without it nobody knows whether the set is live.
    pub(super) needed: bool,
    /// Where the API has it: the first that it knows.
    resources: Vec<(String, String, String)>,
}

/// What a watch told.
pub(super) struct Told {
    /// Which watch.
    pub(super) watch: usize,
    /// What it told.
    pub(super) what: What,
}

/// See [`Told`].
pub(super) enum What {
    /// An object is there, or is another.
    Put(Value),
    /// The object of this id is gone.
    Gone(String),
    /// These are all.
    All(Vec<Value>),
    /// It broke; it is begun again.
    Failed(String),
    /// It is not begun again: the API does not have the kind, or does not show it.
    Ended,
}

/// A connection that is dead without saying so is found out by then.
const LONGEST: u32 = 45;

/// Watches are begun again after this, and later each time.
const AGAIN: Duration = Duration::from_millis(500);

/// No later than this.
const AT_MOST: Duration = Duration::from_secs(5);

/// Objects that were told and not taken yet.
const BEHIND: usize = 1024;

/// Everything that must be watched for this set, and what helps to explain it.
pub(super) fn needed(applied: &[Applied]) -> Vec<Watched> {
    let mut all = BTreeSet::new();
    let mut add = |kind: &str, namespace: Option<&str>, needed: bool, at: &[(&str, &str, &str)]| {
        let own = |(group, version, plural): &(&str, &str, &str)| {
            ((*group).to_owned(), (*version).to_owned(), (*plural).to_owned())
        };
        all.insert(Watched {
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            needed,
            resources: at.iter().map(own).collect(),
        });
    };
    for one in applied {
        let Some((kind, at)) = KINDS.iter().find(|(kind, _)| is_kind(one, kind)) else { continue };
        let place = one.namespace.as_deref();
        add(kind, place, true, at);
        add("Event", place, false, &[("", "v1", "events")]);
        match *kind {
            "Deployment" => add("ReplicaSet", place, true, &[("apps", "v1", "replicasets")]),
            "Service" => add("Endpoints", place, true, &[("", "v1", "endpoints")]),
            _ => {}
        }
        if matches!(*kind, "Ingress") {
            continue;
        }
        add("Pod", place, true, &[("", "v1", "pods")]);
        add("Node", None, false, &[("", "v1", "nodes")]);
        let scalers = [("autoscaling", "v1", "horizontalpodautoscalers")];
        add("HorizontalPodAutoscaler", place, false, &scalers);
        let budgets = "poddisruptionbudgets";
        let budgets = [("policy", "v1", budgets), ("policy", "v1beta1", budgets)];
        add("PodDisruptionBudget", place, false, &budgets);
        add("PersistentVolumeClaim", place, false, CLAIMS);
    }
    // What is needed and helps, too, is watched once.
    let all: Vec<Watched> = all.into_iter().collect();
    let twice = |one: &Watched| {
        !one.needed
            && all.iter().any(|other| {
                other.needed && other.kind == one.kind && other.namespace == one.namespace
            })
    };
    all.iter().filter(|one| !twice(one)).cloned().collect()
}

type At = &'static [(&'static str, &'static str, &'static str)];

const CLAIMS: At = &[("", "v1", "persistentvolumeclaims")];

const KINDS: [(&str, At); 8] = [
    ("Deployment", &[("apps", "v1", "deployments")]),
    ("StatefulSet", &[("apps", "v1", "statefulsets")]),
    ("DaemonSet", &[("apps", "v1", "daemonsets")]),
    ("Job", &[("batch", "v1", "jobs")]),
    ("Pod", &[("", "v1", "pods")]),
    ("Service", &[("", "v1", "services")]),
    (
        "Ingress",
        &[("networking.k8s.io", "v1", "ingresses"), ("networking.k8s.io", "v1beta1", "ingresses")],
    ),
    ("PersistentVolumeClaim", CLAIMS),
];

/// Whether the object has a health of its own.
pub(super) fn follows(applied: &Applied) -> bool {
    KINDS.iter().any(|(kind, _)| is_kind(applied, kind))
}

/// A kind of this name in another group is another kind.
fn is_kind(applied: &Applied, kind: &str) -> bool {
    let groups = ["", "apps", "batch", "networking.k8s.io", "extensions"];
    applied.api.kind == kind && groups.contains(&applied.api.group.as_str())
}

/// Begins the watches. They end with the set that is handed back.
pub(super) fn begin(client: &kube::Client, all: &[Watched]) -> (mpsc::Receiver<Told>, JoinSet<()>) {
    let (tell, told) = mpsc::channel(BEHIND);
    let mut tasks = JoinSet::new();
    for (watch, watched) in all.iter().enumerate() {
        tasks.spawn(keep(client.clone(), watched.clone(), watch, tell.clone()));
    }
    (told, tasks)
}

async fn keep(client: kube::Client, watched: Watched, watch: usize, tell: mpsc::Sender<Told>) {
    let last = watched.resources.len().saturating_sub(1);
    for (index, resource) in watched.resources.iter().enumerate() {
        let ended = one(&client, &watched, resource, index == last, watch, &tell).await;
        if ended.is_none() {
            return;
        }
    }
    let _ = tell.send(Told { watch, what: What::Ended }).await;
}

/// The kind as the API has it.
pub(super) fn resource(kind: &str, (group, version, plural): (&str, &str, &str)) -> ApiResource {
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural)
}

/// Its API in the namespace, or in the cluster.
pub(super) fn api(
    client: &kube::Client,
    namespace: Option<&str>,
    resource: &ApiResource,
) -> Api<DynamicObject> {
    match namespace {
        Some(place) => Api::namespaced_with(client.clone(), place, resource),
        None => Api::all_with(client.clone(), resource),
    }
}

/// Watches one resource until the API says that it has none (then `Some`), or nobody listens.
async fn one(
    client: &kube::Client,
    watched: &Watched,
    (group, version, plural): &(String, String, String),
    last: bool,
    watch: usize,
    tell: &mpsc::Sender<Told>,
) -> Option<()> {
    let resource = resource(&watched.kind, (group, version, plural));
    let api = api(client, watched.namespace.as_deref(), &resource);
    let mut events = std::pin::pin!(watcher::watcher(api, Config::default().timeout(LONGEST)));
    let (mut first, mut pause) = (Vec::new(), AGAIN);
    while let Some(event) = events.next().await {
        let what = match event {
            Ok(Event::Init) => {
                first.clear();
                continue;
            }
            Ok(Event::InitApply(object)) => {
                first.extend(value(object));
                continue;
            }
            Ok(Event::InitDone) => What::All(std::mem::take(&mut first)),
            Ok(Event::Apply(object)) => match value(object) {
                Some(object) => What::Put(object),
                None => continue,
            },
            Ok(Event::Delete(object)) => What::Gone(object.metadata.uid.unwrap_or_default()),
            Err(error) => {
                let code = code(&error);
                if code == Some(404) && !(watched.needed && last)
                    || code == Some(403) && !watched.needed
                {
                    return Some(());
                }
                let said = What::Failed(said(&error));
                tell.send(Told { watch, what: said }).await.ok()?;
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(AT_MOST);
                continue;
            }
        };
        pause = AGAIN;
        tell.send(Told { watch, what }).await.ok()?;
    }
    None
}

/// The object without what nobody reads: who manages which field is long.
pub(super) fn value(object: DynamicObject) -> Option<Value> {
    let mut value = serde_json::to_value(object).ok()?;
    let managers = value.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut);
    for manager in managers.into_iter().flatten().filter_map(Value::as_object_mut) {
        manager.remove("fieldsV1");
    }
    (!text(&value, "/metadata/uid").is_empty()).then_some(value)
}

fn code(error: &watcher::Error) -> Option<u16> {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status)) => Some(status.code),
        watcher::Error::WatchError(status) => Some(status.code),
        _ => None,
    }
}

fn said(error: &watcher::Error) -> String {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => super::ask::said(error),
        watcher::Error::WatchError(status) => status.message.clone(),
        watcher::Error::NoResourceVersion => error.to_string(),
    }
}
