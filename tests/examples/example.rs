//! An example in a folder of a person's own, on its way through an installation.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use slipway_harness::{Installation, Settings, eventually, git};

use crate::registry::docker;

/// Of a run that installs packages on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(600);
const FINAL: [&str; 5] = ["passed", "failed", "errored", "canceled", "skipped"];
/// What this machine trusts: jobs that fetch packages may have to, too.
pub(crate) const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// A copy of the example, in no repository yet.
pub(crate) struct Example {
    _dir: tempfile::TempDir,
    path: PathBuf,
    /// How the repo is called.
    pub(crate) repo: String,
}

/// Where the examples are.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../pipelines/examples")
}

/// An installation whose jobs trust what this machine does.
pub(crate) async fn installation() -> Result<Installation> {
    let worker = vec![("SLIPWAY_EXTRA_CA", CERTIFICATES.to_owned())];
    Installation::with(Settings { worker, ..Settings::default() }).await
}

impl Example {
    /// By the name of its folder.
    pub(crate) fn of(name: &str) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("slipway-example-").tempdir()?;
        let path = dir.path().join(name);
        copy(&folder().join(name), &path)?;
        // Of this process alone, as the engine is everybody's.
        Ok(Self { _dir: dir, path, repo: format!("examples-{}/{name}", std::process::id()) })
    }

    /// A file of it.
    pub(crate) fn read(&self, file: &str) -> Result<String> {
        let path = self.path.join(file);
        std::fs::read_to_string(&path).with_context(|| path.display().to_string())
    }

    /// Puts what this machine has in the place of what only the world has.
    pub(crate) fn replace(&self, from: &str, to: &str) -> Result<()> {
        let text = self.read(".ci.yml")?;
        ensure!(text.contains(from), "{}: no {from:?} in {text}", self.repo);
        Ok(std::fs::write(self.path.join(".ci.yml"), text.replace(from, to))?)
    }

    /// `git init` and a commit.
    fn committed(&self) -> Result<()> {
        git(&self.path, &["init", "-q", "-b", "main"])?;
        git(&self.path, &["add", "-A"])?;
        let who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@localhost"];
        git(&self.path, &[&who[..], &["commit", "-q", "-m", "Try the example"]].concat()).map(drop)
    }

    /// The folder of somebody who cloned the repo.
    pub(crate) fn cloned(&self) -> Result<&Path> {
        self.committed()?;
        let origin = format!("https://git.example.com/{}.git", self.repo);
        git(&self.path, &["remote", "add", "origin", &origin])?;
        Ok(&self.path)
    }

    /// A repository, which `slipway repo add` makes known.
    pub(crate) async fn add(&self, slipway: &Installation) -> Result<()> {
        self.committed()?;
        let path = self.path.to_str().context("a path in UTF-8")?;
        let said = slipway.slipway(&["repo", "add", path, "--name", &self.repo]).await?;
        ensure!(said.contains("git push slipway main"), "{said}");
        Ok(())
    }

    /// `git push slipway main`.
    pub(crate) fn push(&self) -> Result<()> {
        git(&self.path, &["push", "-q", "slipway", "main"]).map(drop)
    }

    /// The checked-out commit.
    pub(crate) fn commit(&self) -> Result<String> {
        git(&self.path, &["rev-parse", "HEAD"])
    }

    pub(crate) async fn secret(
        &self,
        slipway: &Installation,
        name: &str,
        value: &str,
    ) -> Result<()> {
        slipway.slipway_with(&["secret", "set", &self.repo, name], value).await.map(drop)
    }

    /// Waits for the end of the first run; answers its state, and what its jobs wrote.
    pub(crate) async fn ended(&self, slipway: &Installation) -> Result<(String, Vec<String>)> {
        let run = eventually("the run ends", LONG, || async {
            let shown = slipway.slipway(&["runs", "show", &self.repo, "1", "--json"]).await?;
            let run: Value = serde_json::from_str(&shown)?;
            let state = run["state"].as_str().unwrap_or_default();
            Ok(FINAL.contains(&state).then_some(run))
        })
        .await;
        let mut logs = Vec::new();
        for number in 1..=run["jobs"].as_array().map_or(0, Vec::len) {
            logs.push(self.log(slipway, number).await?);
        }
        Ok((run["state"].as_str().unwrap_or_default().to_owned(), logs))
    }

    /// What a job of the first run has written.
    pub(crate) async fn log(&self, slipway: &Installation, job: usize) -> Result<String> {
        slipway.slipway(&["job", "logs", &self.repo, &format!("1.{job}")]).await
    }

    /// Pushes it and waits for a run that passed; answers what its jobs wrote.
    pub(crate) async fn passes(&self, slipway: &Installation) -> Result<Vec<String>> {
        self.push()?;
        let (state, logs) = self.ended(slipway).await?;
        ensure!(state == "passed", "the run {state}:\n{}", logs.join("\n---\n"));
        Ok(logs)
    }
}

/// What was deployed outlives the worker, and images outlive their jobs: both go with the story.
impl Drop for Example {
    fn drop(&mut self) {
        if let Err(error) = clean(&self.repo) {
            eprintln!("{} leaves something on the engine: {error:#}", self.repo);
        }
    }
}

fn clean(repo: &str) -> Result<()> {
    let shown = "{{.ID}} {{.Label \"slipway.service\"}}";
    let services = docker(&["ps", "-a", "--filter", "label=slipway.service", "--format", shown])?;
    for line in services.lines() {
        let (id, service) = line.split_once(' ').unwrap_or_default();
        if service.starts_with(&format!("{repo}/")) {
            docker(&["rm", "-f", "-v", id])?;
        }
    }
    let label = format!("label=slipway.services-of={repo}");
    for id in docker(&["network", "ls", "-q", "--filter", &label])?.lines() {
        docker(&["network", "rm", id])?;
    }
    let built = docker(&["images", "-q", &format!("slipway/{repo}/*")])?;
    let kept = docker(&["images", "-q", "--filter", &format!("label=slipway.image-of={repo}")])?;
    let mut images: Vec<&str> = built.lines().chain(kept.lines()).collect();
    images.sort_unstable();
    images.dedup();
    images.iter().try_for_each(|id| docker(&["rmi", "-f", id]).map(drop))
}

/// An example that needs nothing but a push.
pub(crate) async fn pushed(name: &str) -> Result<Vec<String>> {
    let (slipway, example) = (installation().await?, Example::of(name)?);
    example.add(&slipway).await?;
    let logs = example.passes(&slipway).await?;
    slipway.remove().await?;
    Ok(logs)
}

/// All of these are lines, or in lines, of the text.
pub(crate) fn shows(text: &str, all: &[&str]) {
    for wanted in all {
        assert!(text.contains(wanted), "no {wanted:?} in:\n{text}");
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
