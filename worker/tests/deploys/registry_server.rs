//! A real registry with a login, for one story.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::time::Instant;

/// Longest time until it listens.
const UP: Duration = Duration::from_secs(60);

pub(crate) const USER: &str = "robot";
pub(crate) const PASSWORD: &str = "open-sesame-4711";

/// Stops with the story.
pub(crate) struct Registry {
    pub(crate) host: String,
    server: Child,
    _folder: tempfile::TempDir,
}

impl Registry {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let host = format!("127.0.0.1:{}", free_port());
        let config = configured(folder.path(), &host);
        let server = Command::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("docker-registry is installed");
        let registry = Self { host, server, _folder: folder };
        let deadline = Instant::now() + UP;
        while tokio::net::TcpStream::connect(&registry.host).await.is_err() {
            assert!(Instant::now() < deadline, "the registry did not come up");
            tokio::task::yield_now().await;
        }
        registry
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.server.kill().expect("the registry is ours to stop");
        self.server.wait().expect("it ends");
    }
}

fn configured(folder: &Path, host: &str) -> std::path::PathBuf {
    let login = Command::new("htpasswd").args(["-Bbn", USER, PASSWORD]).output();
    let login = login.expect("htpasswd is installed").stdout;
    let (passwords, config) = (folder.join("htpasswd"), folder.join("config.yml"));
    std::fs::write(&passwords, login).expect("written");
    let text = format!(
        "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {host}\n\
         auth:\n  htpasswd:\n    realm: stories\n    path: {}\n",
        folder.join("data").display(),
        passwords.display()
    );
    std::fs::write(&config, text).expect("written");
    config
}

/// Free when asked; a story asks once and uses it at once.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound").port()
}
