//! A namespace of a story's own.

use std::time::Duration;

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::{Namespace as Object, Pod, ServiceAccount};
use kube::api::{Api, ListParams, ObjectMeta, PostParams};

use super::Cluster;
use crate::eventually;

const LONG: Duration = Duration::from_secs(120);

/// It is deleted when the story ends, however it ends.
pub struct Namespace {
    /// Its name: the story's, and something made by chance.
    pub name: String,
    pub(super) cluster: Cluster,
}

impl Cluster {
    /// Makes a namespace for the story `story`, and waits until pods can be made in it.
    ///
    /// # Errors
    /// When the API refuses it.
    pub async fn namespace(&self, story: &str) -> Result<Namespace> {
        let name = format!("{story}-{:08x}", rand::random::<u32>());
        let metadata = ObjectMeta { name: Some(name.clone()), ..ObjectMeta::default() };
        let object = Object { metadata, ..Object::default() };
        Api::<Object>::all(self.client.clone()).create(&PostParams::default(), &object).await?;
        let namespace = Namespace { name, cluster: self.clone() };
        let accounts: Api<ServiceAccount> = namespace.api();
        eventually("the namespace has its account", LONG, || async {
            let account = accounts.get_opt("default").await?;
            Ok(account.filter(|account| account.secrets.is_some()).map(|_| ()))
        })
        .await;
        Ok(namespace)
    }
}

impl Namespace {
    /// What of this kind is in it.
    #[must_use]
    pub fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = kube::core::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.cluster.client.clone(), &self.name)
    }

    /// Applies these manifests as a person would, without Slipway.
    ///
    /// # Errors
    /// With what the API says.
    pub fn apply(&self, manifests: &str) -> Result<()> {
        let apply = ["apply", "--server-side", "-f", "-", "-n", &self.name];
        self.cluster.kubectl_with(&apply, manifests).map(drop)
    }

    /// `kubectl -n NAMESPACE ARGUMENTS`; answers what it printed.
    ///
    /// # Errors
    /// With what it said, when it fails.
    pub fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        self.cluster.kubectl(&[&["-n", &self.name], arguments].concat())
    }

    /// The pods that have these labels and are not being deleted.
    ///
    /// # Errors
    /// When the API does not answer.
    pub async fn pods(&self, labels: &str) -> Result<Vec<Pod>> {
        let found = self.api::<Pod>().list(&ListParams::default().labels(labels)).await?;
        let there = |pod: &Pod| pod.metadata.deletion_timestamp.is_none();
        Ok(found.items.into_iter().filter(there).collect())
    }

    /// Waits until exactly `count` pods with these labels are there and ready; answers them.
    pub async fn until_ready(&self, labels: &str, count: usize) -> Vec<Pod> {
        let what = format!("{count} pods with {labels} are ready");
        eventually(&what, LONG, || async {
            let pods = self.pods(labels).await?;
            let ready = pods.iter().filter(|pod| is_ready(pod)).count();
            anyhow::ensure!(pods.len() == count, "{} pods, {ready} ready", pods.len());
            Ok((ready == count).then_some(pods))
        })
        .await
    }
}

/// Is its condition `Ready` true?
fn is_ready(pod: &Pod) -> bool {
    let status = pod.status.as_ref();
    let mut conditions = status.and_then(|status| status.conditions.as_ref()).into_iter().flatten();
    conditions.any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// The node that a pod runs on.
///
/// # Errors
/// When it has none yet.
pub fn node_of(pod: &Pod) -> Result<&str> {
    let spec = pod.spec.as_ref().context("a pod has a spec")?;
    spec.node_name.as_deref().context("the pod has no node yet")
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let delete = ["delete", "namespace", &self.name, "--wait=false", "--ignore-not-found"];
        // The cluster may be gone, too; nothing more can be done then.
        let _best_effort = self.cluster.kubectl(&delete);
    }
}
