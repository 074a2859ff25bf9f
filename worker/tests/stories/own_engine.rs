//! An engine of a story's own, which may be stopped.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::fixture::IMAGE;

/// A dockerd beside the usual one: its own data, sockets and bridge.
pub(crate) struct OwnEngine {
    dir: tempfile::TempDir,
    bridge: String,
    daemon: Child,
}

impl OwnEngine {
    /// Starts it, with the image that all stories use.
    pub(crate) fn start() -> Self {
        let id = uuid::Uuid::now_v7().simple().to_string();
        let bridge = format!("sl{}", &id[id.len() - 10..]);
        run(&["ip", "link", "add", "name", &bridge, "type", "bridge"]);
        // From the range that is set apart for measurements: nobody else's.
        let third = u8::from_str_radix(&id[id.len() - 2..], 16).expect("hex");
        run(&["ip", "address", "add", &format!("198.18.{third}.1/24"), "dev", &bridge]);
        run(&["ip", "link", "set", &bridge, "up"]);
        let dir = tempfile::tempdir().expect("a folder");
        let daemon = spawn(dir.path(), &bridge);
        let mut engine = Self { dir, bridge, daemon };
        engine.until_ready();
        let image = engine.dir.path().join("image.tar");
        let image = image.to_str().expect("a path").to_owned();
        run(&["docker", "save", "--output", &image, IMAGE]);
        run(&["docker", "--host", &engine.address(), "load", "--quiet", "--input", &image]);
        engine
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> String {
        format!("unix://{}", socket(self.dir.path()).display())
    }

    /// Stops it in peace, and starts it again.
    pub(crate) fn restart(&mut self) {
        self.stop();
        self.daemon = spawn(self.dir.path(), &self.bridge);
        self.until_ready();
    }

    /// All containers that it has.
    pub(crate) fn containers(&self) -> String {
        let mut list = Command::new("docker");
        let list = list.args(["--host", &self.address(), "ps", "--all", "--quiet"]);
        String::from_utf8_lossy(&list.output().expect("docker runs").stdout).into_owned()
    }

    fn stop(&mut self) {
        let pid = i32::try_from(self.daemon.id()).expect("a pid");
        let pid = rustix::process::Pid::from_raw(pid).expect("a pid");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
        self.daemon.wait().expect("it ends");
    }

    fn until_ready(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let mut ask = Command::new("docker");
            ask.args(["--host", &self.address(), "version"]);
            let asked = ask.stdout(Stdio::null()).stderr(Stdio::null()).status();
            if asked.expect("docker runs").success() {
                return;
            }
            let ended = self.daemon.try_wait().expect("its state");
            let said = std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
            assert!(ended.is_none() && Instant::now() < deadline, "no engine: {said}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for OwnEngine {
    fn drop(&mut self) {
        if self.daemon.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.stop();
        }
        let mut remove = Command::new("ip");
        let _best_effort = remove.args(["link", "delete", &self.bridge]).status();
    }
}

fn socket(dir: &Path) -> PathBuf {
    dir.join("engine.sock")
}

fn spawn(dir: &Path, bridge: &str) -> Child {
    let log = File::options().create(true).append(true).open(dir.join("log")).expect("a log");
    let flag = |name: &str, path: &str| format!("--{name}={}", dir.join(path).display());
    let mut daemon = Command::new("dockerd");
    daemon
        .args([flag("data-root", "data"), flag("exec-root", "exec"), flag("pidfile", "pid")])
        .args([format!("--host=unix://{}", socket(dir).display()), format!("--bridge={bridge}")])
        .args(["--iptables=false", "--ip-masq=false"])
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a log"))
        .stderr(log);
    daemon.spawn().expect("dockerd is installed, and this is root")
}

fn run(command: &[&str]) {
    let ran = Command::new(command[0]).args(&command[1..]).output().expect("it is installed");
    assert!(ran.status.success(), "{command:?}: {}", String::from_utf8_lossy(&ran.stderr));
}
