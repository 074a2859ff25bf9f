//! The Kubernetes of the stories: real nodes that `make test-cluster` brings up (tests/testbed). Each
//! story has a namespace of its own, and may have nodes of its own.

mod access;
mod image;
mod namespace;
mod node;

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

pub use image::REGISTRY;
pub use namespace::{Namespace, node_of};
pub use node::{Label, Node};

/// The cluster, as its administrator.
#[derive(Clone)]
pub struct Cluster {
    /// Asks its API.
    pub client: Client,
    kubeconfig: Kubeconfig,
    path: PathBuf,
}

impl Cluster {
    /// The one that the command brought up.
    ///
    /// # Errors
    /// When there is none: a story that needs one does not pass without.
    pub async fn open() -> Result<Self> {
        let path = std::env::var_os("SLIPWAY_TEST_KUBECONFIG").map(PathBuf::from);
        let path = path.filter(|path| !path.as_os_str().is_empty());
        let path = path.context(
            "SLIPWAY_TEST_KUBECONFIG is not set: run the stories of the cluster by `make test-cluster`",
        )?;
        let kubeconfig = Kubeconfig::read_from(&path)
            .with_context(|| format!("{} is no kubeconfig", path.display()))?;
        let client = client(kubeconfig.clone()).await?;
        client.apiserver_version().await.context(
            "the cluster for tests does not answer: run the stories by `make test-cluster`",
        )?;
        Ok(Self { client, kubeconfig, path })
    }

    /// `kubectl ARGUMENTS`, for what a person would type; answers what it printed.
    ///
    /// # Errors
    /// With what it said, when it fails.
    pub fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        self.kubectl_with(arguments, "")
    }

    /// As [`Self::kubectl`], with this on its standard input.
    ///
    /// # Errors
    /// With what it said, when it fails.
    pub fn kubectl_with(&self, arguments: &[&str], input: &str) -> Result<String> {
        use std::io::Write as _;
        let mut command = Command::new("kubectl");
        command.args(arguments).env("KUBECONFIG", &self.path);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().context("kubectl can not be started")?;
        child.stdin.take().context("it has an input")?.write_all(input.as_bytes())?;
        let output = child.wait_with_output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "kubectl {}: {said}", arguments.join(" "));
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// A client of what this kubeconfig says.
pub(super) async fn client(kubeconfig: Kubeconfig) -> Result<Client> {
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}
