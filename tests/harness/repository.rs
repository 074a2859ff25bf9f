//! A bare repository, and what its hook would post.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// A bare repository that holds one branch.
#[derive(Debug)]
pub struct Repository {
    /// The bare repository.
    pub path: PathBuf,
    tree: PathBuf,
}

/// A delivery as it goes over the wire.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its id: the same for each time it is posted.
    pub guid: String,
    /// The raw body.
    pub body: Vec<u8>,
}

impl Delivery {
    /// A push of `commit` to `branch`, with an id made by chance.
    #[must_use]
    pub fn push(branch: &str, commit: &str) -> Self {
        let body = serde_json::json!({
            "ref": format!("refs/heads/{branch}"), "before": "0".repeat(40), "after": commit,
            "pusher": "somebody",
        });
        let guid = uuid::Uuid::now_v7().simple().to_string();
        Self { guid, body: body.to_string().into_bytes() }
    }

    /// The value of `X-Hub-Signature-256`.
    #[must_use]
    pub fn signature(&self, key: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes())
            .expect("HMAC takes keys of every length");
        mac.update(&self.body);
        format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
    }
}

impl Repository {
    /// Makes an empty one below `dir`.
    ///
    /// # Errors
    /// When git fails.
    pub fn create(dir: &Path) -> Result<Self> {
        let (path, tree) = (dir.join("origin.git"), dir.join("tree"));
        std::fs::create_dir_all(&tree)?;
        git(dir, &["init", "-q", "--bare", "-b", "main", &path.display().to_string()])?;
        git(&tree, &["init", "-q", "-b", "main"])?;
        Ok(Self { path, tree })
    }

    /// Writes the files, commits them and brings the commit to `branch`; answers its hash.
    ///
    /// # Errors
    /// When git fails.
    pub fn commit(&self, branch: &str, files: &[(&str, &str)]) -> Result<String> {
        for (name, text) in files {
            let file = self.tree.join(name);
            std::fs::create_dir_all(file.parent().context("a file has a folder")?)?;
            std::fs::write(file, text)?;
        }
        git(&self.tree, &["add", "-A"])?;
        let who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@localhost"];
        git(
            &self.tree,
            &[&who[..], &["commit", "-q", "--allow-empty", "-m", "A change"]].concat(),
        )?;
        let target = format!("HEAD:refs/heads/{branch}");
        git(&self.tree, &["push", "-q", "--force", &self.path.display().to_string(), &target])?;
        git(&self.tree, &["rev-parse", "HEAD"])
    }
}

/// Runs git in `dir`; answers what it printed.
///
/// # Errors
/// When it fails.
pub fn git(dir: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new("git")
        .current_dir(dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .args(arguments)
        .output()
        .context("git can not be started")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "git {}: {said}", arguments.join(" "));
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
