//! Docker Hub's stand-in: a real registry on this machine; and the engine's own client.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use slipway_harness::{Process, eventually};

/// Of the registry, on a busy machine.
const START: Duration = Duration::from_secs(60);
pub(crate) const USER: &str = "acme";
pub(crate) const PASSWORD: &str = "the-token-of-the-registry";

pub(crate) struct Registry {
    _process: Process,
    _folder: tempfile::TempDir,
    /// `HOST:PORT`.
    pub(crate) host: String,
}

impl Registry {
    /// Everybody may read and write.
    pub(crate) async fn open() -> Result<Self> {
        Self::start(false).await
    }

    /// Only [`USER`] may.
    pub(crate) async fn locked() -> Result<Self> {
        Self::start(true).await
    }

    async fn start(locked: bool) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let host = format!("127.0.0.1:{}", free_port()?);
        let mut text = format!(
            "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {host}\n",
            folder.path().join("data").display(),
        );
        if locked {
            text += &login(folder.path())?;
        }
        let config = folder.path().join("config.yml");
        std::fs::write(&config, text)?;
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(&config);
        let process = Process::start("the registry", &mut command, &folder.path().join("log"))?;
        eventually("the registry listens", START, || async {
            Ok(tokio::net::TcpStream::connect(&host).await.is_ok().then_some(()))
        })
        .await;
        Ok(Self { _process: process, _folder: folder, host })
    }
}

fn login(folder: &Path) -> Result<String> {
    let made = Command::new("htpasswd").args(["-Bbn", USER, PASSWORD]).output()?;
    ensure!(made.status.success(), "htpasswd: {}", String::from_utf8_lossy(&made.stderr));
    let passwords = folder.join("htpasswd");
    std::fs::write(&passwords, made.stdout)?;
    let path = passwords.display();
    Ok(format!("auth:\n  htpasswd:\n    realm: examples\n    path: {path}\n"))
}

/// Free when asked; a story asks once and uses it at once.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Runs the engine's client; answers what it printed.
pub(crate) fn docker(arguments: &[&str]) -> Result<String> {
    let output = Command::new("docker").args(arguments).output().context("docker starts")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "docker {}: {said}", arguments.join(" "));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
