//! A scratch installation: the real program, its real Postgres, a data dir of its own.

#![allow(dead_code, reason = "each test file uses its part of this")]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A data dir and a working clone; what runs in it is stopped at the end.
pub(crate) struct Installation {
    folder: tempfile::TempDir,
}

impl Installation {
    /// Nothing runs yet.
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("slipway-cli-").tempdir().expect("a folder");
        // Root's Postgres runs as another user, which must pass through.
        let mode = std::fs::Permissions::from_mode(0o711);
        std::fs::set_permissions(folder.path(), mode).expect("its mode is set");
        Self { folder }
    }

    /// Everything runs.
    pub(crate) fn up() -> Self {
        let installation = Self::new();
        installation.start();
        installation
    }

    /// `slipway up --detach`; its line.
    pub(crate) fn start(&self) -> String {
        said(&self.slipway(&["up", "--detach", "--listen", "127.0.0.1:0"]))
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.folder.path())
            .env("SLIPWAY_DATA_DIR", self.data_dir())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env_remove("SLIPWAY_URL")
            .env_remove("SLIPWAY_DATABASE_URL")
            .stdin(Stdio::null());
        command
    }

    /// Runs the program.
    pub(crate) fn slipway(&self, arguments: &[&str]) -> Output {
        self.command(env!("CARGO_BIN_EXE_slipway")).args(arguments).output().expect("it runs")
    }

    /// Runs the program with this on its standard input.
    pub(crate) fn slipway_with(&self, arguments: &[&str], input: &str) -> Output {
        let file = self.folder.path().join("input");
        std::fs::write(&file, input).expect("it is written");
        let input = std::fs::File::open(&file).expect("it is there");
        let mut command = self.command(env!("CARGO_BIN_EXE_slipway"));
        let output = command.args(arguments).stdin(input).output().expect("it runs");
        std::fs::remove_file(file).expect("it is removed");
        output
    }

    /// What a listing says as JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let mut arguments = arguments.to_vec();
        arguments.push("--json");
        serde_json::from_str(&said(&self.slipway(&arguments))).expect("it is JSON")
    }

    /// Runs git in a folder below ours; everything it says.
    pub(crate) fn git(&self, folder: &Path, arguments: &[&str]) -> String {
        let output = self.command("git").arg("-C").arg(folder).args(arguments).output();
        let output = output.expect("git runs");
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "git {arguments:?}: {words}");
        String::from_utf8_lossy(&output.stdout).into_owned() + &words
    }

    /// A working clone with one commit.
    pub(crate) fn clone(&self, name: &str) -> PathBuf {
        let clone = self.folder.path().join(name);
        std::fs::create_dir(&clone).expect("it is made");
        self.git(&clone, &["init", "-q", "-b", "main"]);
        self.git(&clone, &["config", "user.name", "Ada"]);
        self.git(&clone, &["config", "user.email", "ada@example.org"]);
        std::fs::write(clone.join(".ci.yml"), "image: busybox\nscript: \"true\"\n")
            .expect("written");
        self.git(&clone, &["add", "."]);
        self.git(&clone, &["commit", "-q", "-m", "Lay the keel"]);
        clone
    }

    /// A process that `running.json` names.
    pub(crate) fn pid(&self, name: &str) -> u32 {
        let text = std::fs::read(self.data_dir().join("running.json")).expect("it runs");
        let running: Value = serde_json::from_slice(&text).expect("it is JSON");
        running[name]["pid"].as_u64().and_then(|pid| pid.try_into().ok()).expect("a process")
    }

    /// The Postgres of this data dir.
    pub(crate) fn postgres_pid(&self) -> u32 {
        let file = self.data_dir().join("postgres/data/postmaster.pid");
        let text = std::fs::read_to_string(file).expect("Postgres runs");
        text.lines().next().and_then(|line| line.trim().parse().ok()).expect("a process")
    }

    /// Every process whose command line names our data dir.
    pub(crate) fn processes(&self) -> Vec<String> {
        let data_dir = self.data_dir().display().to_string();
        let entries = std::fs::read_dir("/proc").expect("Linux").flatten();
        let lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
        lines
            .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
            .filter(|line| line.contains(&data_dir))
            .collect()
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        if self.data_dir().join("running.json").exists() {
            self.slipway(&["down"]);
        }
    }
}

/// The standard output of a program that succeeded.
pub(crate) fn said(output: &Output) -> String {
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "it failed: {words}");
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

/// The one sentence of a program that failed.
pub(crate) fn refused(output: &Output) -> String {
    let words = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
    assert!(!output.status.success(), "it succeeded");
    assert_eq!(words.lines().count(), 1, "one sentence: {words}");
    words
}

/// `kill -9`, by number.
pub(crate) fn kill(pid: u32) {
    let status = Command::new("kill").args(["-9", &pid.to_string()]).status().expect("it runs");
    assert!(status.success(), "process {pid} can not be killed");
}

/// Waits until it holds.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "not within 30 s: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
