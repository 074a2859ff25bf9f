//! Nodes: labels for a while, and nodes that a story adds for itself.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use super::Cluster;

/// A label of a node; it is taken away when the story ends.
pub struct Label {
    cluster: Cluster,
    node: String,
    key: String,
}

/// A node of a story's own: a kubelet and a containerd, real as the others. It has the label and the
/// taint `pool=NAME`, so that only pods that mean it come here. It is removed when the story ends.
/// Since every other story would see it, such a story stands in a module `alone`, and runs alone
/// (`.config/nextest.toml`).
pub struct Node {
    /// Its name, and its pool's.
    pub name: String,
}

impl Cluster {
    /// Labels a node.
    ///
    /// # Errors
    /// When the API refuses it, or the node has the label already.
    pub fn label(&self, node: &str, key: &str, value: &str) -> Result<Label> {
        self.kubectl(&["label", "node", node, &format!("{key}={value}")])?;
        Ok(Label { cluster: self.clone(), node: node.to_owned(), key: key.to_owned() })
    }

    /// Adds a node, and waits until it is ready. What it has: `max_pods=N`, `addresses=N` for pods,
    /// `memory=MIB` that pods may ask for.
    ///
    /// # Errors
    /// With what the script says.
    pub async fn join(&self, name: &str, has: &[&str]) -> Result<Node> {
        // One of a story that was killed is in the way.
        let removed = tokio::process::Command::from(script("remove", name)?).status().await?;
        ensure!(removed.success(), "an earlier node {name} is not removed: {removed}");
        let node = Node { name: name.to_owned() };
        let mut command = tokio::process::Command::from(script("add", name)?);
        let status = command.args(has).arg(format!("pool={name}")).status().await?;
        ensure!(status.success(), "the node {name} did not join: {status}");
        Ok(node)
    }
}

fn script(verb: &str, name: &str) -> Result<Command> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("testbed/node.sh").canonicalize().context("tests/testbed/node.sh")?;
    let mut command = Command::new(path);
    command.args([verb, name]).stdin(Stdio::null());
    Ok(command)
}

impl Drop for Label {
    fn drop(&mut self) {
        let _best_effort =
            self.cluster.kubectl(&["label", "node", &self.node, &format!("{}-", self.key)]);
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let removed = script("remove", &self.name).map(|mut command| command.status());
        if !matches!(&removed, Ok(Ok(status)) if status.success()) && !std::thread::panicking() {
            panic!("the node {} is left over: {removed:?}", self.name);
        }
    }
}
