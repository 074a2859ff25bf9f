//! `slipway repo add`: a working clone, a bare repository, or one of GitHub.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use slipway_pipelines::names::RepoName;
use slipway_pipelines::wire::SecretText;

use super::bare::{self, git};
use crate::api::{Api, ServerFlags};
use crate::commands::hook::settings::HookSettings;
use crate::data_dir::DataDir;
use crate::{print, views};

/// The owner of a repo for which nobody named one.
const OWNER: &str = "local";
/// The name of the remote that a working clone gets.
const REMOTE: &str = "slipway";

/// A working clone gets the remote "slipway", and a push to it starts a run. A bare repository
/// gets the hook itself, so every push to it does.
#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// A working clone or a bare repository of this machine.
    #[arg(default_value = ".")]
    path: PathBuf,
    /// How it is called here [default: local/FOLDER]
    #[arg(long, value_name = "OWNER/NAME")]
    name: Option<RepoName>,
    /// The branch it is about [default: the one that is checked out, or as GitHub says]
    #[arg(long, value_name = "BRANCH")]
    default_branch: Option<String>,
    /// A repository of GitHub instead of one of this machine.
    #[arg(long, value_name = "OWNER/NAME", conflicts_with_all = ["name", "path"])]
    github: Option<RepoName>,
    /// Where git fetches it from [default: as GitHub says]
    #[arg(long, value_name = "URL", requires = "github")]
    clone_url: Option<String>,
    #[command(flatten)]
    server: ServerFlags,
}

#[derive(Deserialize)]
struct Created {
    webhook_key: SecretText,
}

/// What adding a repo of GitHub's came to.
#[derive(Deserialize)]
struct Added {
    name: RepoName,
    default_branch: String,
    notes: Vec<String>,
}

/// Adds it and says how to start a run.
pub(super) async fn run(arguments: Add) -> Result<()> {
    let (data_dir, api) = arguments.server.clone().connect()?;
    if let Some(name) = &arguments.github {
        return add_github(&arguments, name, &api).await;
    }
    let path = std::fs::canonicalize(&arguments.path)
        .with_context(|| format!("there is no folder {}", arguments.path.display()))?;
    let is_bare = git(&path, &["rev-parse", "--is-bare-repository"])
        .with_context(|| format!("{} is no git repository", arguments.path.display()))?;
    if is_bare == "true" {
        let repository = PathBuf::from(git(&path, &["rev-parse", "--absolute-git-dir"])?);
        add_bare(&arguments, &repository, &data_dir, &api).await
    } else {
        let top = PathBuf::from(git(&path, &["rev-parse", "--show-toplevel"])?);
        add_clone(&arguments, &top, &data_dir, &api).await
    }
}

async fn add_clone(arguments: &Add, top: &Path, data_dir: &DataDir, api: &Api) -> Result<()> {
    let (name, branch) = (name(arguments, top)?, branch(arguments, top)?);
    let repository = data_dir.join("repos").join(format!("{name}.git"));
    let address = repository.to_str().context("the data dir's path is not UTF-8")?;
    let remote = git(top, &["config", "--get", &format!("remote.{REMOTE}.url")]).ok();
    if let Some(other) = remote.as_deref().filter(|remote| *remote != address) {
        bail!(
            "{} has a remote {REMOTE:?} already, to {other}; rename it first by: git remote rename \
             {REMOTE} OTHER",
            top.display()
        );
    }
    free(api, &name).await?;
    bare::make(&repository, &branch)?;
    bare::check_hook(&repository)?;
    register(api, data_dir, &name, &repository, &branch).await?;
    if remote.is_none() {
        git(top, &["remote", "add", REMOTE, address])?;
    }
    print::line(&format!("{name} is added: {}", api.page(name.as_str())));
    print::line(&format!("remote {REMOTE:?} added; start a run by: git push {REMOTE} {branch}"));
    Ok(())
}

async fn add_bare(arguments: &Add, repository: &Path, data_dir: &DataDir, api: &Api) -> Result<()> {
    let (name, branch) = (name(arguments, repository)?, branch(arguments, repository)?);
    bare::check_hook(repository)?;
    free(api, &name).await?;
    register(api, data_dir, &name, repository, &branch).await?;
    print::line(&format!("{name} is added: {}", api.page(name.as_str())));
    print::line(&format!("every push to {} starts a run", repository.display()));
    Ok(())
}

/// The server would say so too, but only after a repository was made.
async fn free(api: &Api, name: &RepoName) -> Result<()> {
    let known: Option<views::Repo> = api.find(name.as_str()).await?;
    if let Some(known) = known {
        bail!(
            "there is already a repo named {name}, from {}; choose another by --name, or remove \
             that one by: slipway repo remove {name}",
            known.clone_url
        );
    }
    Ok(())
}

async fn register(
    api: &Api,
    data_dir: &DataDir,
    name: &RepoName,
    repository: &Path,
    branch: &str,
) -> Result<()> {
    let address = repository.to_str().context("the repository's path is not UTF-8")?;
    let asked = serde_json::json!({
        "name": name, "kind": "git", "clone_url": address, "default_branch": branch,
    });
    let created: Created = api.post("repos", &asked).await?;
    let settings = HookSettings {
        repo: name.clone(),
        server: api.base().clone(),
        data_dir: data_dir.path().to_owned(),
        key: created.webhook_key,
    };
    bare::install_hook(repository, &settings)
}

async fn add_github(arguments: &Add, name: &RepoName, api: &Api) -> Result<()> {
    let asked = serde_json::json!({
        "name": name,
        "kind": "github",
        "clone_url": arguments.clone_url,
        "default_branch": arguments.default_branch,
    });
    let added: Added = api.post("repos", &asked).await?;
    let name = &added.name;
    print::line(&format!("{name} is added: {}", api.page(name.as_str())));
    for note in &added.notes {
        print::line(&format!("- {note}"));
    }
    print::line(&format!(
        "start a run by a push to {name} that has a .ci.yml, for example to {}",
        added.default_branch
    ));
    Ok(())
}

fn name(arguments: &Add, folder: &Path) -> Result<RepoName> {
    if let Some(name) = &arguments.name {
        return Ok(name.clone());
    }
    let folder = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let name = folder.trim_end_matches(".git").trim_start_matches('.');
    let name: String = name.chars().map(|c| if allowed(c) { c } else { '-' }).collect();
    format!("{OWNER}/{name}").parse().context("the folder's name makes no repo name; use --name")
}

fn branch(arguments: &Add, folder: &Path) -> Result<String> {
    if let Some(branch) = &arguments.default_branch {
        return Ok(branch.clone());
    }
    git(folder, &["symbolic-ref", "--short", "HEAD"])
        .context("no branch is checked out; name one by --default-branch")
}
