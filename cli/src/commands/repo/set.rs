//! `slipway repo set`: which events start runs.

use anyhow::Result;
use reqwest::Method;
use slipway_pipelines::names::RepoName;

use crate::api::ServerFlags;
use crate::print;

/// What is not named stays as it is.
#[derive(Debug, clap::Args)]
#[group(id = "switches", required = true, multiple = true, args = ["build_pushes",
    "build_pull_requests", "default_branch"])]
pub(super) struct Set {
    /// The repo, as OWNER/NAME.
    repo: RepoName,
    /// Do pushes of branches and tags start runs?
    #[arg(long, value_name = "true|false")]
    build_pushes: Option<bool>,
    /// Do pull requests?
    #[arg(long, value_name = "true|false")]
    build_pull_requests: Option<bool>,
    /// The branch it is about.
    #[arg(long, value_name = "BRANCH")]
    default_branch: Option<String>,
    #[command(flatten)]
    server: ServerFlags,
}

/// Changes it and says so.
pub(super) async fn run(arguments: Set) -> Result<()> {
    let (_data_dir, api) = arguments.server.connect()?;
    let change = serde_json::json!({
        "build_pushes": arguments.build_pushes,
        "build_pull_requests": arguments.build_pull_requests,
        "default_branch": arguments.default_branch,
    });
    api.call_with(Method::PATCH, arguments.repo.as_str(), &change).await?;
    print::line(&format!("{} is changed", arguments.repo));
    Ok(())
}
