//! An example of `pipelines/examples` on its way through an installation to the cluster.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use slipway_harness::cluster::{Cluster, Namespace};
use slipway_harness::{Delivery, Installation, Repo, Repository, Settings, eventually};

/// Of thirty pods on a busy machine.
const LONG: Duration = Duration::from_secs(400);
const FINAL: [&str; 5] = ["passed", "failed", "errored", "canceled", "skipped"];

/// The example as a repo, and the namespace that its kubeconfig means.
pub(crate) struct Example {
    pub(crate) namespace: Namespace,
    slipway: Installation,
    repository: Repository,
    repo: Repo,
    files: BTreeMap<String, String>,
    pushed: usize,
}

impl Example {
    /// By the name of its folder.
    pub(crate) async fn of(name: &str, cluster: &Cluster) -> Result<Self> {
        let namespace = cluster.namespace(&format!("example-{}", &name[..2])).await?;
        // Thirty pods that start leave a busy machine no time for a heartbeat in each second.
        let server = vec![("SLIPWAY_LEASE_SECONDS", "30".to_owned())];
        let slipway = Installation::with(Settings { server, ..Settings::default() }).await?;
        let repository = slipway.repository()?;
        // Of this process alone, as the engine is everybody's.
        let repo = format!("examples-{}/{name}", std::process::id());
        let repo = slipway.add_repo(&repo, &repository.path).await?;
        let secret = ["secret", "set", &repo.name, "KUBECONFIG"];
        slipway.slipway_with(&secret, &namespace.kubeconfig()?).await?;
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pipelines/examples").join(name);
        let mut files = BTreeMap::new();
        read(&folder, "", &mut files)?;
        Ok(Self { namespace, slipway, repository, repo, files, pushed: 0 })
    }

    /// Puts other words into a file, as somebody who edits it.
    pub(crate) fn edit(&mut self, file: &str, from: &str, to: &str) -> Result<()> {
        let text = self.files.get_mut(file).with_context(|| format!("there is no {file}"))?;
        ensure!(text.contains(from), "{file}: no {from:?} in {text}");
        *text = text.replace(from, to);
        Ok(())
    }

    /// `git push slipway main:BRANCH`; answers the deployment to `environment` when the run has ended.
    pub(crate) async fn push(&mut self, branch: &str, environment: &str) -> Result<Value> {
        let files = self.files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        let commit = self.repository.commit(branch, &files.collect::<Vec<_>>())?;
        let caller = self.slipway.caller();
        caller.deliver_until_accepted(&self.repo, &Delivery::push(branch, &commit)).await;
        self.pushed += 1;
        let run = eventually("the run ends", LONG, || async {
            let run = caller.run(&self.repo, self.pushed).await?;
            let state = run["state"].as_str().unwrap_or_default();
            Ok(FINAL.contains(&state).then_some(run))
        })
        .await;
        let run_number = self.pushed.to_string();
        let why = ["deploy", "why", &self.repo.name, environment, "--run", &run_number, "--json"];
        let Ok(shown) = self.slipway.slipway(&why).await else {
            let log = caller.log(&self.repo, self.pushed, 1).await.unwrap_or_default();
            anyhow::bail!("nothing was deployed: {run}\n{log}");
        };
        Ok(serde_json::from_str(&shown)?)
    }

    /// As [`Self::push`] to `main`; answers a deployment that is live.
    pub(crate) async fn goes_live(&mut self) -> Result<Value> {
        let deployment = self.push("main", "production").await?;
        if deployment["state"] != "live" {
            let log = self.log().await?;
            anyhow::bail!("not live: {deployment:#}\n{log}\n{}", self.cluster_says());
        }
        ensure!(deployment["findings"].as_array().is_none_or(Vec::is_empty), "{deployment:#}");
        Ok(deployment)
    }

    /// The log of the run's one job.
    pub(crate) async fn log(&self) -> Result<String> {
        self.slipway.caller().log(&self.repo, self.pushed, 1).await
    }

    /// What somebody would look at: for messages of a story that failed.
    fn cluster_says(&self) -> String {
        let shown = self.namespace.kubectl(&["get", "all", "-o", "wide"]);
        shown.unwrap_or_else(|error| error.to_string())
    }

    /// Ends the installation.
    pub(crate) async fn remove(self) -> Result<()> {
        let Self { slipway, repo, .. } = self;
        slipway.remove().await?;
        let images = docker(&["images", "-q", &format!("slipway/{}/*", repo.name)])?;
        let label = format!("label=slipway.image-of={}", repo.name);
        let kept = docker(&["images", "-q", "--filter", &label])?;
        let mut all: Vec<&str> = images.lines().chain(kept.lines()).collect();
        all.sort_unstable();
        all.dedup();
        all.iter().try_for_each(|id| docker(&["rmi", "-f", id]).map(drop))
    }
}

/// The findings of a deployment as the page shows them: `code: sentence`.
pub(crate) fn findings(deployment: &Value) -> Vec<String> {
    let all = deployment["findings"].as_array().into_iter().flatten();
    all.map(|finding| {
        let text = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
        format!("{}: {}: {}", text("code"), text("subject"), text("sentence"))
    })
    .collect()
}

fn read(folder: &Path, below: &str, files: &mut BTreeMap<String, String>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            read(&entry.path(), &format!("{name}/"), files)?;
        } else {
            files.insert(name, std::fs::read_to_string(entry.path())?);
        }
    }
    Ok(())
}

fn docker(arguments: &[&str]) -> Result<String> {
    let output = Command::new("docker").args(arguments).output().context("docker starts")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "docker {}: {said}", arguments.join(" "));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
