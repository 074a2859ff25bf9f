//! Asks git which refs a bare repository on this machine has. Nothing of the repository's
//! content is read or run: names and commit ids only.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use slipway_pipelines::names::CommitSha;
use tokio::process::Command;
use url::Url;

/// It reads a few files of this machine; longer means that the disk hangs.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The folder that a clone address names, if that is one of this machine.
pub(crate) fn folder(clone_url: &str) -> Option<PathBuf> {
    if clone_url.starts_with('/') {
        return Some(PathBuf::from(clone_url));
    }
    Url::parse(clone_url).ok().filter(|url| url.scheme() == "file")?.to_file_path().ok()
}

/// The branches and tags, each with what it points to.
///
/// # Errors
/// When there is no repository, or git does not answer in time.
pub(crate) async fn heads(folder: &Path) -> Result<Vec<(String, CommitSha)>> {
    let mut git = Command::new("git");
    git.arg("--git-dir").arg(folder);
    git.args(["for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags"]);
    // Only the repository named is looked at, whatever this process was started with.
    for inherited in ["GIT_WORK_TREE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE"] {
        git.env_remove(inherited);
    }
    git.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    git.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(TIMEOUT, git.output())
        .await
        .context("git for-each-ref did not answer in time")?
        .context("git can not be run; install it on the server's machine")?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        anyhow::bail!("git for-each-ref: {}", error.trim());
    }
    // A ref whose name is no UTF-8 has no name that a page could show: no delivery tells of it.
    let lines = output.stdout.split(|byte| *byte == b'\n');
    Ok(lines.filter_map(|line| read(std::str::from_utf8(line).ok()?)).collect())
}

fn read(line: &str) -> Option<(String, CommitSha)> {
    let (commit, name) = line.split_once(' ')?;
    Some((name.to_owned(), commit.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_this_machine_name_a_folder() {
        assert_eq!(folder("/srv/a.git"), Some(PathBuf::from("/srv/a.git")));
        assert_eq!(folder("file:///srv/a.git"), Some(PathBuf::from("/srv/a.git")));
        for elsewhere in ["https://host/a.git", "git@host:a.git", "ssh://host/a.git", "a.git", ""] {
            assert_eq!(folder(elsewhere), None, "{elsewhere}");
        }
    }

    #[tokio::test]
    async fn a_folder_that_is_no_repository_is_an_error() {
        let error = heads(Path::new("/nonexistent")).await.expect_err("nothing is there");
        assert!(error.to_string().contains("not a git repository"), "{error}");
    }
}
