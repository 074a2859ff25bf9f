//! What lies on the engine, asked through its own program.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use crate::data_dir::DataDir;

/// An engine that hangs must not hang `down`.
const LIMIT: Duration = Duration::from_secs(20);
/// Where the worker keeps its id, which it puts on every container of a job.
const WORKER_ID: &str = "worker/worker-id";

/// How many containers of this data dir's worker are there, running or not.
pub(crate) async fn of_jobs(data_dir: &DataDir, engine: Option<&str>) -> Result<usize> {
    let Ok(id) = std::fs::read_to_string(data_dir.join(WORKER_ID)) else {
        // No worker ever ran here.
        return Ok(0);
    };
    let filter = format!("label=slipway.worker={}", id.trim());
    Ok(list(engine, &filter, "{{.ID}}").await?.len())
}

/// Each deployed application of these repos:
/// `acme/web/app  slipway-acme-web-…  127.0.0.1:18080->80/tcp`.
pub(crate) async fn services(engine: Option<&str>, repos: &[String]) -> Vec<String> {
    let format = "{{.Label \"slipway.service\"}}  {{.Names}}  {{.Ports}}";
    let all = list(engine, "label=slipway.service", format).await.unwrap_or_default();
    all.into_iter().filter(|line| repos.iter().any(|repo| is_of(line, repo))).collect()
}

/// A service's label is `OWNER/NAME/SERVICE`.
fn is_of(line: &str, repo: &str) -> bool {
    line.strip_prefix(repo).is_some_and(|rest| rest.starts_with('/'))
}

async fn list(engine: Option<&str>, filter: &str, format: &str) -> Result<Vec<String>> {
    let output = Command::new("docker")
        .args(engine.map(|engine| format!("--host={engine}")))
        .args(["ps", "--all", "--no-trunc", "--filter", filter, "--format", format])
        .output();
    let output = tokio::time::timeout(LIMIT, output)
        .await
        .with_context(|| format!("the engine does not answer within {} s", LIMIT.as_secs()))?
        .context("there is no docker program")?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("{}", words.lines().next().unwrap_or("docker failed"));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().map(|line| line.trim_end().to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_told_from_that_of_a_repo_with_a_longer_name() {
        assert!(is_of("acme/web/app  slipway-acme-web-app", "acme/web"));
        assert!(!is_of("acme/website/app  slipway-acme-website-app", "acme/web"));
    }
}
