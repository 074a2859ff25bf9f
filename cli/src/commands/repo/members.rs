//! `slipway repo members|grant|revoke`: who may do what in a repo.

use anyhow::Result;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use slipway_pipelines::names::RepoName;

use crate::api::{Listing, ServerFlags};
use crate::print;

#[derive(Debug, clap::Args)]
pub(super) struct Grant {
    /// The repo, as OWNER/NAME.
    repo: RepoName,
    /// The account's name on GitHub; it must have logged in once.
    login: String,
    /// read, write or admin
    #[arg(value_parser = ["read", "write", "admin"])]
    role: String,
    #[command(flatten)]
    server: ServerFlags,
}

#[derive(Debug, clap::Args)]
pub(super) struct Revoke {
    /// The repo, as OWNER/NAME.
    repo: RepoName,
    /// The account's name on GitHub.
    login: String,
    #[command(flatten)]
    server: ServerFlags,
}

#[derive(Debug, Deserialize, Serialize)]
struct Member {
    login: String,
    forge_id: Option<i64>,
    role: String,
}

/// Of those that logged in.
pub(super) async fn list(arguments: Listing) -> Result<()> {
    let (_data_dir, api) = arguments.server.connect()?;
    let members: Vec<Member> = api.get(&format!("{}/members", arguments.repo)).await?;
    if arguments.json {
        return print::json(&members);
    }
    if members.is_empty() {
        print::line("nobody that may do anything here has logged in yet");
        return Ok(());
    }
    let row = |member: &Member| vec![print::safe(&member.login), member.role.clone()];
    print::table(&["LOGIN", "ROLE"], members.iter().map(row));
    Ok(())
}

/// Beside what GitHub lets them do.
pub(super) async fn grant(arguments: Grant) -> Result<()> {
    let (_data_dir, api) = arguments.server.connect()?;
    let Grant { repo, login, role, .. } = arguments;
    let body = serde_json::json!({ "role": role });
    api.call_with(Method::PUT, &format!("{repo}/members/{login}"), &body).await?;
    print::line(&format!("{} has the role {role} in {repo}", print::safe(&login)));
    Ok(())
}

/// What GitHub lets them do, stays.
pub(super) async fn revoke(arguments: Revoke) -> Result<()> {
    let (_data_dir, api) = arguments.server.connect()?;
    let (repo, login) = (&arguments.repo, &arguments.login);
    api.call(Method::DELETE, &format!("{repo}/members/{login}")).await?;
    print::line(&format!("{} may do in {repo} what GitHub lets them do", print::safe(login)));
    Ok(())
}
